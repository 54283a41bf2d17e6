package rotator

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/logreel/logreel/pattern"
)

// A liveFile is the file that lines are appended to.
type liveFile struct {
	File
	path   string
	base   string // the name without the number of a series
	period pattern.Period
	size   int64 // what it had when opened, and what was written since
	// torn says that the file ends inside a line, which nobody will go on with: a
	// process was killed, or gave up, in the middle of writing it.
	torn bool
	info Info // of when it was opened
}

// An Owner is who owns the files that are made; -1 leaves user or group alone.
type Owner struct{ UID, GID int }

// openFile opens a file to append to, and makes it and its directories as needed.
func openFile(c Config, path, base string, period pattern.Period) (*liveFile, error) {
	f, err := c.Files.Open(path, false, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = create(c, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDirs(c, filepath.Dir(path)); err == nil {
			f, err = create(c, path)
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Info()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &liveFile{File: f, path: path, base: base, period: period, size: info.Size, torn: info.Torn, info: info}, nil
}

// create makes a file.
func create(c Config, path string) (File, error) {
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

// write appends a batch, after ending a torn line. A short write is gone on with
// where it stopped.
func (f *liveFile) write(batch []byte) (done int, err error) {
	if f.torn {
		if _, err := f.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		f.torn = false
		f.size++
	}
	for done < len(batch) && err == nil {
		var n int
		n, err = f.Write(batch[done:])
		n = max(n, 0)
		done += n
		f.size += int64(n)
	}
	return done, err
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
