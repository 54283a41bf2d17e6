package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/messages"
)

// slowSync is how long a sync may take before that is worth a message, if it is not
// longer that lines may go without one.
const slowSync = 5 * time.Second

// A syncer makes what is written to the live file survive a power cut, at the latest
// Config.Sync after it was written. A goroutine does the syncing and nothing else, since
// the disk may keep it for as long as it likes; when is told by the clock of the rotator,
// as the end of a period is. Times are without a monotonic reading, since the caller waits
// by the wall clock.
type syncer struct {
	config Config
	work   chan string // the path of what to sync
	done   chan synced

	// since is when the oldest line was written that no sync has taken up; zero for none.
	since time.Time
	// began is when the sync under way began; zero while there is none.
	began time.Time
	// lead is how much earlier than needed to begin: as long as the last sync took.
	lead  time.Duration
	fault messages.Fault
}

// synced is how a sync ended.
type synced struct {
	took time.Duration
	err  error
}

func newSyncer(c Config) *syncer {
	s := &syncer{config: c, work: make(chan string, 1), done: make(chan synced, 1), fault: messages.Fault{Printer: c.Messages}}
	go s.run()
	return s
}

// run syncs what it is given. The name of a file is synced before its content, and once.
func (s *syncer) run() {
	named := ""
	for path := range s.work {
		begun := time.Now()
		var err error
		if path != named {
			err = s.config.Files.SyncDir(files.Dir(path))
		}
		if err == nil || errors.Is(err, fs.ErrPermission) { // a directory that may not be read
			named = path
			err = s.syncFile(path)
		}
		s.done <- synced{time.Since(begun), err}
	}
}

// syncFile opens the file anew: if the one that is open were shared, the rotator would have to
// wait before it closes it, or its lock would outlast it.
func (s *syncer) syncFile(path string) error {
	f, err := s.config.Files.Open(path, false, 0)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if errors.Is(err, fs.ErrNotExist) { // moved away or deleted, which the rotator will see
		return nil
	}
	return err
}

// sync has the live file synced when it is time.
func (r *Rotator) sync(wrote bool) {
	if r.syncer == nil {
		return
	}
	live := ""
	if r.live != nil {
		live = r.live.path
	}
	r.syncer.tick(live, wrote)
}

// tick is to be called when lines were written, and when it is time: see until.
func (s *syncer) tick(live string, wrote bool) {
	now := s.config.Now().Round(0)
	s.look(now)
	if wrote && s.since.IsZero() {
		s.since = now
	}
	wait := s.since.Add(s.config.Sync - s.lead).Sub(now)
	switch {
	case s.since.IsZero() || !s.began.IsZero():
	case live == "": // those who look after finished files sync it
		s.since = time.Time{}
	case wait <= 0 || wait > s.config.Sync: // or the clock was set back
		s.since, s.began = time.Time{}, now
		s.work <- live
	}
}

// look sees whether the sync under way has ended, or takes too long.
func (s *syncer) look(now time.Time) {
	if s.began.IsZero() {
		return
	}
	select {
	case end := <-s.done:
		s.lead = min(end.took, s.config.Sync/2)
		if end.err == nil {
			s.fault.End(now, "")
		} else {
			s.fault.Begin(now, end.err, "what is written may not survive a power cut; trying again")
			s.since = now // it is still to be synced
		}
		s.began = time.Time{}
	default:
		if limit := max(slowSync, s.config.Sync); now.Sub(s.began) >= limit {
			s.fault.Begin(s.began, fmt.Errorf("--sync: the disk has not answered for %v", limit), "what is written may not survive a power cut")
		}
	}
}

// until returns when to call tick, if nothing is written before; the zero time for never.
func (s *syncer) until() time.Time {
	switch {
	case !s.began.IsZero():
		return s.config.Now().Round(0).Add(time.Second).Truncate(time.Second)
	case !s.since.IsZero():
		return s.since.Add(s.config.Sync - s.lead)
	}
	return time.Time{}
}
