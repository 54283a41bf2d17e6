// Package command runs the command whose output is logged, and does for it what its
// parent and, in a container, process 1 has to do.
//
// # Guarantees
//
//   - The command's standard output and standard error are one socket, on which the
//     intake can tell the writers apart, or one pipe.
//   - It is in the process group that a script around us has put us in, or in one of its
//     own. Signals that end, reload or stop servers are passed on to it, to the process
//     alone, as a supervisor would send them.
//   - At a terminal, ctrl-c, ctrl-z, fg and reading work as they do without logreel, for
//     the command and for whoever has started us.
//   - Every child that is left to us is reaped, ours or not.
//   - It has the descriptors and the limits that we were started with, and the environment,
//     but for what sets our flags. A listening socket or a watchdog of systemd is for
//     it: LISTEN_PID and WATCHDOG_PID name its process.
//
// # Not guaranteed
//
// One process can shut the socket down for all (shutdown(2)); [Command.ShutDown] tells. A
// socket each for standard output and standard error would confine that to one of them,
// but then nothing would tell in which order lines were written to the two.
//
// The command does not end with us: when we are killed, its output has no reader, and
// its next write fails with EPIPE.
package command

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Config says what to run.
type Config struct {
	// Arguments are the command and its arguments; there is at least one.
	Arguments []string
	// Environment is the command's.
	Environment []string
	// Pipe says that its output is to be a pipe even where there are sockets that
	// tell the writers apart.
	Pipe bool
	// Apart says that its standard error is not to be the same as its standard output.
	Apart bool
	// Ignored are the signals that we were started to ignore, such as SIGHUP by nohup.
	// The command ignores them too, and they are not passed on.
	Ignored []os.Signal
}

// An Output is what the command and its children write to, and we read. Its end comes when
// the last of them has closed it.
type Output struct {
	Descriptor int
	// Room is how many bytes it holds, as the kernel counts them for a socket; 0 for a
	// pipe.
	Room int

	socket uint64 // the number of the command's end; 0 for a pipe
}

// A Command is a running command.
type Command struct {
	// Outputs are what the command writes to: one for both, or standard output and
	// standard error.
	Outputs []Output

	pid int

	// What tells its processes from others.
	began       time.Time
	session     int
	environment []string
	terminal    terminal
	place       place
	ended       chan struct{}
	status      atomic.Uint32
}

// Start starts a command.
func Start(c Config) (*Command, error) {
	path, err := find(c.Arguments[0])
	if err != nil {
		return nil, err
	}
	cmd := &Command{terminal: findTerminal(), ended: make(chan struct{}), environment: c.Environment}
	cmd.place = findPlace(cmd.terminal)
	files := []uintptr{0}
	for range map[bool]int{false: 1, true: 2}[c.Apart] {
		output, input, room, err := connect(c.Pipe)
		if err != nil {
			return nil, errors.Join(err, cmd.close())
		}
		defer unix.Close(input)
		cmd.Outputs = append(cmd.Outputs, Output{output, room, socketNumber(input)})
		files = append(files, uintptr(input))
	}
	files = append(files, files[len(files)-1])[:3]
	if len(c.Ignored) > 0 { // with none, it would ignore all
		signal.Ignore(c.Ignored...)
	}
	cmd.pid, err = start(path, c.Arguments, &syscall.ProcAttr{
		Env:   c.Environment,
		Files: files,
		Sys:   cmd.place.attributes(cmd.terminal),
	})
	if err != nil {
		return nil, errors.Join(startError(path, err), cmd.close())
	}
	cmd.began = time.Now()
	cmd.session, _ = unix.Getsid(0) // fails never, and is the command's too
	cmd.place.settle()
	return cmd, nil
}

// connect returns the two ends of what the command's output goes through, and how
// much it holds if that is a socket.
func connect(pipe bool) (output, input, room int, err error) {
	if !pipe && Sockets {
		return socket()
	}
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		return 0, 0, 0, fmt.Errorf("pipe: %w", err)
	}
	unix.CloseOnExec(ends[0])
	unix.CloseOnExec(ends[1])
	return ends[0], ends[1], 0, nil
}

// Signals passes on to the command the signals that are for it, and reaps children. It
// returns a channel of the others, on which SIGCHLD says, once, that the command has
// ended. From then on all signals go there.
func (c *Command) Signals(signals chan os.Signal) <-chan os.Signal {
	others := make(chan os.Signal, cap(signals))
	signal.Notify(signals, c.place.catches()...)
	go func() {
		c.reap(others) // the command may have ended before we listened
		for s := range signals {
			switch {
			case s == syscall.SIGCHLD:
				c.reap(others)
			case c.hasEnded() || s == syscall.SIGALRM || s == syscall.SIGPIPE || s == syscall.SIGXFSZ:
				// Nobody may be listening any more. One place is SIGCHLD's.
				if len(others) < cap(others)-1 {
					others <- s
				}
			case c.place.has(s, c.terminal):
			case s == syscall.SIGCONT && c.place == own:
				c.terminal.resume(c.pid)
			default:
				_ = syscall.Kill(c.pid, s.(syscall.Signal)) // fails if it has just ended
			}
		}
	}()
	return others
}

// hasEnded reports whether the command has ended: then its number may be another's.
func (c *Command) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// reap takes the statuses of all children that have ended, and follows the command
// when someone stops it at the terminal.
func (c *Command) reap(others chan<- os.Signal) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG|syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
		case pid <= 0 || err != nil:
			return
		case pid != c.pid || c.hasEnded():
		case status.Stopped():
			if c.place == own {
				c.terminal.follow(c.pid, status.StopSignal())
			}
		default:
			if c.place == own {
				c.terminal.takeBack(c.pid)
			}
			c.status.Store(uint32(status))
			close(c.ended)
			others <- syscall.SIGCHLD
		}
	}
}

// Abandon closes the output, which nobody reads any more: whoever goes on writing gets
// EPIPE, and does not wait for ever.
func (c *Command) Abandon() { _ = c.close() }

func (c *Command) close() (err error) {
	for _, o := range c.Outputs {
		err = errors.Join(err, unix.Close(o.Descriptor))
	}
	return err
}

// Wait waits until the command has ended and returns its exit status: 128+N if signal
// N ended it.
func (c *Command) Wait() int {
	<-c.ended
	status := syscall.WaitStatus(c.status.Load())
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// Interrupted reports whether SIGINT has ended the command. Then a script or a loop around
// it ends as well, if it sees that; the exit status alone does not tell a shell.
func (c *Command) Interrupted() bool {
	status := syscall.WaitStatus(c.status.Load())
	return c.hasEnded() && status.Signaled() && status.Signal() == syscall.SIGINT
}
