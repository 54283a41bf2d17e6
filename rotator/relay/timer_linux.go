package relay

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A timer wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off. It is a timerfd and not a timer of the runtime, which would wake a thread whenever
// it is put off. The wait is on the runtime's poller if that may be used: a blocking
// read makes the runtime's monitor run for 10 ms each time it fires.
type timer struct {
	fd   int
	file *os.File        // of fd, on the poller; nil if that is not used
	conn syscall.RawConn // of file
}

func (t *timer) open(poller bool) (err error) {
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

func (t *timer) close() {
	if t.file != nil {
		_ = t.file.Close()
		return
	}
	_ = unix.Close(t.fd)
}

// set makes the timer fire after a time.
func (t *timer) set(after time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(after)))}
	// It fails only for a wrong descriptor or time (timerfd_settime(2)).
	_ = unix.TimerfdSettime(t.fd, 0, &spec, nil)
}

// stop keeps the timer from firing.
func (t *timer) stop() { _ = unix.TimerfdSettime(t.fd, 0, &unix.ItimerSpec{}, nil) }

// wait waits until the timer fires.
func (t *timer) wait() {
	if t.conn != nil {
		_ = t.conn.Read(func(uintptr) bool { return t.fired() }) // it fails only for a closed file
		return
	}
	for !t.fired() {
	}
}

// fired takes the firing, if there is one, or waits for it if reading blocks.
func (t *timer) fired() bool {
	var count [8]byte
	n, _ := unix.Read(t.fd, count[:])
	return n > 0
}
