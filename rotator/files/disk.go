package files

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Disk is the real file system. It makes the system calls itself: package os
// would open an epoll instance and an eventfd, which a process with few descriptors
// cannot spare.
type Disk struct {
	// Owner is a user who may own what is written to, beside us and root; 0 for no other.
	Owner int
	// Second is a path that may be another name of what is written to; empty for none.
	Second string
}

var (
	errNotRegular = errors.New("not a regular file")
	errChanged    = errors.New("another file by now")
)

// ErrNotDirectory is what looking below a file fails with.
var ErrNotDirectory error = unix.ENOTDIR

// ErrLocked is what locking fails with when another process has the lock.
var ErrLocked = errors.New("locked by another process")

// ErrReader is what locking fails with when a process that may only read the file has locked
// it, and nobody else has: then nobody who writes can be seen, and nobody is kept away.
var ErrReader = errors.New("locked by a process that may only read it")

func (d Disk) Open(path string, create bool, mode uint32) (f File, err error) {
	if create {
		return open(path, unix.O_RDWR|unix.O_APPEND|unix.O_CREAT|exclusive, mode, nil, true)
	}
	// Perhaps we may write it, but not read it.
	for _, access := range []int{unix.O_RDWR, unix.O_WRONLY} {
		f, err = open(path, access|unix.O_APPEND, 0, d.admitLog, true)
		if !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) {
			break
		}
	}
	return f, err
}

