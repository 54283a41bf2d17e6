// Package files is the file system as the rotator and the archive need it, and the
// place where tests put faults.
package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A System is a file system. It is an interface so that tests can make any operation
// fail.
type System interface {
	// Open opens a regular file, or a character device, for appending. With
	// create it is made if it is not there, with the mode less the umask.
	Open(path string, create bool, mode uint32) (File, error)
	Mkdir(path string, mode uint32) error
	Chmod(path string, mode uint32) error
	Chown(path string, uid, gid int) error
	// Stat returns what there is to know of a path, following symlinks or not.
	Stat(path string, follow bool) (Info, error)
	// Names returns the names in a directory, in any order.
	Names(dir string) ([]string, error)
	Readlink(path string) (string, error)
	Symlink(target, path string) error
	Link(path, name string) error
	Rename(from, to string) error
	Remove(path string) error

	// Read opens a regular file for reading, but no symlink.
	Read(path string) (File, error)
	// Temporary opens a regular file for reading and writing from its start, and makes
	// it with mode 0600 if it is not there.
	Temporary(path string) (File, error)
	// Writable returns why names in a directory cannot be removed, as far as that can
	// be told beforehand; nil if they can.
	Writable(dir string) error
	// Rmdir removes a directory that is empty.
	Rmdir(path string) error
	// SyncDir makes the names in a directory survive a power cut.
	SyncDir(path string) error
	// SetTimes sets the times of the last access and of the last change.
	SetTimes(path string, accessed, modified time.Time) error
	// Space returns how many bytes the file system has, and how many of them are free
	// for us.
	Space(path string) (size, free int64, err error)
}

// A File is an open file. Write may write less than it is given.
type File interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	Truncate() error
	// Sync makes what was written survive a power cut.
	Sync() error
	Chmod(mode uint32) error
	Chown(uid, gid int) error
	Info() (Info, error)
	// Lock locks the file, alone or together with others, instead of as it was before
	// (flock(2)). It fails with ErrLocked if another process has a lock that excludes
	// this one, and always with another error on a file system that has no locks.
	Lock(alone bool) error
	Close() error
}

// Info is what there is to know of a file.
type Info struct {
	Size      int64
	Allocated int64 // bytes on disk
	// What it is; Character is a character device, such as a terminal.
	Regular, Symlink, Directory, Character bool

	Mode     uint32 // permissions
	UID, GID int
	Modified time.Time
	Accessed time.Time
	// Torn says that an open file does not end with a newline, as far as that can
	// be read.
	Torn          bool
	Device, Inode uint64
	Links         uint64 // how many names it has
}

// Same reports whether both are the same file.
func (i Info) Same(other Info) bool {
	return i.Device == other.Device && i.Inode == other.Inode && i.Inode != 0
}

// Dir returns the directory of a path. Unlike [path/filepath.Dir] it does not clean that:
// what is before ".." may be a symlink, or yet to be made.
func Dir(path string) string {
	dir := path[:strings.LastIndexByte(path, '/')+1]
	switch trimmed := strings.TrimRight(dir, "/"); {
	case dir == "":
		return "."
	case trimmed == "":
		return "/"
	default:
		return trimmed
	}
}

// Disk is the real file system. It makes the system calls itself: package os
// would open an epoll instance and an eventfd, which a process with few descriptors
// cannot spare.
type Disk struct{}

var errNotRegular = errors.New("not a regular file")

// ErrNotDirectory is what looking below a file fails with.
var ErrNotDirectory error = unix.ENOTDIR

// ErrLocked is what locking fails with when another process has the lock.
var ErrLocked = errors.New("locked by another process")

func (Disk) Open(path string, create bool, mode uint32) (File, error) {
	// O_NONBLOCK: opening a FIFO that nobody reads would wait for ever.
	flags := unix.O_RDWR | unix.O_APPEND | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	if create {
		flags |= unix.O_CREAT
	}
	fd, err := retry(func() (int, error) { return unix.Open(path, flags, mode) })
	if err == unix.EACCES || err == unix.EPERM || err == unix.EINVAL {
		// Perhaps we may write it, but not read it.
		flags = flags&^unix.O_RDWR | unix.O_WRONLY
		fd, err = retry(func() (int, error) { return unix.Open(path, flags, mode) })
	}
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return opened(fd, path)
}

// opened returns a file that was just opened, if it is of the right kind.
func opened(fd int, path string) (File, error) {
	f := &diskFile{fd: fd, path: path}
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	kind := st.Mode & unix.S_IFMT
	if err == nil && kind != unix.S_IFREG && kind != unix.S_IFCHR {
		err = errNotRegular
	}
	if err == nil && kind == unix.S_IFCHR {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		return nil, errors.Join(pathError("open", path, err), f.Close())
	}
	return f, nil
}

