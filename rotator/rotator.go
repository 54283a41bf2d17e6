// Package rotator writes batches of whole lines into files whose names follow a
// pattern, and switches to the next file when a period is over.
//
// # Guarantees
//
//   - Lines are appended whole and in order, each batch with one write(2) on a
//     descriptor opened with O_APPEND, so several processes may write one file
//     (POSIX write: the offset is set to the end and the bytes are written with no
//     other write in between; Linux holds the inode's lock meanwhile). A line that
//     comes in pieces is several writes, and another process may write in between.
//   - No line is split between two files, not even one that comes in pieces. With
//     Config.Records no record is: it is over when the next one begins, when
//     [Rotator.EndRecord] says so, or when it has 1 MiB.
//   - The next file is open before the last one is closed. While the next one cannot
//     be opened, lines still go into the last one.
//   - The name of a file depends on the period alone, or with Config.Size also on
//     the files that exist: after a restart the same file is continued. With
//     Config.Stamps files that follow by size are named after their beginning.
//   - No file is made before the first line, unless Config.Eager is set.
//   - Nothing is ever truncated, and no link replaces the only name of
//     another file. Only with Config.Ring is a file deleted: one whose name comes
//     again, unless another process writes to it.
//
// # Not guaranteed
//
// That a line survives a power cut before the kernel has written it to disk, unless
// Config.Sync is given.
package rotator

import (
	"errors"
	"fmt"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/messages"
)

const (
	// retryEvery is the pause between two attempts to open a file.
	retryEvery = time.Second
	// settle is how long no line may have come before the live file is finished at the
	// end of its period. While lines flow, the next file is opened first.
	settle = 100 * time.Millisecond
	// lookEvery is the shortest time between two looks for the live file under its
	// name: short enough to look at every batch that the intake lingers over.
	lookEvery = 20 * time.Millisecond
)