func (d Disk) Temporary(path string) (f File, err error) {
	for range 10 { // others make and remove it
		if f, err = open(path, unix.O_RDWR|unix.O_CREAT|exclusive, 0o600, nil, false); !errors.Is(err, fs.ErrExist) {
			break
		}
		if f, err = open(path, unix.O_RDWR, 0, d.admitOwn, false); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return f, err
}

func (Disk) Read(path string) (File, error) { return open(path, unix.O_RDONLY, 0, nil, false) }

func (d Disk) ReadToLock(path string) (File, error) {
	// A lock that counts needs a descriptor that may write.
	if f, err := open(path, unix.O_RDWR, 0, d.admitLog, false); err == nil || errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	return d.Read(path)
}

// open opens a regular file, or a character device. With through it may be behind a symlink
// that we may follow.
func open(path string, flags int, mode uint32, admit admission, through bool) (f File, err error) {
	try := func(at place) error {
		at.follow = at.follow || through && !guarded
		f, err = at.file(path, flags, mode, admit)
		return err
	}
	err = in(path, try)
	if through && (errors.Is(err, unix.ELOOP) || errors.Is(err, fs.ErrExist)) {
		err = behind(path, try)
	}
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return f, nil
}

// file opens a file in its directory.
func (at place) file(path string, flags int, mode uint32, admit admission) (File, error) {
	// O_NONBLOCK: opening a FIFO that nobody reads would wait for ever.
	fd, err := at.open(flags|unix.O_NOCTTY|unix.O_NONBLOCK, mode)
	if err != nil {
		return nil, err
	}
	f := &diskFile{fd: fd, path: path}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	kind := st.Mode & unix.S_IFMT
	if err == nil && kind != unix.S_IFREG && kind != unix.S_IFCHR {
		err = errNotRegular
	}
	if err == nil && admit != nil {
		err = admit(at, &st)
	}
	if err == nil && kind == unix.S_IFCHR {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (Disk) Mkdir(path string) (f File, err error) {
	err = in(path, func(at place) error {
		if err := unix.Mkdirat(at.dir, at.name, 0o700); err != nil {
			return err
		}
		fd, err := at.open(unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err == unix.EACCES { // the umask takes our own rights as well
			if err = at.allow(); err == nil {
				fd, err = at.open(unix.O_RDONLY|unix.O_DIRECTORY, 0)
			}
		}
		if err != nil {
			return err
		}
		// Another may have been renamed into its place: that is there, and not given away.
		if made, err := at.made(fd); err != nil || !made {
			return errors.Join(cmp.Or(err, error(unix.EEXIST)), unix.Close(fd))
		}
		f = &diskFile{fd: fd, path: path}
		return nil
	})
	if err != nil {
		return nil, pathError("mkdir", path, err)
	}
	return f, nil
}

// made reports whether a directory may be the one that was just made at a place: ours, or as
// all there is on some file systems, for its owner alone, and empty.
func (at place) made(fd int) (bool, error) {
	dir, err := at.status()
	if err != nil || private(dir) {
		return err == nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false, err
	}
	if int(st.Uid) != os.Geteuid() && st.Uid != dir.Uid || st.Mode&0o777&^0o700 != 0 {
		return false, nil
	}
	buf := make([]byte, 4096)
	n, err := retry(func() (int, error) { return unix.ReadDirent(fd, buf) })
	_, _, names := unix.ParseDirent(buf[:max(n, 0)], -1, nil)
	return err == nil && len(names) == 0, err
}

func (Disk) Stat(path string, follow bool) (Info, error) {
	var st unix.Stat_t
	stat := unix.Lstat
	if follow {
		stat = unix.Stat
	}
	if err := stat(path, &st); err != nil {
		return Info{}, pathError("stat", path, err)
	}
	return newInfo(&st), nil
}

func newInfo(st *unix.Stat_t) Info {
	kind := st.Mode & unix.S_IFMT
	return Info{
		Size:      st.Size,
		Allocated: int64(st.Blocks) * 512, // whatever the file system's own blocks are (stat(2))
		Regular:   kind == unix.S_IFREG,
		Symlink:   kind == unix.S_IFLNK,
		Directory: kind == unix.S_IFDIR,
		Character: kind == unix.S_IFCHR,
		Mode:      uint32(st.Mode) & 0o7777,
		UID:       int(st.Uid),
		GID:       int(st.Gid),
		Modified:  time.Unix(st.Mtim.Unix()),
		Accessed:  time.Unix(st.Atim.Unix()),
		Device:    uint64(st.Dev),
		Inode:     uint64(st.Ino),
		Links:     uint64(st.Nlink),
	}
}

func (Disk) Names(dir string) (names []string, err error) {
	fd, err := directory(dir, unix.O_RDONLY)
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := retry(func() (int, error) { return unix.ReadDirent(fd, buf) })
		if err != nil || n == 0 {
			return names, errors.Join(pathError("read", dir, err), pathError("close", dir, unix.Close(fd)))
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func (Disk) Readlink(path string) (string, error) { return os.Readlink(path) }

func (Disk) Symlink(target, path string) error {
	err := in(path, func(at place) error { return unix.Symlinkat(target, at.dir, at.name) })
	return linkError("symlink", target, path, err)
}

func (Disk) Link(path, name string, is Info) error {
	err := in(path, func(from place) error {
		return in(name, func(to place) error { return from.link(to, is) })
	})
	return linkError("link", path, name, err)
}

func (Disk) Rename(from, to string) error {
	err := in(from, func(old place) error {
		return in(to, func(new place) error { return unix.Renameat(old.dir, old.name, new.dir, new.name) })
	})
	return linkError("rename", from, to, err)
}

func linkError(op, from, to string, err error) error {
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: from, New: to, Err: err}
}

func (Disk) Remove(path string) error {
	err := in(path, func(at place) error { return unix.Unlinkat(at.dir, at.name, 0) })
	return pathError("remove", path, err)
}

func (Disk) Rmdir(path string) error {
	err := in(path, func(at place) error { return unix.Unlinkat(at.dir, at.name, unix.AT_REMOVEDIR) })
	return pathError("rmdir", path, err)
}

func (Disk) Writable(dir string) error {
	err := within(dir, func(fd int) error { return unix.Faccessat(fd, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS) })
	return pathError("write to", dir, err)
}

func (Disk) SyncDir(path string) error {
	fd, err := directory(path, unix.O_RDONLY)
	if err != nil {
		return pathError("open", path, err)
	}
	_, err = retry(func() (int, error) { return 0, unix.Fsync(fd) })
	if err == unix.EINVAL {
		err = nil // the file system has no need of it (fsync(2))
	}
	return errors.Join(pathError("sync", path, err), pathError("close", path, unix.Close(fd)))
}

func (d Disk) SetTimes(path string, accessed, modified time.Time) error {
	err := in(path, func(at place) error {
		f, err := at.file(path, unix.O_RDONLY, 0, d.admitOwn)
		if err != nil {
			return pathError("utimes", path, err)
		}
		return errors.Join(f.SetTimes(accessed, modified), f.Close())
	})
	return err
}

func (Disk) Space(path string) (size, free int64, err error) {
	var st unix.Statfs_t
	fd, err := directory(Dir(path), unix.O_RDONLY)
	if err == nil {
		err = errors.Join(unix.Fstatfs(fd, &st), unix.Close(fd))
	}
	if err != nil {
		return 0, 0, pathError("statfs", path, err)
	}
	return int64(st.Blocks) * blockSize(&st), max(int64(st.Bavail), 0) * blockSize(&st), nil
}
