package rotator

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
	"golang.org/x/sys/unix"
)

// A liveFile is the file that lines are appended to.
type liveFile struct {
	files.File
	path   string
	base   string // the name without the number of a series
	period pattern.Period
	size   int64      // as far as we know; others may write it too
	info   files.Info // of when it was opened
	// torn says that it ends inside a line that nobody will go on with.
	torn bool
	// locked says that others can see that it is live.
	locked bool
}

// An Owner is who owns the files that are made; -1 leaves user or group alone.
type Owner struct{ UID, GID int }

// errDeleted is what opening fails with when the file is deleted each time.
var errDeleted = errors.New("deleted by another process at this moment")

const (
	// lockWait is how long an archive may have the lock of a file to itself.
	lockWait = 500 * time.Millisecond
	// opens is how often a file is opened anew that an archive removes.
	opens = 10
)

// openFile opens a file to append to, and makes it and its directories as needed. It may
// be that an archive takes it away at this moment: then it is made anew.
func openFile(c Config, path, base string, period pattern.Period) (*liveFile, error) {
	for n := 1; ; n++ {
		f, lock, err := openLocked(c, path, period)
		if err != nil {
			return nil, err
		}
		info, err := f.Info()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		at, err := c.Files.Stat(path, true)
		named := err == nil && at.Same(info) || err != nil && !errors.Is(err, fs.ErrNotExist) && info.Links > 0
		if !named && n < opens {
			_ = f.Close() // nothing was written
			continue
		}
		if !named && info.Links == 0 { // else the file system numbers its files anew each time
			return nil, errors.Join(&fs.PathError{Op: "open", Path: path, Err: errDeleted}, f.Close())
		}
		live := &liveFile{File: f, path: path, base: base, period: period, size: info.Size, info: info, locked: lock}
		if info.Torn {
			live.mend()
		}
		return live, nil
	}
}

// openLocked opens a file and shares its lock. It fails with [files.ErrLocked] when an
// archive has the lock to itself. Only a file that somebody else locks for long, though
// its period is not over, is opened without.
func openLocked(c Config, path string, period pattern.Period) (f files.File, locked bool, err error) {
	f, err = openOrMake(c, path)
	if err != nil {
		return nil, false, err
	}
	lock := f.Lock(false, false)
	for begun := time.Now(); errors.Is(lock, files.ErrLocked) && time.Since(begun) < lockWait; {
		_, _ = unix.Poll(nil, 5)
		lock = f.Lock(false, false)
	}
	if errors.Is(lock, files.ErrLocked) && period.Over(c.Now()) {
		return nil, false, errors.Join(lock, f.Close())
	}
	return f, lock == nil, nil
}

// openOrMake opens a file to append to.
func openOrMake(c Config, path string) (files.File, error) {
	f, err := c.Files.Open(path, false, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = create(c, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDirs(c, filepath.Dir(path)); err == nil {
			f, err = create(c, path)
		}
	}
	return f, err
}

// create makes a file.
func create(c Config, path string) (files.File, error) {
	f, err := c.Files.Open(path, true, c.Mode)
	if err != nil {
		return nil, err
	}
	handOver(c, c.Mode, f.Chown, f.Chmod)
	return f, nil
}

// handOver sets owner and mode of what was just made. The mode is set once more,
// since umask is not to be trusted: servers that daemonize set it to 0.
func handOver(c Config, mode uint32, chown func(uid, gid int) error, chmod func(mode uint32) error) {
	if c.Owner != nil {
		if err := chown(c.Owner.UID, c.Owner.GID); err != nil {
			c.Voice.Warn("%v; the owner stays", err)
		}
	}
	if err := chmod(mode); err != nil {
		c.Voice.Warn("%v; the mode stays", err)
	}
}

// makeDirs makes a directory and those above it that are missing.
func makeDirs(c Config, path string) error {
	err := c.Files.Mkdir(path, c.DirMode)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err = makeDirs(c, filepath.Dir(path)); err == nil {
			err = c.Files.Mkdir(path, c.DirMode)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	handOver(c, c.DirMode,
		func(uid, gid int) error { return c.Files.Chown(path, uid, gid) },
		func(mode uint32) error { return c.Files.Chmod(path, mode) })
	return nil
}

// mend ends the line that the file ends in, if nobody else has the file open: it was
// left by a process that was killed, or gave up, in the middle of writing it. A live
// logreel shares a lock of the file, and then the line is one that it is writing, or
// will go on with.
func (f *liveFile) mend() {
	if f.Lock(true, false) == nil {
		info, err := f.Info()
		if f.torn = err == nil && info.Torn; f.torn {
			_ = f.end() // tried again before the first line
		}
	}
	// Whoever else found the line waits here until it is ended.
	f.locked = f.Lock(false, true) == nil
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
// fewer than all.
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

// stale reports whether lines of the given time belong into another file. A clock
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

// resize takes down what the file system says of the file's size, which others may
// have changed. It reports whether the file was truncated.
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
		f.File, f.locked = file, file.Lock(false, false) == nil
	} else {
		old = file
	}
	// An error of a descriptor that has failed already tells nothing new.
	_ = old.Close()
}
