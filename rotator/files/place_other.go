//go:build !linux

package files

import (
	"errors"

	"golang.org/x/sys/unix"
)

const (
	guarded   = false
	exclusive = 0 // or else no file could be made behind a symlink
)

// in calls a function with the place of a path.
func in(path string, call func(at place) error) error {
	return call(place{dir: unix.AT_FDCWD, name: path})
}

// within calls a function with a descriptor of a directory.
func within(dir string, call func(fd int) error) error {
	fd, err := directory(dir, unix.O_RDONLY)
	if err != nil {
		return err
	}
	return errors.Join(call(fd), unix.Close(fd))
}

// directory opens a directory.
func directory(path string, flags int) (int, error) {
	return retry(func() (int, error) { return unix.Open(path, flags|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
}

// behind is in: the kernel has followed what is there.
func behind(path string, call func(at place) error) error { return in(path, call) }

// status returns what is true of a private directory.
func (at place) status() (*unix.Stat_t, error) { return &unix.Stat_t{}, nil }

// allow gives us all rights to a directory at a place, if it is ours.
func (at place) allow() error { return unix.Chmod(at.name, 0o700) }

// link gives the file at a place another name, if it is still that file.
func (at place) link(to place, is Info) error {
	var st unix.Stat_t
	if err := unix.Lstat(at.name, &st); err != nil {
		return err
	}
	if !newInfo(&st).Same(is) {
		return errChanged
	}
	return unix.Linkat(at.dir, at.name, to.dir, to.name, 0)
}

func (f *diskFile) setTimes(times *[2]unix.Timespec) error {
	return unix.UtimesNanoAt(unix.AT_FDCWD, f.path, times[:], unix.AT_SYMLINK_NOFOLLOW)
}
