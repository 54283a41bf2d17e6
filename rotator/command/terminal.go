package command

import (
	"bytes"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A terminal is the one that controls us, if there is one. A command in a group of its own
// gets its foreground whenever the shell has given that to us.
type terminal struct {
	fd    int // -1 when there is none
	group int // our process group
}

// findTerminal returns the terminal.
func findTerminal() terminal {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		fd = -1
	}
	return terminal{fd: fd, group: unix.Getpgrp()}
}

// inFront returns the process group in the foreground; -1 when there is no terminal.
// A group of another PID namespace is 0, and so is ours if it began there.
func (t terminal) inFront() int {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err != nil {
		return -1
	}
	return group
}

// pass gives the foreground from one process group to another. It stays where it is if
// it is somebody else's.
func (t terminal) pass(from, to int) {
	if t.inFront() == from {
		// The terminal may have gone, and the group as well.
		_ = unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, to)
	}
}

// takeBack takes the foreground from a command that has ended.
func (t terminal) takeBack(command int) { t.pass(command, t.group) }

// resume continues the command as we were continued, and gives it the foreground if
// the shell's fg has given that to us. After bg it has not.
func (t terminal) resume(command int) {
	t.pass(t.group, command)
	_ = syscall.Kill(-command, syscall.SIGCONT) // fails if it has just ended
}

// follow stops us as the command was stopped, so that the shell that waits for us shows
// its prompt. The shell's fg continues us, and then we continue the command. Where nobody
// could continue us, we continue it at once: the kernel stops no such group either, except
// by a SIGSTOP that somebody sends. In the foreground, that may come from another logreel.
func (t terminal) follow(command int, s syscall.Signal) {
	switch {
	case t.fd < 0 || s == syscall.SIGSTOP && (t.inFront() != command || orphaned()):
		return
	case (s == syscall.SIGTTIN || s == syscall.SIGTTOU) && t.inFront() == t.group:
		// The command was in the background when fg gave the foreground to us.
		t.resume(command)
	case orphaned():
		t.resume(command)
	default:
		t.takeBack(command)
		_ = syscall.Kill(0, syscall.SIGSTOP)
	}
}

// orphaned reports whether no shell would continue our process group: whether the
// parent of its leader is in another session (POSIX, orphaned process group).
func orphaned() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", unix.Getpgrp()))
	if err != nil {
		return false
	}
	// What follows the name, which may be anything in parentheses: state, parent.
	var state string
	var parent int
	if _, err := fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent); err != nil {
		return false
	}
	theirs, err := unix.Getsid(parent)
	ours, _ := unix.Getsid(0) // does not fail for ourselves
	return parent == 0 || err != nil || theirs != ours
}
