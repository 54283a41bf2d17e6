package files

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Locks are open file description locks (fcntl(2)) for writing: whoever may only read a file
// cannot have one. They exclude each other, so those who share the file each lock a byte of
// their own in a range, and who wants it alone locks all of that. No file is so long that the
// range is in use for anything else.
const (
	lockStart = 1 << 62
	lockBytes = 1 << 30
)

// A lock is what an open file has of the range.
type lock struct {
	alone bool
	own   int64 // the byte to share it with; 0 before there is one
}

func (f *diskFile) Lock(alone bool) error {
	var err error
	switch {
	case alone:
		if err = f.setLock(unix.F_WRLCK, lockStart, lockBytes); err == unix.EBADF {
			err = f.lockUnwritable()
		} else if err == nil {
			f.lock.alone = true
		}
	case f.lock.alone:
		err = f.share()
	default:
		err = f.lockOwn()
	}
	return pathError("lock", f.path, err)
}

// lockOwn locks a byte that nobody else has.
func (f *diskFile) lockOwn() error {
	for {
		if f.lock.own == 0 {
			f.lock.own = lockStart + 1 + rand.Int64N(lockBytes-1)
		}
		err := f.setLock(unix.F_WRLCK, f.lock.own, 1)
		if err != ErrLocked {
			return err
		}
		if other, errOther := f.writeLock(f.lock.own, 1); errOther != nil || other.Type == unix.F_UNLCK || other.Len != 1 {
			return err
		}
		f.lock.own = 0 // it is another writer's
	}
}

// share gives back all of the range but a byte.
func (f *diskFile) share() error {
	if f.lock.own == 0 {
		f.lock.own = lockStart + 1 + rand.Int64N(lockBytes-1)
	}
	next, end := f.lock.own+1, int64(lockStart+lockBytes)
	if err := f.setLock(unix.F_UNLCK, lockStart, f.lock.own-lockStart); err != nil {
		return err
	}
	if next < end {
		if err := f.setLock(unix.F_UNLCK, next, end-next); err != nil {
			return err
		}
	}
	f.lock.alone = false
	return nil
}

// lockUnwritable locks a file that we may not write to against those who write, and with
// flock(2) against others like us.
func (f *diskFile) lockUnwritable() error {
	if err := f.setLock(unix.F_RDLCK, lockStart, lockBytes); err != nil {
		return err
	}
	return flock(f.fd, true)
}

// setLock locks a part of the range.
func (f *diskFile) setLock(kind int16, start, bytes int64) error {
	want := unix.Flock_t{Type: kind, Start: start, Len: bytes}
	_, err := retry(func() (int, error) { return 0, unix.FcntlFlock(uintptr(f.fd), unix.F_OFD_SETLK, &want) })
	if err != unix.EAGAIN && err != unix.EACCES {
		return err
	}
	if found, err := f.writeLock(start, bytes); err == nil && found.Type == unix.F_UNLCK {
		return ErrReader
	}
	return ErrLocked
}

// writeLock returns a lock for writing that another has in a part of the range.
func (f *diskFile) writeLock(start, bytes int64) (unix.Flock_t, error) {
	found := unix.Flock_t{Type: unix.F_RDLCK, Start: start, Len: bytes} // which those for reading let be
	_, err := retry(func() (int, error) { return 0, unix.FcntlFlock(uintptr(f.fd), unix.F_OFD_GETLK, &found) })
	return found, err
}

// Holder returns the process that has a lock of a file, as far as it can be seen; an empty
// text if it cannot.
func Holder(of Info) string {
	name := fmt.Sprintf(":%d ", of.Inode) // the device is not that of stat(2) everywhere
	paths, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) { // proc_pid_fdinfo(5)
			if strings.HasPrefix(line, "lock:") && strings.Contains(line, " WRITE ") && strings.Contains(line, name) {
				pid := strings.Split(path, "/")[2]
				command, _ := os.ReadFile("/proc/" + pid + "/comm") // the number alone will do
				return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(command)))
			}
		}
	}
	return ""
}
