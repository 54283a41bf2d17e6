package intake

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	ioctlWaiting = unix.TIOCINQ  // FIONREAD
	packetPipe   = unix.O_DIRECT // pipe2(2)
	ioctlTermios = unix.TCGETS
)

// An alarm is a timerfd on the wall clock that also fires when someone sets the
// clock (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), so that jumps and the end of
// a suspension are noticed at once.
type alarm struct {
	fd    int
	until time.Time
}

func (a *alarm) open() (err error) {
	if a.fd, err = unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	return nil
}

func (a *alarm) close() { _ = unix.Close(a.fd) }

func (a *alarm) descriptor() int32 { return int32(a.fd) }

// set arms the alarm anew if the instant is another one. An instant in the past
// fires at once, and only once.
func (a *alarm) set(until time.Time) error {
	if until.Equal(a.until) {
		return nil
	}
	var spec unix.ItimerSpec
	flags := unix.TFD_TIMER_ABSTIME | unix.TFD_TIMER_CANCEL_ON_SET
	if !until.IsZero() {
		spec.Value = unix.NsecToTimespec(max(1, until.UnixNano()))
	}
	// ECANCELED: the clock was set since; the timer is armed all the same.
	if err := unix.TimerfdSettime(a.fd, flags, &spec, nil); err != nil && err != unix.ECANCELED {
		return fmt.Errorf("timerfd_settime: %w", err)
	}
	a.until = until
	return nil
}

// take consumes the firing.
func (a *alarm) take() bool {
	var count [8]byte
	_, err := unix.Read(a.fd, count[:])
	if err == unix.ECANCELED {
		a.until = time.Time{} // to be armed again
	}
	return err == nil || err == unix.ECANCELED
}

// bound leaves a timeout as it is: the descriptor fires by itself.
func (a *alarm) bound(timeout time.Duration) (time.Duration, bool) { return timeout, false }

// A wake is an eventfd.
type wake struct{ reader int32 }

func (w *wake) open() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	w.reader = int32(fd)
	return nil
}

// ring fails only when the counter is full, and then the wait ends as well.
func (w *wake) ring() { _, _ = unix.Write(int(w.reader), []byte{1, 0, 0, 0, 1, 0, 0, 0}) }

func (w *wake) close() { _ = unix.Close(int(w.reader)) }

func (w *wake) take() {
	var count [8]byte
	_, _ = unix.Read(int(w.reader), count[:])
}

// enlargePipe enlarges a pipe and returns its size; 0 for anything else.
func enlargePipe(fd, size int) int {
	now, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return 0
	}
	if now >= size {
		return now
	}
	// Refused when the user's pipes hold too much already: then it stays as it is.
	if larger, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size); err == nil {
		return larger
	}
	return now
}
