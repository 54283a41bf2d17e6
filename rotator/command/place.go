package command

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A place is the process group in which the command runs. Whatever a shell does with the
// command alone, it can do with us before it.
type place int

const (
	// own is a group of its own. What is sent to us, or to our group, is passed on to the
	// command alone, and the foreground of a terminal that was given to us. So it is where
	// an interactive shell or a supervisor has started us, and nothing else, in our group.
	own place = iota
	// inherited is the group that we were started in, together with whoever has started
	// us, such as a script: the command is there as it would be without us, and we leave.
	// What is sent to the group reaches it and its children, and not us; what is sent to
	// us is passed on.
	inherited
	// shared is our group, which we do not leave: an interactive shell has made it for a
	// pipeline, and stops and continues us with the others. What the terminal sends is
	// not passed on, since the command has it already.
	shared
)

// findPlace returns where the command is to run.
func findPlace(t terminal) place {
	leads := t.group == os.Getpid()
	// A parent in another PID namespace is 0, and so is a group that began there: then it
	// is our group that is looked up.
	if parents, err := unix.Getpgid(os.Getppid()); err == nil && parents == t.group && !leads {
		return inherited
	}
	if t.fd >= 0 && (!leads || isStream(1) || isStream(2)) {
		return shared
	}
	return own
}

// isStream reports whether a descriptor is a pipe or a socket, which somebody else reads.
func isStream(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFIFO || kind == unix.S_IFSOCK
}

// attributes are those with which the command begins: in its place, and in the foreground
// if that is a group of its own and we are there.
func (p place) attributes(t terminal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: p == own, Foreground: p == own && t.inFront() == t.group, Ctty: t.fd}
}

// settle is to be called after the command has begun, which must not inherit what it does.
func (p place) settle() {
	if p == inherited {
		// Into a session of our own: were we in a group of that session, the group of the
		// command would be orphaned when the command ends, and the system would send
		// SIGHUP to all of it if one were stopped (exit(3) of POSIX). Should it fail, what
		// is sent to the group reaches the command twice.
		_, _ = unix.Setsid()
	}
	// It would stop us when we write to a terminal from the background, or take it back.
	signal.Ignore(syscall.SIGTTOU)
}

// catches returns the signals that concern a command besides those that could end us.
func (p place) catches() []os.Signal {
	signals := []os.Signal{syscall.SIGCHLD, syscall.SIGWINCH, syscall.SIGCONT}
	if p != shared { // where we stop with the others
		signals = append(signals, syscall.SIGTSTP)
	}
	return signals
}

// has reports whether the command has a signal that has come to us already.
func (p place) has(s os.Signal, t terminal) bool {
	switch s {
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH:
		return p == shared && t.inFront() == t.group
	}
	return false
}