func (Disk) Mkdir(path string, mode uint32) error {
	return pathError("mkdir", path, unix.Mkdir(path, mode))
}

func (Disk) Chmod(path string, mode uint32) error {
	return pathError("chmod", path, unix.Chmod(path, mode))
}

func (Disk) Chown(path string, uid, gid int) error {
	return pathError("chown", path, unix.Chown(path, uid, gid))
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

func (Disk) Names(dir string) ([]string, error) {
	fd, err := retry(func() (int, error) { return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	var names []string
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

func (Disk) Symlink(target, path string) error { return os.Symlink(target, path) }

func (Disk) Link(path, name string) error { return os.Link(path, name) }

func (Disk) Rename(from, to string) error { return os.Rename(from, to) }

func (Disk) Remove(path string) error {
	return pathError("remove", path, unix.Unlink(path))
}

func (Disk) Read(path string) (File, error) {
	return open(path, unix.O_RDONLY, 0)
}

func (Disk) Temporary(path string) (File, error) {
	return open(path, unix.O_RDWR|unix.O_CREAT, 0o600)
}

// open opens a file as the archive does.
func open(path string, flags int, mode uint32) (File, error) {
	flags |= unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	fd, err := retry(func() (int, error) { return unix.Open(path, flags, mode) })
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return opened(fd, path)
}

func (Disk) Writable(dir string) error {
	return pathError("write to", dir, unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS))
}

func (Disk) Rmdir(path string) error {
	return pathError("rmdir", path, unix.Rmdir(path))
}

func (Disk) SyncDir(path string) error {
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return pathError("open", path, err)
	}
	_, err = retry(func() (int, error) { return 0, unix.Fsync(fd) })
	if err == unix.EINVAL {
		err = nil // the file system has no need of it (fsync(2))
	}
	return errors.Join(pathError("sync", path, err), pathError("close", path, unix.Close(fd)))
}

func (Disk) SetTimes(path string, accessed, modified time.Time) error {
	times := []unix.Timespec{unix.NsecToTimespec(accessed.UnixNano()), unix.NsecToTimespec(modified.UnixNano())}
	return pathError("utimes", path, unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW))
}

func (Disk) Space(path string) (size, free int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, pathError("statfs", path, err)
	}
	return int64(st.Blocks) * blockSize(&st), max(int64(st.Bavail), 0) * blockSize(&st), nil
}

// A diskFile is an open file of the real file system.
type diskFile struct {
	fd   int
	path string
}

func (f *diskFile) Write(p []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Write(f.fd, p) })
	return n, pathError("write", f.path, err)
}

// Read returns io.EOF at the end, as io.Reader does.
func (f *diskFile) Read(p []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Read(f.fd, p) })
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return max(n, 0), pathError("read", f.path, err)
}

func (f *diskFile) Truncate() error {
	_, err := retry(func() (int, error) { return 0, unix.Ftruncate(f.fd, 0) })
	return pathError("truncate", f.path, err)
}

func (f *diskFile) Sync() error {
	_, err := retry(func() (int, error) { return 0, unix.Fsync(f.fd) })
	if err == unix.EINVAL {
		err = nil // nothing to sync: a device (fsync(2))
	}
	return pathError("sync", f.path, err)
}

func (f *diskFile) Chmod(mode uint32) error {
	return pathError("chmod", f.path, unix.Fchmod(f.fd, mode))
}

func (f *diskFile) Chown(uid, gid int) error {
	return pathError("chown", f.path, unix.Fchown(f.fd, uid, gid))
}

func (f *diskFile) Info() (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return Info{}, pathError("stat", f.path, err)
	}
	info := newInfo(&st)
	last := []byte{'\n'}
	if info.Regular && info.Size > 0 {
		// A file that may not be read is taken to be whole.
		n, err := retry(func() (int, error) { return unix.Pread(f.fd, last, info.Size-1) })
		info.Torn = n == 1 && err == nil && last[0] != '\n'
	}
	return info, nil
}

func (f *diskFile) Lock(alone bool) error {
	how := unix.LOCK_SH
	if alone {
		how = unix.LOCK_EX
	}
	_, err := retry(func() (int, error) { return 0, unix.Flock(f.fd, how|unix.LOCK_NB) })
	if err == unix.EWOULDBLOCK {
		err = ErrLocked
	}
	return pathError("lock", f.path, err)
}

// Close is not repeated when a signal interrupts it: the descriptor is gone all the
// same on Linux, and may be someone else's by then.
func (f *diskFile) Close() error {
	if err := unix.Close(f.fd); err != nil && err != unix.EINTR {
		return pathError("close", f.path, err)
	}
	return nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}
