package process

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	stdout = 1
	// teePatience is how long standard output may take nothing. The log waits
	// meanwhile, in memory, and its lines are worth more than their copies.
	teePatience = 5 * time.Second
	// pipeBuf is what a pipe that is ready takes without blocking (PIPE_BUF).
	pipeBuf = 4096
)

// errClosed is why standard output takes nothing, though it can be written to.
var errClosed = errors.New("standard output was closed by whoever started logreel")

// Stdout is standard output. Unlike os.Stdout it is never given to the runtime's
// poller. A reader that is gone does not end the process, and one that reads nothing
// does not hold it up for long.
type Stdout struct{}

// OpenStdout returns standard output, or an error if this process was started without
// one. Then the Go runtime has opened /dev/null in its place, for reading as well, which
// nobody does who wants to write there (runtime.checkfds).
func OpenStdout() (Stdout, error) {
	var is, null unix.Stat_t
	if unix.Fstat(stdout, &is) != nil || unix.Stat(os.DevNull, &null) != nil || is.Mode&unix.S_IFMT != unix.S_IFCHR || is.Rdev != null.Rdev {
		return Stdout{}, nil
	}
	if flags, err := unix.FcntlInt(stdout, unix.F_GETFL, 0); err != nil || flags&unix.O_ACCMODE != unix.O_RDWR {
		return Stdout{}, nil
	}
	return Stdout{}, errClosed
}

// writing is held for each Write, so that the lines of several outputs are not mixed.
var writing sync.Mutex

// A slow is the error of a reader that takes nothing.
type slow struct{}

func (slow) Error() string {
	return fmt.Sprintf("standard output has taken nothing for %v", teePatience)
}
func (slow) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// Write writes all of p, or returns why it could not.
func (Stdout) Write(p []byte) (done int, err error) {
	writing.Lock()
	defer writing.Unlock()
	for done < len(p) {
		if err := ready(); err != nil {
			return done, err
		}
		n, err := unix.Write(stdout, p[done:min(len(p), done+pipeBuf)])
		done += max(n, 0)
		if err != nil && err != unix.EINTR && err != unix.EAGAIN {
			return done, err
		}
	}
	return done, nil
}

// ready waits until standard output takes something.
func ready() error {
	fds := []unix.PollFd{{Fd: stdout, Events: unix.POLLOUT}}
	for end := time.Now().Add(teePatience); ; {
		n, err := unix.Poll(fds, int(max(time.Until(end), 0)/time.Millisecond))
		switch {
		case err == unix.EINTR:
		case err != nil || n > 0:
			return err
		default:
			return slow{}
		}
	}
}
