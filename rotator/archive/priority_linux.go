package archive

import "golang.org/x/sys/unix"

// lowestPriority gives a thread, or this one for 0, the lowest priority: for the processor, and
// for the disk as far as its scheduler knows priorities (ioprio_set(2)). Where that fails,
// the priority stays as it is.
func lowestPriority(thread int) {
	const (
		whoProcess = 1
		classIdle  = 3 << 13
	)
	_ = unix.Setpriority(unix.PRIO_PROCESS, thread, 19)
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(thread), classIdle)
}
