package intake

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A poller waits in a way that costs the Go runtime little. A system call that
// blocks makes its monitor thread wake up some 60 times within the next 10 ms, to see
// whether the processor is to be given to others: 130 µs in all. A goroutine that waits
// on the runtime's poller gives the processor up by itself.
//
// The input must not be on that poller: every write would wake it, even while nobody
// wants to read. The input is one level below, in an epoll instance of our own, which
// reports it once for each wait (EPOLLONESHOT), and only the instance is on the poller.
type poller struct {
	file *os.File
	conn syscall.RawConn
	fd   int
	// timer is a timerfd for the timeout, and timing says that it is set.
	timer  int
	timing bool
	// look takes what is ready from the instance, and reports whether anything was.
	look  func(fd uintptr) bool
	input unix.EpollEvent
	ready unix.EpollEvent
}

// newPoller returns nil for an input that cannot be waited for, or where there are no
// descriptors left.
func newPoller(input, alarm, wake int32) *poller {
	p := &poller{input: unix.EpollEvent{Fd: input, Events: unix.EPOLLIN | unix.EPOLLONESHOT}}
	var err error
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil
	}
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		_ = unix.Close(p.timer)
		return nil
	}
	for _, e := range []unix.EpollEvent{
		{Fd: input, Events: unix.EPOLLONESHOT},
		{Fd: alarm, Events: unix.EPOLLIN},
		{Fd: wake, Events: unix.EPOLLIN},
		{Fd: int32(p.timer), Events: unix.EPOLLIN | unix.EPOLLET}, // nobody reads it
	} {
		err = errors.Join(err, unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, int(e.Fd), &e))
	}
	// It has to be non-blocking for package os to put it onto the poller.
	if err = errors.Join(err, unix.SetNonblock(p.fd, true)); err == nil {
		p.file = os.NewFile(uintptr(p.fd), "epoll")
		p.conn, err = p.file.SyscallConn()
	}
	if err != nil {
		p.close()
		return nil
	}
	p.look = func(uintptr) bool {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.ready)), 1, 0, 0, 0)
		return n > 0 && errno == 0
	}
	return p
}

func (p *poller) close() {
	_ = unix.Close(p.timer)
	if p.file != nil {
		_ = p.file.Close()
	} else {
		_ = unix.Close(p.fd)
	}
}

// wait waits until the alarm or the wake is ready, or the input if that is wanted, for
// no longer than the timeout; for ever if that is negative. It reports whether the
// timeout is over. The system calls that it makes itself never block.
func (p *poller) wait(input bool, timeout time.Duration) (over bool) {
	if p.timing || timeout >= 0 {
		var spec unix.ItimerSpec
		if p.timing = timeout >= 0; p.timing {
			spec.Value = unix.NsecToTimespec(max(1, int64(timeout)))
		}
		_, _, _ = unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(p.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	}
	if input {
		_, _, _ = unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_MOD, uintptr(p.input.Fd), uintptr(unsafe.Pointer(&p.input)), 0, 0)
	}
	_ = p.conn.Read(p.look) // it fails for a closed file only
	return p.ready.Fd == int32(p.timer)
}
