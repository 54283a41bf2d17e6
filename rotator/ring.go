package rotator

import (
	"errors"
	"fmt"
	"io/fs"

	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// ring says which of a fixed number of files lines go into, round and round: app.log,
// app.log.1 and so on up to the last, and app.log again. What a name had before is deleted,
// so that whoever reads it goes on reading it.
type ring struct {
	files files.System
	names *pattern.Pattern
	count int
	// at is the place of the file that was opened last, and period its period; -1 before the
	// first, which is gone on with as it is.
	at     int
	period pattern.Period
	// anew says that the path returned last is one to begin anew.
	anew bool
}

func (r *ring) opened(period pattern.Period, path string) {
	r.period, r.anew = period, false
	for r.at = 0; r.at < r.count-1 && r.path(r.at) != path; r.at++ {
	}
}

func (r *ring) path(at int) string { return filename.Numbered(r.names.Name(r.period), at) }

// current returns the path of the file that was opened last, or of the one after it for
// another period.
func (r *ring) current(period pattern.Period, _ time.Time) (string, error) {
	r.anew = false
	switch {
	case r.at < 0:
		return r.names.Name(period), nil
	case period.Start.Equal(r.period.Start) || r.names.Every() == pattern.Never:
		return r.path(r.at), nil
	}
	return r.after(), nil
}

// next returns the path of the file after the live one.
func (r *ring) next(*liveFile, time.Time) (string, error) { return r.after(), nil }

func (r *ring) after() string {
	r.anew = true
	return r.path((r.at + 1) % r.count)
}

// vacate deletes the file that has a name which is to be used again, unless another process
// writes to it.
func (r *ring) vacate(path, live string) error {
	if !r.anew {
		return nil
	}
	info, err := r.files.Stat(path, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Regular:
		return fmt.Errorf("%s: not a regular file; move it away", path)
	}
	if path != live {
		h, err := r.files.ReadToLock(path)
		if err != nil {
			return err
		}
		locking := h.Lock(true)
		if err := h.Close(); err != nil {
			return err
		}
		if !alone(locking) {
			return fmt.Errorf("%s: another process writes to it", path)
		}
	}
	return r.files.Remove(path)
}
