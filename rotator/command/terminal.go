package command

import (
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A terminal is the one on standard input, if we are in its foreground.
type terminal struct {
	there bool
	group int // our process group
}

// findTerminal returns the terminal that the command is to have.
func findTerminal() terminal {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return terminal{}
	}
	return terminal{there: true, group: group}
}

// leave is called when the command has the foreground. From the background the
// terminal would stop us when we take it back; the command must not inherit that we
// ignore it.
func (t terminal) leave() {
	if t.there {
		signal.Ignore(syscall.SIGTTOU)
	}
}

// attributes has the command begin in a process group of its own, and in the
// foreground if we are.
func (t terminal) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Foreground: t.there, Ctty: 0}
}

// takeBack takes the foreground from a command that has stopped or ended.
func (t terminal) takeBack() { t.lend(t.group) }

// lend gives the foreground to a process group.
func (t terminal) lend(group int) {
	if t.there {
		// The terminal may have gone, and the group as well.
		_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, group)
	}
}

// resume gives the foreground to the command's group again, if the shell's fg has
// given it to us. After bg it has not.
func (t terminal) resume(group int) {
	if now, err := unix.IoctlGetInt(0, unix.TIOCGPGRP); err == nil && now == t.group {
		t.lend(group)
	}
}

// follow stops us as the command was stopped, so that the shell that waits for us has
// its prompt. The shell's fg continues us, and then we the command.
func (t terminal) follow(s syscall.Signal) {
	if t.there && (s == syscall.SIGTSTP || s == syscall.SIGTTIN || s == syscall.SIGTTOU) {
		t.takeBack()
		_ = syscall.Kill(0, syscall.SIGSTOP)
	}
}
