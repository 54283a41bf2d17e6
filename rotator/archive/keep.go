package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/logreel/logreel/rotator/files"
)

// sameAge is how much younger than the next one a file may be: another logreel may have
// written to it a little longer.
const sameAge = time.Minute

// Actions of a [Decision].
const (
	Keep     = "keep"
	Compress = "compress"
	Delete   = "delete"
)

// A Decision is what is to be done with a file that is there, and why.
type Decision struct {
	Path, Action, Why string
}

// Plan returns what a pass would do, the oldest file first. It changes nothing.
func Plan(c Config) []Decision {
	if c.Idle() {
		return nil
	}
	p := newPass(c)
	found := p.find()
	later := *p // files are handed on and compressed before they are judged
	later.Exec = ""
	if p.Compress != nil && slices.ContainsFunc(found.files, func(f *file) bool { return f.ending == "" && p.finished(f) }) {
		later.KeepSize = 0
	}
	toDelete := later.toDelete(found)
	var plan []Decision
	for _, f := range found.files {
		why, doomed := toDelete[f]
		d := Decision{f.path, Keep, ""}
		switch {
		case p.future(f):
			d.Why = "its name lies in the future"
		case !p.finished(f):
			d.Why = "its period is not over"
		case doomed:
			d.Action, d.Why = Delete, why
		case p.Compress != nil && f.ending == "":
			d.Action, d.Why = Compress, "it is finished"
			if p.KeepSize > 0 {
				d.Why += "; --keep-size is looked at after that"
			}
		}
		if d.Action != Keep {
			if h, err := p.lock(f); err != nil {
				d.Action, d.Why = Keep, err.Error()
			} else {
				_ = h.Close() // it was only read
			}
		}
		if p.Exec != "" && f.pending && p.finished(f) {
			d.Why = strings.TrimPrefix(d.Why+"; it is to be handed to --exec", "; ")
		}
		plan = append(plan, d)
	}
	return plan
}

// toDelete returns the files that are to be deleted, and why.
func (p *pass) toDelete(found *found) map[*file]string {
	var finished []*file // the newest first
	for i := len(found.files) - 1; i >= 0; i-- {
		if f := found.files[i]; !f.removed && p.finished(f) {
			finished = append(finished, f)
		}
	}
	doomed := map[*file]string{}
	if newer, older := found.numberedBackwards(); newer != nil {
		p.Messages.Warn("%s is younger than %s, as logrotate numbers files; none is deleted: move those away, or give another name", newer.path, older.path)
		return doomed
	}
	doom := func(f *file, format string, args ...any) {
		if _, already := doomed[f]; !already && !(p.Exec != "" && f.pending) {
			doomed[f] = fmt.Sprintf(format, args...)
		}
	}
	oldest := p.KeepAge.Before(p.Now().In(p.Pattern.Zone()))
	size, count := int64(0), 0
	for i, f := range finished {
		size += f.info.Size
		if i == 0 || f.plain != finished[i-1].plain { // a file and its compressed part are one
			count++
		}
		if p.KeepCount > 0 && count > p.KeepCount {
			doom(f, "--keep-count=%d: it is number %d from the newest", p.KeepCount, count)
		}
		if p.KeepAge.Given() && f.period.Over(oldest) {
			doom(f, "--keep-age=%v: ended %s", p.KeepAge, f.period.End.Format(time.RFC3339))
		}
		if p.KeepSize > 0 && size > p.KeepSize {
			doom(f, "--keep-size: %d bytes with the newer ones", size)
		}
	}
	p.free(finished, doomed, doom)
	return doomed
}

// numberedBackwards returns two files of which the younger has the lower number, if that is so of
// most that have numbers alone: somebody else has numbered them.
func (f *found) numberedBackwards() (newer, older *file) {
	forwards := 0
	for i := 1; i < len(f.files); i++ {
		a, b := f.files[i-1], f.files[i]
		if a.number == b.number || !a.period.Start.IsZero() {
			continue
		}
		switch age := b.info.Modified.Sub(a.info.Modified); {
		case age >= sameAge:
			forwards++
		case age <= -sameAge:
			newer, older = a, b
			forwards--
		}
	}
	if forwards >= 0 {
		return nil, nil
	}
	return newer, older
}

// free dooms the oldest files until enough of the file system would be free.
func (p *pass) free(finished []*file, doomed map[*file]string, doom func(f *file, format string, args ...any)) {
	if !p.KeepFree.Given() || len(finished) == 0 {
		return
	}
	size, free, err := int64(0), int64(0), fs.ErrNotExist
	for i := 0; i < len(finished) && errors.Is(err, fs.ErrNotExist); i++ { // others may delete files too
		size, free, err = p.Files.Space(finished[i].path)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			p.Messages.Warn("--keep-free: %v", err)
		}
		return
	}
	for f := range doomed {
		free += f.info.Allocated
	}
	for i := len(finished) - 1; i >= 0 && free < p.KeepFree.of(size); i-- {
		if _, already := doomed[finished[i]]; already {
			continue
		}
		doom(finished[i], "--keep-free: %d bytes would be free, %d are to be", free, p.KeepFree.of(size))
		if _, now := doomed[finished[i]]; now {
			free += finished[i].info.Allocated
		}
	}
}

// keep deletes what is to be deleted, the oldest first, and returns how many files that
// was.
func (p *pass) keep(found *found) (deleted int) {
	toDelete := p.toDelete(found)
	for _, f := range found.files {
		why, doomed := toDelete[f]
		if !doomed {
			continue
		}
		switch err := p.delete(f); {
		case err == nil:
			p.Messages.Detail("deleted %s (%s)", f.path, why)
			deleted++
		case errors.Is(err, files.ErrLocked):
			p.Messages.Detail("%v; not deleted", err)
		case !errors.Is(err, fs.ErrNotExist): // which says that somebody else was faster
			p.Messages.Warn("%v; not deleted", err)
		}
	}
	return deleted
}

func (p *pass) delete(f *file) error {
	h, err := p.lock(f)
	if err != nil {
		return err
	}
	if err = p.notHandedOn(f); err == nil {
		err = p.remove(f)
	}
	return errors.Join(err, h.Close())
}
