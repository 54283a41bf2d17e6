//go:build !linux

package intake

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	ioctlWaiting = 0x4004667f // FIONREAD, the same on macOS and every BSD
	packetPipe   = 0          // there are none
	ioctlTermios = unix.TIOCGETA
)

// lookEvery is how often the alarm lets its caller look at the clock, since these
// systems do not tell when someone sets it.
const lookEvery = time.Second

// An alarm bounds the timeout of a wait.
type alarm struct{ until time.Time }

func (a *alarm) open() error               { return nil }
func (a *alarm) close()                    {}
func (a *alarm) descriptor() int32         { return -1 }
func (a *alarm) set(until time.Time) error { a.until = until; return nil }
func (a *alarm) take() bool                { return false }

// bound cuts a timeout at the instant, and reports whether it did.
func (a *alarm) bound(timeout time.Duration) (time.Duration, bool) {
	if a.until.IsZero() {
		return timeout, false
	}
	rest := lookEvery
	if d := time.Until(a.until); 0 < d && d < rest {
		rest = d
	}
	if 0 <= timeout && timeout <= rest {
		return timeout, false
	}
	return rest, true
}

// A wake is a pipe.
type wake struct{ reader, writer int32 }

func (w *wake) open() error {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	for _, fd := range ends {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return fmt.Errorf("fcntl: %w", err)
		}
	}
	w.reader, w.writer = int32(ends[0]), int32(ends[1])
	return nil
}

// ring fails only when the pipe is full, and then the wait ends as well.
func (w *wake) ring() { _, _ = unix.Write(int(w.writer), []byte{1}) }

func (w *wake) close() {
	_ = unix.Close(int(w.reader))
	_ = unix.Close(int(w.writer))
}

func (w *wake) take() {
	var bytes [64]byte
	_, _ = unix.Read(int(w.reader), bytes[:])
}

func enlargePipe(fd, size int) int { return 0 }
