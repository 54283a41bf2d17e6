package intake

import (
	"time"

	"golang.org/x/sys/unix"
)

// events are what a wait ended with; none when its time was over.
type events struct {
	input  bool // there is something to read, or the end of input
	hangup bool // no writer is left
	alarm  bool // the armed instant has come, or the clock was set
	wake   bool // interrupt was called
}

// A waiter waits for input, for an instant of the wall clock, and for interrupt, all
// at once.
type waiter struct {
	input int
	alarm alarm
	wake  wake
	fds   [3]unix.PollFd
	// poller is where to wait before polling; nil for waiting in poll.
	poller *poller
}

func newWaiter(input int, poller bool) (*waiter, error) {
	w := &waiter{input: input}
	if err := w.alarm.open(); err != nil {
		return nil, err
	}
	if err := w.wake.open(); err != nil {
		w.alarm.close()
		return nil, err
	}
	if poller {
		w.poller = newPoller(int32(input), w.alarm.descriptor(), w.wake.reader)
	}
	return w, nil
}

// close closes what newWaiter opened.
func (w *waiter) close() {
	if w.poller != nil {
		w.poller.close()
	}
	w.alarm.close()
	w.wake.close()
}

// arm sets the instant of the alarm; zero means none.
func (w *waiter) arm(until time.Time) error { return w.alarm.set(until) }

// interrupt ends this wait, or else the next one.
func (w *waiter) interrupt() { w.wake.ring() }

// wait waits for at most the timeout, for ever if it is negative, and watches the
// input only if that is wanted.
func (w *waiter) wait(input bool, timeout time.Duration) events {
	if w.poller != nil && timeout != 0 {
		if w.poller.wait(input, timeout) {
			return events{}
		}
		timeout = 0
	}
	w.fds = [3]unix.PollFd{
		{Fd: -1}, // poll ignores negative descriptors
		{Fd: w.alarm.descriptor(), Events: unix.POLLIN},
		{Fd: w.wake.reader, Events: unix.POLLIN},
	}
	if input {
		w.fds[0] = unix.PollFd{Fd: int32(w.input), Events: unix.POLLIN}
	}
	timeout, cut := w.alarm.bound(timeout)
	milliseconds := -1
	if timeout >= 0 {
		milliseconds = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.Poll(w.fds[:], milliseconds)
	if err != nil {
		// Interrupted by a signal: whoever calls looks at the time and waits again.
		return events{wake: err != unix.EINTR}
	}
	e := events{
		input:  w.fds[0].Revents != 0,
		hangup: w.fds[0].Revents&unix.POLLHUP != 0,
		alarm:  n == 0 && cut,
	}
	if w.fds[1].Revents != 0 {
		e.alarm = w.alarm.take()
	}
	if w.fds[2].Revents != 0 {
		w.wake.take()
		e.wake = true
	}
	return e
}

// IsTerminal reports whether the descriptor is a terminal.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, ioctlTermios)
	return err == nil
}
