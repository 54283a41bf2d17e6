package files

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// guarded says that somebody else's directories are told from ours.
	guarded = true
	// exclusive is what a file is made with that must not be there.
	exclusive = unix.O_EXCL
	// maxLinks is how many symlinks a path may lead through (path_resolution(7)).
	maxLinks = 40
)

// noOpenat2 says that openat2(2) is missing, or forbidden by a profile of seccomp(2).
var noOpenat2 atomic.Bool

// in calls a function with the place of a path.
func in(path string, call func(at place) error) error {
	name := path[strings.LastIndexByte(path, '/')+1:]
	return within(Dir(path), func(fd int) error { return call(place{dir: fd, name: name}) })
}

// within calls a function with a descriptor of a directory, which may be behind symlinks that
// we may follow.
func within(dir string, call func(fd int) error) error {
	if dir == "." {
		return call(unix.AT_FDCWD)
	}
	fd, err := directory(dir, unix.O_PATH)
	if err != nil {
		return err
	}
	return errors.Join(call(fd), unix.Close(fd))
}

// directory opens a directory.
func directory(path string, flags int) (int, error) {
	flags |= unix.O_DIRECTORY | unix.O_CLOEXEC
	if !noOpenat2.Load() {
		how := &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_NO_SYMLINKS}
		fd, err := retry(func() (int, error) { return unix.Openat2(unix.AT_FDCWD, path, how) })
		switch err {
		case unix.ENOSYS, unix.EPERM, unix.E2BIG, unix.EINVAL:
			noOpenat2.Store(true)
		case unix.ELOOP: // there is a symlink
		default:
			return fd, err
		}
	}
	w, err := walk(path+"/", true)
	if err != nil {
		return -1, err
	}
	defer w.close()
	return retry(func() (int, error) { return unix.Openat(w.dir, ".", flags, 0) })
}

// behind calls a function with the place of a path, or with that where a symlink there leads
// to.
func behind(path string, call func(at place) error) error {
	w, err := walk(path, true)
	if err != nil {
		return err
	}
	return errors.Join(call(w.place), w.close())
}

// A walker goes along a path, a name at a time.
type walker struct {
	place
	links int
}

// walk walks a path to the directory of its last name, and on where that is a symlink.
func walk(path string, last bool) (*walker, error) {
	w := &walker{place: place{dir: unix.AT_FDCWD}}
	err := w.along(path)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *walker) along(path string) error {
	if strings.HasPrefix(path, "/") {
		if err := w.enter("/"); err != nil {
			return err
		}
	}
	for {
		path = strings.TrimLeft(path, "/")
		name, rest, more := strings.Cut(path, "/")
		w.name = name
		if name == "" {
			return nil
		}
		target, err := w.linkTarget(!more)
		switch {
		case err == unix.ENOENT && !more:
			return nil // to be made
		case err != nil:
			return err
		case target != "" && more:
			return w.along(target + "/" + rest)
		case target != "":
			return w.along(target)
		case !more:
			return nil
		}
		if err := w.enter(name); err != nil {
			return err
		}
		path = rest
	}
}

// linkTarget returns what the symlink at the walker's place says, if it may be followed; an
// empty text if there is no symlink, or one that only the kernel can follow.
func (w *walker) linkTarget(last bool) (string, error) {
	w.follow = false
	fd, err := w.open(unix.O_PATH, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd) // it was only looked at
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", err
	}
	if w.links++; w.links > maxLinks {
		return "", unix.ELOOP
	}
	dir, err := w.status()
	if err == nil {
		err = mayFollow(dir, &st)
	}
	if err != nil {
		return "", err
	}
	var where unix.Statfs_t
	if err := unix.Fstatfs(w.dir, &where); w.dir >= 0 && err == nil && where.Type == unix.PROC_SUPER_MAGIC {
		w.follow = true
		return "", nil
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	return string(buf[:max(n, 0)]), err
}

// enter goes on into a directory.
func (w *walker) enter(name string) error {
	at := w.place
	at.name = name
	fd, err := at.open(unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	err = w.close()
	w.dir, w.follow = fd, false
	return err
}

func (w *walker) close() error {
	if w.dir < 0 {
		return nil
	}
	return unix.Close(w.dir)
}

// status returns what there is to know of the directory.
func (at place) status() (*unix.Stat_t, error) {
	var st unix.Stat_t
	if at.dir == unix.AT_FDCWD {
		return &st, unix.Stat(".", &st)
	}
	return &st, unix.Fstat(at.dir, &st)
}

// allow gives us all rights to a directory at a place, if it is ours.
func (at place) allow() error {
	fd, err := at.open(unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) // it was only looked at
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), 0o700)
}

// link gives the file at a place another name, if it is still that file. The descriptor tells
// the kernel which one is meant; without /proc the name has to.
func (at place) link(to place, is Info) error {
	fd, err := at.open(unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) // it was only looked at
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if !newInfo(&st).Same(is) {
		return errChanged
	}
	err = unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), to.dir, to.name, unix.AT_SYMLINK_FOLLOW)
	if err == unix.ENOENT {
		err = unix.Linkat(at.dir, at.name, to.dir, to.name, 0)
	}
	return err
}

func (f *diskFile) setTimes(times *[2]unix.Timespec) error {
	// Of a descriptor, as futimens(3) has it.
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(f.fd), 0, uintptr(unsafe.Pointer(times)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
