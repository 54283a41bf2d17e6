package rotator

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
	"golang.org/x/sys/unix"
)

// A liveFile is the file that lines are appended to.
type liveFile struct {
	files.File
	path   string
	period pattern.Period
	size   int64      // as far as we know; others may write to it too
	info   files.Info // as it was when the file was opened
	// torn says that the file ends inside a line that nobody will finish.
	torn bool
	// locked says that others can see that the file is live.
	locked bool
}

// An Owner is who owns new files and directories; -1 leaves user or group alone.
type Owner struct{ UID, GID int }

// errDeleted is what opening fails with when the file is deleted each time.
var errDeleted = errors.New("deleted by another process at this moment")

// opens is how many times, 5 ms apart, to try to open a file that an archive is removing.
const opens = 100

// openFile opens a file to append to, and makes it and its directories as needed. If an
// archive removes it at this moment, it is opened anew.
func openFile(c Config, path string, period pattern.Period) (*liveFile, error) {
	for n := 1; ; n++ {
		f, err := openOnce(c, path, n == opens, period.Over(c.Now()))
		if err == nil {
			f.period = period
			return f, nil
		}
		if n == opens || !errors.Is(err, errDeleted) && !errors.Is(err, files.ErrLocked) && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		_, _ = unix.Poll(nil, 5)
	}
}

// openOnce opens a file and shares its lock. It fails if another process has the lock
// alone, or if the path names another file by then. The last try accepts both: somebody
// may hold the lock for long, though the period is not over, and some file systems
// number files anew each time.
func openOnce(c Config, path string, last, over bool) (*liveFile, error) {
	file, err := openOrMake(c, path)
	if err != nil {
		return nil, err
	}
	f := &liveFile{File: file, path: path}
	if err := f.share(); errors.Is(err, files.ErrLocked) {
		if !last || over {
			return nil, errors.Join(err, f.Close())
		}
		f.torn = f.isTorn() // whoever holds the lock all the time writes no lines
	}
	if f.info, err = f.Info(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.size = f.info.Size
	at, err := c.Files.Stat(path, true)
	switch {
	case err == nil && at.Same(f.info), f.info.Links > 0 && (last || err != nil && !errors.Is(err, fs.ErrNotExist)):
		return f, nil
	}
	return nil, errors.Join(&fs.PathError{Op: "open", Path: path, Err: errDeleted}, f.Close())
}

// openOrMake opens a file to append to.
func openOrMake(c Config, path string) (files.File, error) {
	f, err := c.Files.Open(path, false, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = create(c, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDirs(c, files.Dir(path)); err == nil {
			f, err = create(c, path)
		}
	}
	return f, err
}

// create makes a file.
func create(c Config, path string) (files.File, error) {
	// Nobody else may open it before it is locked.
	f, err := c.Files.Open(path, true, c.Mode&0o600)
	if err != nil {
		return nil, err
	}
	_ = f.Lock(false) // shared again where that can fail
	handOver(c, c.Mode, f)
	return f, nil
}

// handOver sets owner and mode of what was just made. The mode is set once more, whatever
// the umask has left of it.
func handOver(c Config, mode uint32, f files.File) {
	if c.Owner != nil {
		if err := f.Chown(c.Owner.UID, c.Owner.GID); err != nil {
			c.Messages.Warn("%v; the owner stays", err)
		}
	}
	if err := f.Chmod(mode); err != nil {
		c.Messages.Warn("%v; the mode stays", err)
	}
}

// makeDirs makes a directory and those above it that are missing.
func makeDirs(c Config, path string) error {
	dir, err := c.Files.Mkdir(path)
	if errors.Is(err, fs.ErrNotExist) && files.Dir(path) != path {
		if err = makeDirs(c, files.Dir(path)); err == nil {
			dir, err = c.Files.Mkdir(path)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	handOver(c, c.DirMode, dir)
	return dir.Close()
}

// share shares the lock of the file with others that write to it. Before that it ends the
// line that the file ends inside, if the process that began it was killed or gave up:
// then nobody shares the lock, and it can be had alone. Nobody waits for the lock:
// whoever is refused, is refused by one that is ending the line, or by an archive.
func (f *liveFile) share() error {
	if f.isTorn() && alone(f.Lock(true)) {
		if f.torn = f.isTorn(); f.torn {
			_ = f.end() // tried again before the first line
		}
	}
	err := f.Lock(false)
	f.locked = err == nil
	return err
}

// alone reports whether nobody else who writes has a lock, by what locking has returned.
func alone(err error) bool { return err == nil || errors.Is(err, files.ErrReader) }

// isTorn reports whether the file does not end with a newline, as far as it can be read.
func (f *liveFile) isTorn() bool {
	info, err := f.Info()
	return err == nil && info.Torn
}

// end ends a torn line.
func (f *liveFile) end() error {
	n, err := f.Write([]byte{'\n'})
	if n == 1 {
		f.torn = false
		f.size++
	}
	return err
}

// write appends lines with one system call, after ending a torn line. It may write
// only some of the bytes.
func (f *liveFile) write(lines []byte) (int, error) {
	if f.torn {
		if err := f.end(); err != nil {
			return 0, err
		}
	}
	n, err := f.Write(lines)
	if n = max(n, 0); n == 0 && err == nil {
		err = io.ErrShortWrite
	}
	f.size += int64(n)
	return n, err
}

// stale reports whether lines of the given time belong in another file. A clock
// that was set back within the period, or into the one before it, changes nothing.
func (f *liveFile) stale(p *pattern.Pattern, at time.Time) bool {
	if f.period.Over(at) {
		return true
	}
	if !at.Before(f.period.Start) || f.period.End.IsZero() {
		return false
	}
	return at.Before(p.Period(f.period.Start.Add(-1)).Start)
}

// resize notes the size that the file system gives for the file, which others may have
// changed. It reports whether the file was truncated.
func (f *liveFile) resize(info files.Info) (truncated bool) {
	if !info.Regular {
		return false
	}
	truncated = info.Size < f.size
	f.size = info.Size
	return truncated
}

// renew opens the file once more, after a write that failed: on a network file
// system it may be the descriptor that has gone bad, and not the disk. If that
// fails too, the old descriptor is kept, and the next write will tell.
func (f *liveFile) renew(files files.System) {
	file, err := files.Open(f.path, false, 0)
	if err != nil {
		return
	}
	old := f.File
	if info, err := file.Info(); err == nil && info.Same(f.info) {
		f.File, f.locked = file, file.Lock(false) == nil
	} else {
		old = file
	}
	// An error from a descriptor that has failed already tells nothing new.
	_ = old.Close()
}
