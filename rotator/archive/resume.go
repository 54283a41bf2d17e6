package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/logreel/logreel/rotator/files"
)

// takeUp goes on with a compressed file where a pass was killed, or failed. It reports
// whether there is another file now.
func (c Config) takeUp(to *file) (changed bool, err error) {
	done, temporary := hidden(to.path, endingDone), hidden(to.path, endingTemporary)
	original, err := c.takeOver(done)
	if err != nil {
		return false, err
	}
	if original != nil {
		defer original.Close() // it is only locked
	}
	out, err := c.takeOver(temporary)
	if err != nil {
		return false, err
	}
	if out != nil {
		defer out.Close() // it is only locked
		if original == nil {
			return false, c.discard(temporary, done)
		}
		if changed, err = c.name(out, temporary, to.path); err != nil {
			return false, err
		}
	}
	if original == nil {
		return changed, nil
	}
	if _, err := c.Files.Stat(to.path, false); errors.Is(err, fs.ErrNotExist) {
		return true, c.restore(done, to.plain)
	}
	c.removeDone(done)
	return changed, nil
}

// restore gives an original its name again whose compressed file somebody has removed.
func (c Config) restore(done, plain string) error {
	err := c.Files.Link(done, plain)
	if errors.Is(err, fs.ErrExist) { // perhaps a pass was killed here
		is, _ := c.Files.Stat(done, false)
		if at, errAt := c.Files.Stat(plain, false); errAt == nil && at.Same(is) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("%w; the only copy of what was written is %s, which has to be renamed", err, done)
	}
	return c.Files.Remove(done)
}

// discard removes a temporary file, unless it has become complete a moment ago.
func (c Config) discard(temporary, done string) error {
	if _, err := c.Files.Stat(done, false); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, files.ErrLocked)
	}
	return c.Files.Remove(temporary)
}

// name gives a complete temporary file its final name. An empty one was made after the
// complete one had got that, and is removed.
func (c Config) name(out files.File, temporary, to string) (named bool, err error) {
	info, err := out.Info()
	if err != nil {
		return false, err
	}
	if info.Size == 0 {
		return false, c.Files.Remove(temporary)
	}
	return true, c.Files.Rename(temporary, to)
}

// takeOver opens and locks a file that nobody else is using; nil if there is no such file.
func (c Config) takeOver(path string) (files.File, error) {
	h, err := c.Files.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.own(h, path); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}
