package relay

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A bell wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off. It is a timerfd and not a timer of the runtime, which would need two more
// descriptors and would wake a thread whenever it is put off.
type bell struct{ fd int }

func (b *bell) open() (err error) {
	if b.fd, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC); err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	return nil
}

func (b *bell) close() { _ = unix.Close(b.fd) }

// ring rings the bell after a time.
func (b *bell) ring(after time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(after)))}
	// It fails for a wrong descriptor or time only (timerfd_settime(2)).
	_ = unix.TimerfdSettime(b.fd, 0, &spec, nil)
}

// wait waits until the bell rings.
func (b *bell) wait() {
	var count [8]byte
	for {
		if _, err := unix.Read(b.fd, count[:]); err != unix.EINTR {
			return
		}
	}
}
