package relay

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A bell wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off. It is a timerfd and not a timer of the runtime, which would wake a thread whenever
// it is put off. The wait is on the runtime's poller if that may be used: a blocking
// read makes the runtime's monitor run for 10 ms after each ring.
type bell struct {
	fd   int
	file *os.File        // of fd, on the poller; nil if that is not used
	conn syscall.RawConn // of file
}

func (b *bell) open(poller bool) (err error) {
	flags := unix.TFD_CLOEXEC
	if poller {
		flags |= unix.TFD_NONBLOCK
	}
	if b.fd, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, flags); err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	if poller {
		b.file = os.NewFile(uintptr(b.fd), "timerfd")
		b.conn, err = b.file.SyscallConn()
	}
	return err
}

func (b *bell) close() {
	if b.file != nil {
		_ = b.file.Close()
		return
	}
	_ = unix.Close(b.fd)
}

// ring rings the bell after a time.
func (b *bell) ring(after time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(after)))}
	// It fails only for a wrong descriptor or time (timerfd_settime(2)).
	_ = unix.TimerfdSettime(b.fd, 0, &spec, nil)
}

// stop keeps the bell from ringing.
func (b *bell) stop() { _ = unix.TimerfdSettime(b.fd, 0, &unix.ItimerSpec{}, nil) }

// wait waits until the bell rings.
func (b *bell) wait() {
	if b.conn != nil {
		_ = b.conn.Read(func(uintptr) bool { return b.rung() }) // it fails only for a closed file
		return
	}
	for !b.rung() {
	}
}

// rung takes the ring, if there is one, or waits for it if reading blocks.
func (b *bell) rung() bool {
	var count [8]byte
	n, _ := unix.Read(b.fd, count[:])
	return n > 0
}
