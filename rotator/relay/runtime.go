package relay

import (
	"math"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// SettleRuntime has the Go runtime open now what it would open one day: an epoll
// instance and an eventfd, when the first timer is set. The collector sets one after
// some hours, to give memory back, and the process ends if there are no descriptors
// left by then. Where there are too few from the start, the collector is turned off:
// nothing allocates but a switch, a few kilobytes each time.
//
// It is to be called before this process opens its files.
func SettleRuntime() {
	var spare [8]int // two for the runtime, the others for the relay and its files
	opened := 0
	for opened < len(spare) {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			break
		}
		spare[opened] = fd
		opened++
	}
	for _, fd := range spare[:opened] {
		_ = unix.Close(fd)
	}
	if opened < len(spare) {
		debug.SetGCPercent(-1)
		return
	}
	time.AfterFunc(math.MaxInt64, func() {}).Stop()
}
