// Package timer wakes a goroutine after a time, or when it is set to fire at once. Its
// timers are none of the Go runtime's: the first of those opens descriptors, and each
// wakes a thread whenever it is put off.
package timer

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Timer wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off. It is a timerfd. The wait is on the runtime's poller if that may be used: a
// blocking read makes the runtime's monitor run for 10 ms each time it fires.
type Timer struct {
	fd   int
	file *os.File        // of fd, on the poller; nil if that is not used
	conn syscall.RawConn // of file
}

// Open makes the timer, which is not set then. Poller says that the runtime's poller may
// be used.
func (t *Timer) Open(poller bool) (err error) {
	flags := unix.TFD_CLOEXEC
	if poller {
		flags |= unix.TFD_NONBLOCK
	}
	if t.fd, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, flags); err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	if poller {
		t.file = os.NewFile(uintptr(t.fd), "timerfd")
		t.conn, err = t.file.SyscallConn()
	}
	return err
}

// Close lets go of the timer, for which nobody waits any more.
func (t *Timer) Close() {
	if t.file != nil {
		_ = t.file.Close()
		return
	}
	_ = unix.Close(t.fd)
}

// Set makes the timer fire after a time.
func (t *Timer) Set(after time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(after)))}
	// It fails only for a wrong descriptor or time (timerfd_settime(2)).
	_ = unix.TimerfdSettime(t.fd, 0, &spec, nil)
}

// Stop keeps the timer from firing.
func (t *Timer) Stop() { _ = unix.TimerfdSettime(t.fd, 0, &unix.ItimerSpec{}, nil) }

// Wait waits until the timer fires.
func (t *Timer) Wait() {
	if t.conn != nil {
		_ = t.conn.Read(func(uintptr) bool { return t.fired() }) // it fails only for a closed file
		return
	}
	for !t.fired() {
	}
}

// fired takes the firing, if there is one, or waits for it if reading blocks.
func (t *Timer) fired() bool {
	var count [8]byte
	n, _ := unix.Read(t.fd, count[:])
	return n > 0
}
