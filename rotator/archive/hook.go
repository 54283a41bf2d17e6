package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/hook"
)

// Mark notes that a file is to be handed on when it is finished.
func Mark(system files.System, path string) error {
	mark, err := system.Temporary(filename.Hidden(path, filename.Pending))
	if err != nil {
		return err
	}
	return mark.Close()
}

// handOnAll hands on files, the oldest first, until the command fails. It reports whether
// there may be more to be handed on.
//
// While the command fails for a file, those after it wait, so that their order is kept, but
// no longer than an hour: then they go on without it, and it is tried after them.
func (p *pass) handOnAll(found *found) (more bool) {
	begun := time.Now()
	for _, aside := range []bool{false, true} {
		for _, f := range found.files {
			if !p.waits(f) || f.later || f.removed || f.retry.aside() != aside || p.tried[f.plain] {
				continue
			}
			if p.stopped() != nil {
				return false
			}
			if !f.retry.over(p.Now()) && !p.First {
				if aside {
					continue
				}
				return false
			}
			if !p.handOn(f, found) && !aside {
				return false
			}
			if time.Since(begun) >= lookEvery {
				return true
			}
		}
	}
	return false
}

// handOn hands on a file, and reports whether the next one is to be handed on.
func (p *pass) handOn(f *file, found *found) bool {
	waiting := found.waiting(p)
	ran, err := p.runMarked(f)
	switch {
	case errors.Is(err, errStopped):
		return false
	case err != nil && isLater(err):
		return true
	case err == nil && ran:
		p.tried[f.plain] = true
		p.report(report{worked, f.plain, waiting, time.Time{}})
		return true
	case err == nil: // somebody else has handed it on, or is about to
		return true
	}
	p.tried[f.plain] = true
	wasAside := f.retry.aside()
	f.retry = f.retry.next(p.Now())
	for _, ending := range []string{filename.Pending, filename.Handed} {
		mark := filename.Hidden(f.plain, ending)
		if err := p.Files.SetTimes(mark, f.retry.due, f.retry.failed); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.Messages.Detail("%v; it is handed on again in the next pass", err)
		}
	}
	p.report(report{err.Error(), f.plain, waiting, time.Time{}})
	if f.retry.aside() && !wasAside {
		p.Messages.Warn("--exec: has failed for %s for an hour; the files after it are handed on without it", f.path)
	}
	return false
}

// waiting returns how many files wait to be handed on.
func (f *found) waiting(p *pass) (n int) {
	for _, f := range f.files {
		if p.waits(f) && !f.removed {
			n++
		}
	}
	return n
}

// reportWaiting tells how many files wait, and when the command is to be run again.
func (p *pass) reportWaiting(found *found) {
	if p.Exec == "" {
		return
	}
	var due time.Time
	first := true // of those that wait in their order
	for _, f := range found.files {
		if !p.waits(f) || f.removed || f.retry.due.IsZero() {
			continue
		}
		if (first || f.retry.aside()) && (due.IsZero() || f.retry.due.Before(due)) {
			due = f.retry.due
		}
		first = first && f.retry.aside()
	}
	p.report(report{waits, "", found.waiting(p), due})
}

// runMarked runs the command for a file that has a mark. It reports whether it has, and
// was not too late for that.
func (p *pass) runMarked(f *file) (ran bool, err error) {
	path, aside := filename.Hidden(f.plain, filename.Pending), filename.Hidden(f.plain, filename.Handed)
	mark, err := p.lockIfThere(path)
	if mark == nil && err == nil {
		if mark, err = p.lockIfThere(aside); mark != nil { // killed in unmark
			err = p.Files.Rename(aside, path)
		}
	}
	if mark == nil {
		return false, err
	}
	if err == nil {
		ran, err = p.run(f, path, aside)
	}
	return ran, errors.Join(err, mark.Close())
}

// run runs the command for a file, and removes its mark.
func (p *pass) run(f *file, mark, aside string) (ran bool, err error) {
	h, err := p.lock(f)
	if err != nil {
		return false, err
	}
	if err := h.Close(); err != nil {
		return false, err
	}
	if f.ending != "" { // with the original beside it, it is not complete, or more is to be appended
		if _, err := p.Files.Stat(f.plain, false); !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	if err := p.Files.Writable(files.Dir(mark)); err != nil {
		return false, fmt.Errorf("%w; %s is not handed on, since that could not be noted", err, f.path)
	}
	if err := p.execute(f); err != nil {
		return false, err
	}
	return true, p.unmark(f, mark, aside)
}

// unmark removes the mark of a file that was handed on, unless more is to be. Who opens
// the file marks it after that. So the mark is put aside before the file is looked at: it
// is either seen to be open, or marked anew.
func (p *pass) unmark(f *file, mark, aside string) error {
	if err := p.Files.Rename(mark, aside); err != nil {
		return err
	}
	if more, err := p.more(f); more || err != nil {
		return errors.Join(err, p.Files.Rename(aside, mark))
	}
	f.pending = false
	return p.Files.Remove(aside)
}

// more reports whether lines have come for a file since it was handed on, or may come.
func (p *pass) more(f *file) (more bool, err error) {
	h, err := p.Files.ReadToLock(f.plain)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := h.Info()
	more = f.ending != "" || info.Size != f.info.Size || errors.Is(h.Lock(true), files.ErrLocked)
	return more, errors.Join(err, h.Close())
}

// notHandedOn fails with [files.ErrLocked] while another pass runs the command for a file.
func (p *pass) notHandedOn(f *file) error {
	mark, err := p.lockIfThere(filename.Hidden(f.plain, filename.Pending))
	if mark != nil {
		err = mark.Close()
	}
	return err
}

// execute runs the command to its end. It fails with errStopped if the pass is to end. What
// is finished meanwhile is compressed, so that a slow command does not fill the disk.
func (p *pass) execute(f *file) error {
	p.Messages.Detail("--exec: %s", f.path)
	command := hook.Command{Text: p.Exec, Timeout: p.ExecTimeout, Environment: p.Environment}
	times := []string{"LOGREEL_FILE=" + f.path, "LOGREEL_START=" + instant(f.period.Start), "LOGREEL_END=" + instant(f.period.End)}
	process, err := command.Start(times, f.path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	result := make(chan error, 1)
	go func() { result <- process.Wait(p.Stop) }()
	p.running = f.plain
	defer func() { p.running = "" }()
	for {
		select {
		case err := <-result:
			if err != nil && err != errStopped {
				err = fmt.Errorf("%s: %w", f.path, err)
			}
			return err
		case <-time.After(lookEvery):
			p.work(p.look())
		}
	}
}

// instant spells the start or the end of a period; empty for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
