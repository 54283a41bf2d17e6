// Package files is the file system as the rotator and the archive need it, and the
// place where tests put faults.
//
// It is also the one place that knows whose directories can be trusted. Log directories
// often belong to the application's user while logreel runs as root, and whoever may write
// to a directory can put a link, or a directory of its own, under any name in it, at any
// instant. A directory is private if it belongs to root or to us, and nobody else may write
// to it. All others are shared.
//
// # Guarantees
//
// These are Linux's.
//
//   - A symlink is followed only if it lies in a private directory, or is root's or ours, has no
//     other name, and is not where root could be deceived with one of its own: in a directory
//     of somebody else's, or that everybody may write to and that is not sticky like /tmp. A path is walked by descriptor, a directory at a time, so that
//     nobody can change on the way what was looked at.
//   - What is opened for writing in a shared directory, and was there before, is a regular
//     file with one name, or with [Disk.Second] as the other, or it belongs to the owner of a
//     directory that nobody else may write to. If we are root, or the directory is sticky
//     like /tmp, it belongs to us, to root, to [Disk.Owner], to the owner of the directory,
//     or to the group that the directory is shared with.
//   - What is made was not there before. Owners, modes and times are set by descriptor.
//   - In private directories all is as for any program.
//
// # Not guaranteed
//
// Stat and Readlink follow what the kernel follows: nothing that they tell is a reason to
// trust a path. Whoever may write to a directory can still take its files away.
package files

import (
	"io"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A System is a file system. It is an interface so that tests can make any operation
// fail.
type System interface {
	// Open opens a regular file, or a character device, for appending. With create it
	// makes one, with the mode less the umask, and fails with [fs.ErrExist] if there is
	// one.
	Open(path string, create bool, mode uint32) (File, error)
	// Mkdir makes a directory for us alone, and opens it.
	Mkdir(path string) (File, error)
	// Stat returns what there is to know of a path, following symlinks or not.
	Stat(path string, follow bool) (Info, error)
	// Names returns the names in a directory, in any order.
	Names(dir string) ([]string, error)
	Readlink(path string) (string, error)
	Symlink(target, path string) error
	// Link gives the file at a path another name, if it is still that file.
	Link(path, name string, is Info) error
	Rename(from, to string) error
	Remove(path string) error

	// Read opens a regular file for reading, but no symlink.
	Read(path string) (File, error)
	// ReadToLock is Read for a file that is to be locked.
	ReadToLock(path string) (File, error)
	// Temporary opens a regular file of our own, or of the owner of its directory, for reading
	// and writing from its start, and makes it with mode 0600 if it is not there.
	Temporary(path string) (File, error)
	// Writable returns why names in a directory cannot be removed, as far as that can
	// be told beforehand; nil if they can.
	Writable(dir string) error
	// Rmdir removes a directory that is empty.
	Rmdir(path string) error
	// SyncDir makes the names in a directory survive a power cut.
	SyncDir(path string) error
	// SetTimes is [File.SetTimes] of a file such as Temporary makes.
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
	// SetTimes sets the times of the last access and of the last change.
	SetTimes(accessed, modified time.Time) error
	Info() (Info, error)
	// Lock locks the file, alone or together with others, instead of as it was before.
	// Only who may write to the file can have a lock that counts. It fails with ErrLocked
	// if another process has one that excludes this one, with ErrReader if somebody who
	// may only read keeps it from being had, and always with another error on a file
	// system that has no locks.
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

// A diskFile is an open file of the real file system.
type diskFile struct {
	fd   int
	path string
	lock lock
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

func (f *diskFile) SetTimes(accessed, modified time.Time) error {
	times := [2]unix.Timespec{unix.NsecToTimespec(accessed.UnixNano()), unix.NsecToTimespec(modified.UnixNano())}
	return pathError("utimes", f.path, f.setTimes(&times))
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
