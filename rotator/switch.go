package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
)

// ensureLive makes sure that the live file is the one for lines of the given time.
func (r *Rotator) ensureLive(at time.Time) error {
	r.look()
	if r.next {
		r.next = false
		if err := r.Switch(at); err != nil {
			r.config.Messages.Warn("%v", err)
		}
	}
	stale := r.live != nil && r.live.stale(r.config.Pattern, at)
	if r.live != nil && (!stale && !r.reopen || !r.retryDue()) {
		return nil
	}
	var err error
	if r.live != nil && !stale {
		err = r.switchTo(r.live.path, r.live.period)
	} else {
		err = r.switchByTime(at)
	}
	if err == nil {
		return nil
	}
	r.failed(err)
	if r.live != nil {
		return nil
	}
	return err
}

// look finds out whether someone has moved, deleted or truncated the live file.
func (r *Rotator) look() {
	now := r.config.Now()
	if since := now.Sub(r.looked); r.live == nil || 0 <= since && since < lookEvery {
		return
	}
	r.looked = now
	if !r.live.locked { // someone was ending its torn line, or it has no locks
		r.live.locked = r.live.Lock(false) == nil
	}
	info, err := r.config.Files.Stat(r.live.path, true)
	switch {
	case err == nil && info.Same(r.live.info):
		if was := r.live.size; r.live.resize(info) {
			r.config.Messages.Warn("%s: truncated by someone, from %d to %d bytes; going on at its end", r.live.path, was, info.Size)
			_ = r.live.share() // tried again at the next look
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, files.ErrNotDirectory):
		// That says nothing about the file. Writing will.
	default:
		if !r.reopen {
			r.config.Messages.Warn("%s: moved away or deleted by someone; opening it anew", r.live.path)
		}
		r.reopen = true
		if info, err := r.live.Info(); err == nil && info.Links == 0 {
			// What is written to a deleted file is lost.
			r.finish(r.live)
			r.live, r.reopen = nil, false
		}
	}
}

// switchByTime opens the file for lines of the given time.
func (r *Rotator) switchByTime(at time.Time) error {
	period, path, err := r.Place(at)
	if err != nil {
		return err
	}
	return r.goOn(path, period)
}

// goOn switches to a file other than the live one, or to a new one of its name.
func (r *Rotator) goOn(path string, period pattern.Period) error {
	live := ""
	if r.live != nil {
		live = r.live.path
	}
	if err := r.names.vacate(path, live); err != nil {
		return err
	}
	return r.switchTo(path, period)
}

// Place returns the period of a time and the path of the file that lines of that
// time go into, given the files that exist.
func (r *Rotator) Place(at time.Time) (pattern.Period, string, error) {
	period := r.config.Pattern.Period(at)
	path, err := r.names.current(period, at)
	return period, path, err
}

// switchTo opens a file and only then closes the one before it.
func (r *Rotator) switchTo(path string, period pattern.Period) error {
	f, err := openFile(r.config, path, period)
	if err != nil {
		return err
	}
	r.opening.End(r.config.Now(), "")
	r.retryAt, r.again = time.Time{}, time.Time{}
	r.reopen = false
	old := r.live
	r.live = f
	r.names.opened(period, path)
	if r.previous != path {
		r.links.setPrevious(f, r.previous)
		if r.previous != "" {
			r.status.Switches++
		}
		r.previous = path
	}
	r.links.setLive(f)
	r.config.Opened(path)
	if old != nil {
		r.finish(old)
	}
	r.config.Messages.Detail("writing %s", path)
	return nil
}

// failed notes that a file could not be opened, and reports it if there is a live file
// to go on with. Without one, the caller returns the error.
func (r *Rotator) failed(err error) {
	now := r.config.Now()
	r.retryAt = now.Add(retryEvery)
	if r.live != nil {
		r.opening.Begin(now, err, fmt.Sprintf("keeping %s, trying again every second", r.live.path))
	}
}

// retryDue reports whether it is time to try to open a file. A clock that was set
// back does not delay it.
func (r *Rotator) retryDue() bool {
	wait := r.retryAt.Sub(r.config.Now())
	return wait <= 0 || wait > retryEvery
}

// finish closes a file that is no longer live.
func (r *Rotator) finish(f *liveFile) {
	if err := f.Close(); err != nil {
		r.config.Messages.Warn("%v", err)
	}
	r.config.Messages.Detail("finished %s", f.path)
	r.config.Finished(f.path)
}
