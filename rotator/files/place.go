package files

import (
	"golang.org/x/sys/unix"
)

// A place is a name in a directory that is held open.
type place struct {
	dir  int // unix.AT_FDCWD, or a descriptor
	name string
	// follow says that the kernel is to follow a symlink there.
	follow bool
}

// open opens what is at a place, but no symlink.
func (at place) open(flags int, mode uint32) (int, error) {
	flags |= unix.O_CLOEXEC
	if !at.follow {
		flags |= unix.O_NOFOLLOW
	}
	return retry(func() (int, error) { return unix.Openat(at.dir, at.name, flags, mode) })
}