// Config says what to write where. Pattern is required.
type Config struct {
	Pattern *pattern.Pattern
	// Size is how many bytes a file may have before it is followed by another of
	// the same period; 0 for any number.
	Size int64
	// Stamps says that a file which follows by size is named after the time at which it is
	// begun, and not by a number. Pattern is made with [pattern.Config.Instants].
	Stamps bool
	// Ring is how many files there are, whose names are used round and round; 0 for any
	// number. The names of Pattern are all the same.
	Ring int
	// Records tells where records begin, each of which is to be in one file; nil if every
	// line is one.
	Records Records
	// Mode and DirMode are the permissions of new files and directories, whatever the
	// umask. Those that exist are left as they are.
	Mode, DirMode uint32
	// Owner is who owns new files and directories; nil for the user of this process.
	Owner *Owner
	// Link is a symlink to the live file, PreviousLink one to the file before it,
	// HardLink a second name of the live file. Empty for none.
	Link, PreviousLink, HardLink string
	// Eager opens a file for every period, even when nothing is written.
	Eager bool
	// Sync is how long lines may wait to be synced, in the background; 0 for as long as
	// the kernel likes.
	Sync time.Duration
	// Opened is called with the path of a file that lines will go into, when the links
	// lead to it, and then Finished with the path of the one before, which gets no more
	// lines. Either may be nil.
	Opened, Finished func(path string)

	// Messages are what the user is told; the zero Printer is silent.
	Messages messages.Printer
	// Files is the file system; nil for the real one.
	Files files.System
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// names says which of the files of a period lines go into.
type names interface {
	// current returns the path of the file to go on with at a time of the period.
	current(period pattern.Period, at time.Time) (string, error)
	// next returns the path of the file that follows the live one, which is full.
	next(live *liveFile, at time.Time) (string, error)
	// vacate makes a path free that is to be begun anew, while another file may be live.
	vacate(path, live string) error
	// opened notes which file was opened.
	opened(period pattern.Period, path string)
}

func newNames(c Config) names {
	switch {
	case c.Ring > 0:
		return &ring{files: c.Files, names: c.Pattern, count: c.Ring, at: -1}
	case c.Stamps:
		return &stamps{files: c.Files, pattern: c.Pattern}
	}
	return &numbers{files: c.Files, pattern: c.Pattern, given: c.Size > 0}
}

// A Rotator writes lines into the live file. It is not safe for concurrent use.
type Rotator struct {
	config Config
	names  names
	links  links
	syncer *syncer // nil without Config.Sync

	// live is the file that lines go into; nil before the first line, and from
	// the end of a period until the next line.
	live *liveFile
	// previous is the path of the file before the live one.
	previous string
	// midLine says that the live file ends inside a line. The rest of the line
	// belongs in the same file.
	midLine bool
	// begun is what the file has of that line, unless the line comes in pieces. It is
	// written again if the file is lost; the caller has the rest of the line.
	begun []byte
	// repeat is what is to be written again before anything else.
	repeat []byte
	// record is what the live file ends with, if Config.Records is given.
	record openRecord
	// reopen says that the live file's name is to be opened anew, and next that the next
	// file is to be gone on to, as soon as that divides no record.
	reopen, next bool

	// opening reports what keeps the next file from being opened. What keeps lines
	// from being written at all is for the caller to report.
	opening messages.Fault
	// retryAt is when to try again to open a file; zero unless that failed.
	retryAt time.Time
	// looked is when the live file was last looked for under its name.
	looked time.Time
	// failing is when writing began to fail; zero while it works.
	failing time.Time
	// late is the time under which older lines are filed, since their own file
	// could not be written; zero if that has not happened.
	late time.Time
	// wrote is when lines were last written.
	wrote time.Time
	// again is when to call Tick other than at the end of the period; zero for never.
	again time.Time

	status Status
}

// A Status is what a rotator has done so far.
type Status struct {
	Live     string // path of the live file; empty when there is none
	Size     int64  // of the live file, in bytes
	Written  int64  // how many bytes in all
	Switches int    // how many, from one file to another
}

// New validates the configuration. It opens nothing; see [Rotator.Start].
func New(c Config) (*Rotator, error) {
	c.Messages = c.Messages.OrSilent()
	if c.Files == nil {
		disk := files.Disk{Second: c.HardLink}
		if c.Owner != nil {
			disk.Owner = max(c.Owner.UID, 0)
		}
		c.Files = disk
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, l := range c.Links() {
		if pattern.NamesDirectory(l.Path) {
			return nil, fmt.Errorf("%s=%s: names a directory; add the name of the link", l.Flag, l.Path)
		}
	}
	for _, f := range []*func(string){&c.Opened, &c.Finished} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	r := &Rotator{
		config:  c,
		names:   newNames(c),
		links:   links{config: c},
		opening: messages.Fault{Printer: c.Messages},
	}
	if c.Sync > 0 {
		r.syncer = newSyncer(c)
	}
	return r, nil
}

// Start reports what the user may want to know about the pattern, and opens the first file
// if the rotator is eager. If that fails, [Rotator.Tick] tries again.
func (r *Rotator) Start() {
	if advice := r.config.Pattern.Advice(r.config.Now()); advice != "" {
		r.config.Messages.Detail("%s", advice)
	}
	if r.config.Eager {
		r.try(r.config.Now())
		r.again = r.retryAt
	}
}

// Tick is to be called when no line has come: it finishes the live file if its period is
// over. An eager rotator opens the next one. The live file is kept while the next one
// cannot be opened, and when more lines are about to come.
func (r *Rotator) Tick(at time.Time, more bool) {
	defer r.sync(false) // of the file that is live then
	r.again = time.Time{}
	if r.busy(at) {
		return
	}
	switch {
	case r.config.Eager || r.reopen || r.next:
		r.try(at)
		r.again = r.retryAt
	case r.live == nil || !r.retryAt.IsZero() || !r.live.stale(r.config.Pattern, at):
	case more || r.wrote.Add(settle).After(at) && !r.wrote.After(at):
		r.again = at.Add(settle)
	default:
		r.finish(r.live)
		r.live, r.reopen = nil, false
	}
}

// Until returns when [Rotator.Tick] is to be called, if no line comes before; the zero
// time for never.
func (r *Rotator) Until() time.Time {
	until := r.untilEnd()
	if r.syncer != nil {
		if sync := r.syncer.until(); until.IsZero() || !sync.IsZero() && sync.Before(until) {
			return sync
		}
	}
	return until
}

// untilEnd is Until without the syncer.
func (r *Rotator) untilEnd() time.Time {
	switch {
	case !r.again.IsZero():
		return r.again
	case r.live == nil:
		return time.Time{}
	}
	return r.live.period.End
}

// Reopen opens the path of the live file anew, if there is one: the file may have been
// moved away. Until it succeeds, lines go into the file that is open.
func (r *Rotator) Reopen(at time.Time) {
	r.reopen = r.live != nil
	if r.busy(at) {
		return
	}
	r.retryAt = time.Time{}
	if r.live == nil && !r.config.Eager {
		return
	}
	r.try(at)
	r.again = r.retryAt
}

// try opens the file for lines of the given time before any has come.
func (r *Rotator) try(at time.Time) {
	if err := r.ensureLive(at); err != nil {
		r.opening.Begin(r.config.Now(), err, "trying again every second")
	}
}

// ErrSameName is what [Rotator.Switch] returns when there is no other name to go on to.
var ErrSameName = errors.New("the next file would have the same name")

// Switch goes on to the next file, if that has another name than the live one: now, or as
// soon as the line or the record that the live one ends with is over.
func (r *Rotator) Switch(at time.Time) error {
	if r.live == nil || r.live.size == 0 {
		return nil
	}
	if r.busy(at) {
		r.next = true
		return nil
	}
	period, path, err := r.Place(at)
	if err == nil && path == r.live.path {
		path, err = r.names.next(r.live, at)
		period = r.live.period
	}
	if err != nil {
		return err
	}
	return r.goOn(path, period)
}

// Status returns what the rotator has done so far.
func (r *Rotator) Status() Status {
	s := r.status
	if r.live != nil {
		s.Live, s.Size = r.live.path, r.live.size
	}
	return s
}

// Close closes the live file.
func (r *Rotator) Close() error {
	if r.live == nil {
		return nil
	}
	live := r.live
	r.live = nil
	if live.period.Over(r.config.Now()) || r.config.Pattern.Runs() {
		r.finish(live)
		return nil
	}
	err := live.Close()
	if r.syncer != nil {
		r.config.Finished(live.path) // whoever syncs finished files does so with this one
	}
	return err
}
