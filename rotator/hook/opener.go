package hook

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/process"
)

// Flag is the flag that starts this program as the process that runs the command for opened
// files. After it comes the command line of the one that opens them.
const Flag = "--run-exec-open"

// parent is the descriptor that leads from that process to the one that opens files.
const parent = 3

// An Opener has a command run for each file that is opened. Another process runs them, which
// is started with the first, and ends with the last after this one has ended. An Opener is
// for one goroutine, which never waits for a command.
type Opener struct {
	args     []string
	messages messages.Printer

	// socket leads to the process, whose number is pid; -1 for none.
	socket, pid int
	// path is the file that was opened last, and open how many are open.
	path string
	open int
	// next is the command line that waits for the file before to be closed; empty for none.
	next string
}

// NewOpener returns an opener. The arguments are those that this process was started with,
// without a command.
func NewOpener(args []string, printer messages.Printer) *Opener {
	return &Opener{args: args, messages: printer.OrSilent(), socket: -1}
}

// Opened is to be called with the path of a file that lines will go into, and before Closed
// for the one before it.
func (o *Opener) Opened(path string) {
	o.open++
	if path == o.path {
		return
	}
	o.next = order(path, o.path)
	o.path = path
	o.run()
}

// Closed is to be called when a file gets no more lines.
func (o *Opener) Closed() {
	o.open--
	o.run()
}

// run has the command run if the file before is closed.
func (o *Opener) run() {
	if o.next == "" || o.open > 1 {
		return
	}
	if err := o.send(o.next); err != nil {
		o.messages.Warn("--exec-open: %v; not run for %s", err, o.path)
	}
	o.next = ""
}

// send sends a line to the process. One that is gone is started anew.
func (o *Opener) send(line string) error {
	if o.socket >= 0 {
		err := write(o.socket, line)
		if err == nil || errors.Is(err, unix.EAGAIN) {
			return err
		}
		// It has ended, or has a part of the line: then it ends when it has done the rest.
		_ = unix.Close(o.socket)
		_, _ = unix.Wait4(o.pid, nil, unix.WNOHANG, nil) // in command mode somebody else may have reaped it
		o.socket = -1
	}
	var err error
	if o.socket, err = o.start(); err != nil {
		return err
	}
	return write(o.socket, line)
}

// write writes a line at once, or fails. A line is shorter than what a socket takes whole.
func write(socket int, line string) error {
	for {
		n, err := unix.Write(socket, []byte(line))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return os.NewSyscallError("write", err)
		case n < len(line):
			return fmt.Errorf("%d bytes of %d written", n, len(line))
		default:
			return nil
		}
	}
}

// start starts the process.
func (o *Opener) start() (socket int, err error) {
	syscall.ForkLock.RLock()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(ends[1])
	if err = unix.SetNonblock(ends[0], true); err == nil {
		o.pid, err = process.StartSelf(append([]string{Flag}, o.args...), ends[1])
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(ends[0]))
	}
	return ends[0], nil
}
