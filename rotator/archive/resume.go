package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// recover finishes what a killed pass began. It reports whether that has changed the files.
func (p *pass) recover(found *found) (changed bool) {
	for _, to := range found.interrupted {
		moved, err := p.resume(to)
		if err != nil && !errors.Is(err, files.ErrLocked) && !errors.Is(err, fs.ErrNotExist) {
			p.Messages.Warn("%v", err)
		}
		changed = changed || moved
	}
	for _, path := range found.orphans {
		if err := p.Files.Remove(path); err != nil {
			p.Messages.Warn("%v", err)
		}
	}
	return changed
}

// resume goes on with a compressed file where a pass was killed, or failed. It reports
// whether there is another file now.
func (p *pass) resume(to *file) (changed bool, err error) {
	done, temporary := filename.Hidden(to.path, filename.Done), filename.Hidden(to.path, filename.Temporary)
	original, err := p.lockIfThere(done)
	if err != nil {
		return false, err
	}
	if original != nil {
		defer original.Close() // it is only locked
	}
	out, err := p.lockIfThere(temporary)
	if err != nil {
		return false, err
	}
	if out != nil {
		defer out.Close() // it is only locked
		if original == nil {
			return false, p.discard(temporary, done)
		}
		if changed, err = p.name(out, temporary, to.path); err != nil {
			return false, err
		}
	}
	if original == nil {
		return changed, nil
	}
	if _, err := p.Files.Stat(to.path, false); errors.Is(err, fs.ErrNotExist) {
		return true, p.restore(done, to.plain)
	}
	p.removeDone(done)
	return changed, nil
}

// restore gives an original its name again whose compressed file somebody has removed.
func (p *pass) restore(done, plain string) error {
	is, err := p.Files.Stat(done, false)
	if err == nil {
		err = p.Files.Link(done, plain, is)
	}
	if errors.Is(err, fs.ErrExist) { // perhaps a pass was killed here
		if at, errAt := p.Files.Stat(plain, false); errAt == nil && at.Same(is) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("%w; the only copy of what was written is %s, which has to be renamed", err, done)
	}
	return p.Files.Remove(done)
}

// discard removes a temporary file, unless it has become complete a moment ago.
func (p *pass) discard(temporary, done string) error {
	if _, err := p.Files.Stat(done, false); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, files.ErrLocked)
	}
	return p.Files.Remove(temporary)
}

// name gives a complete temporary file its final name. An empty one was made after the
// complete one had got that, and is removed.
func (p *pass) name(out files.File, temporary, to string) (named bool, err error) {
	info, err := out.Info()
	if err != nil {
		return false, err
	}
	if info.Size == 0 {
		return false, p.Files.Remove(temporary)
	}
	if err := p.Files.SyncDir(files.Dir(to)); err != nil { // see replace
		return false, err
	}
	return true, p.Files.Rename(temporary, to)
}
