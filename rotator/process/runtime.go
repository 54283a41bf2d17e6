package process

import (
	"math"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// PrepareRuntime makes the Go runtime open now what it would open with the first timer:
// an epoll instance and an eventfd. The garbage collector sets a timer after some hours,
// to give memory back, and the process ends if there are no descriptors left then.
// Where there are too few from the start, the collector is turned off: little
// allocates but a switch, a few kilobytes each time.
//
// It also makes the runtime start now the threads that it will need when the disk
// hangs: a system limit that is reached later would end the process in the middle of a
// fault.
//
// It is to be called before this process opens its files, with the number of outputs, and
// of those whose files are synced in the background. It reports whether there are enough
// descriptors to wait on the runtime's poller.
func PrepareRuntime(outputs, syncing int) (poller bool) {
	startThreads(threads + 2*outputs + syncing)
	wanted := 6 + 4*outputs + syncing // two for the runtime, then for the intake, the relay and files
	var spare []int
	for len(spare) < wanted {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			break
		}
		spare = append(spare, fd)
	}
	for _, fd := range spare {
		_ = unix.Close(fd)
	}
	if len(spare) < wanted {
		debug.SetGCPercent(-1)
		return false
	}
	time.AfterFunc(math.MaxInt64, func() {}).Stop()
	return true
}

// threads is how many may be in system calls at once, besides the copier and the spooler of
// each output: the printer, and one for what the runtime does.
const threads = 2

// startThreads blocks so many threads at once that the runtime has to start them. The
// runtime keeps them.
func startThreads(threads int) {
	var ends [2]int
	if unix.Pipe(ends[:]) != nil {
		return // no descriptors: go on without
	}
	var blocked, released sync.WaitGroup
	for range threads {
		blocked.Add(1)
		released.Go(func() {
			blocked.Done()
			var one [1]byte
			_, _ = unix.Read(ends[0], one[:]) // returns when the pipe is closed
		})
	}
	blocked.Wait()
	_ = unix.Close(ends[1])
	released.Wait()
	_ = unix.Close(ends[0])
}
