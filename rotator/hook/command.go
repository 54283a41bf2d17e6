// Package hook runs the commands that the user gives for files: those for finished files,
// which package archive has, and the one for each file that is opened.
//
// # Guarantees
//
//   - A command is run by /bin/sh in a process group of its own, with nothing to read. What
//     it prints goes to standard error.
//   - After its time it is ended, with what it has started: by SIGTERM, and 5 seconds later
//     by SIGKILL.
//   - For each file that is opened under another name than the one before it, the command
//     is begun once, in the order in which they were opened. Who opens them does not wait.
//
// # Not guaranteed
//
// That a command for an opened file is run if there are neither memory nor processes for
// it, which a warning says, or if the process is killed that runs them. For files that must
// not be missed there is package archive.
package hook

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// killAfter is how long a command that is to end has before it is killed.
const killAfter = 5 * time.Second

// ErrStopped is what [Process.Wait] returns when it was told to stop.
var ErrStopped = errors.New("stopped")

// A Command is one for sh -c.
type Command struct {
	Text string
	// Timeout is how long it may take.
	Timeout time.Duration
	// Environment is that of the command; nil for this process's own.
	Environment []string
}

// A Process is a command that was started.
type Process struct {
	cmd     *exec.Cmd
	timeout time.Duration
	ended   chan error
}

// Start starts the command for files, which are its arguments, with more variables in its
// environment.
func (c Command) Start(environment []string, files ...string) (*Process, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", c.Text, "logreel"}, files...)...)
	cmd.Env = c.Environment
	cmd.Env = append(cmd.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%v", err) // not wrapped: a missing shell is not a missing file
	}
	p := &Process{cmd, c.Timeout, make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}

// Wait waits for the end of the command, and ends it after its time, or when stop is closed.
// It returns an error unless the exit status is 0.
func (p *Process) Wait(stop <-chan struct{}) error {
	select {
	case err := <-p.ended:
		return err
	case <-time.After(p.timeout):
		_ = p.End(killAfter)
		return fmt.Errorf("ended after %v, the limit of --exec-timeout", p.timeout)
	case <-stop:
		_ = p.End(killAfter)
		return ErrStopped
	}
}

// End ends the command and what it has started. What is left after a while is killed. It
// returns how the command ended.
func (p *Process) End(after time.Duration) error {
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // fails if it has just ended
	for begun := time.Now(); syscall.Kill(group, 0) == nil && time.Since(begun) < after; {
		time.Sleep(time.Millisecond)
	}
	_ = syscall.Kill(group, syscall.SIGKILL) // fails if nobody is left
	return <-p.ended
}
