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
	c = c.withDefaults()
	found := find(c)
	later := c // files are handed on and compressed before they are judged
	later.Exec = ""
	if c.Compress != nil && slices.ContainsFunc(found.files, func(f *file) bool { return f.ending == "" && c.finished(f) }) {
		later.KeepSize = 0
	}
	verdicts := later.verdicts(found)
	var plan []Decision
	for _, f := range found.files {
		why, condemned := verdicts[f]
		d := Decision{f.path, Keep, ""}
		switch {
		case c.future(f):
			d.Why = "its name lies in the future"
		case !c.finished(f):
			d.Why = "its period is not over"
		case condemned:
			d.Action, d.Why = Delete, why
		case c.Compress != nil && f.ending == "":
			d.Action, d.Why = Compress, "it is finished"
			if c.KeepSize > 0 {
				d.Why += "; --keep-size is looked at after that"
			}
		}
		if d.Action != Keep {
			if h, err := c.grab(f); err != nil {
				d.Action, d.Why = Keep, err.Error()
			} else {
				_ = h.Close() // it was only read
			}
		}
		if c.Exec != "" && f.pending && c.finished(f) {
			d.Why = strings.TrimPrefix(d.Why+"; it is to be handed to --exec", "; ")
		}
		plan = append(plan, d)
	}
	return plan
}

// verdicts returns the files that are to be deleted, and why.
func (c Config) verdicts(found *found) map[*file]string {
	var finished []*file // the newest first
	for i := len(found.files) - 1; i >= 0; i-- {
		if f := found.files[i]; !f.removed && c.finished(f) {
			finished = append(finished, f)
		}
	}
	condemned := map[*file]string{}
	if newer, older := found.backwards(); newer != nil {
		c.Messages.Warn("%s is younger than %s, as logrotate numbers files; none is deleted: move those away, or give another name", newer.path, older.path)
		return condemned
	}
	condemn := func(f *file, format string, args ...any) {
		if _, already := condemned[f]; !already && !(c.Exec != "" && f.pending) {
			condemned[f] = fmt.Sprintf(format, args...)
		}
	}
	oldest := c.KeepAge.Before(c.Now().In(c.Pattern.Zone()))
	size, count := int64(0), 0
	for i, f := range finished {
		size += f.info.Size
		if i == 0 || f.plain != finished[i-1].plain { // a file and its compressed part are one
			count++
		}
		if c.KeepCount > 0 && count > c.KeepCount {
			condemn(f, "--keep-count=%d: it is number %d from the newest", c.KeepCount, count)
		}
		if c.KeepAge.Given() && f.period.Over(oldest) {
			condemn(f, "--keep-age=%v: ended %s", c.KeepAge, f.period.End.Format(time.RFC3339))
		}
		if c.KeepSize > 0 && size > c.KeepSize {
			condemn(f, "--keep-size: %d bytes with the newer ones", size)
		}
	}
	c.free(finished, condemned, condemn)
	return condemned
}

// backwards returns two files of which the younger has the lower number, if that is so of
// most that have numbers alone: somebody else has numbered them.
func (f *found) backwards() (newer, older *file) {
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

// free condemns the oldest files until enough of the file system would be free.
func (c Config) free(finished []*file, condemned map[*file]string, condemn func(f *file, format string, args ...any)) {
	if !c.KeepFree.Given() || len(finished) == 0 {
		return
	}
	size, free, err := int64(0), int64(0), fs.ErrNotExist
	for i := 0; i < len(finished) && errors.Is(err, fs.ErrNotExist); i++ { // others may delete files too
		size, free, err = c.Files.Space(finished[i].path)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.Messages.Warn("--keep-free: %v", err)
		}
		return
	}
	for f := range condemned {
		free += f.info.Allocated
	}
	for i := len(finished) - 1; i >= 0 && free < c.KeepFree.of(size); i-- {
		if _, already := condemned[finished[i]]; already {
			continue
		}
		condemn(finished[i], "--keep-free: %d bytes would be free, %d are to be", free, c.KeepFree.of(size))
		if _, now := condemned[finished[i]]; now {
			free += finished[i].info.Allocated
		}
	}
}

// keep deletes what is to be deleted, the oldest first, and returns how many files that
// was.
func (c Config) keep(found *found) (deleted int) {
	verdicts := c.verdicts(found)
	for _, f := range found.files {
		why, condemned := verdicts[f]
		if !condemned {
			continue
		}
		switch err := c.delete(f); {
		case err == nil:
			c.Messages.Detail("deleted %s (%s)", f.path, why)
			deleted++
		case errors.Is(err, files.ErrLocked):
			c.Messages.Detail("%v; not deleted", err)
		case !errors.Is(err, fs.ErrNotExist): // which says that somebody else was faster
			c.Messages.Warn("%v; not deleted", err)
		}
	}
	return deleted
}

func (c Config) delete(f *file) error {
	h, err := c.grab(f)
	if err != nil {
		return err
	}
	if err = c.notHandedOn(f); err == nil {
		err = c.remove(f)
	}
	return errors.Join(err, h.Close())
}
