package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// sameAge is how much younger than the next one a file may be: another logreel may have
// written to it a little longer.
const sameAge = time.Minute

// A sweep goes through the finished files, the oldest first, and removes those that are to
// go. What it cannot remove still counts, so that the next one may have to go for it.
type sweep struct {
	// remove removes a file; nil to delete it.
	remove func(f *file, why string) error
	// waiting says that files which wait for the command may go for Config.KeepFree, when
	// all others have.
	waiting bool
	// full says that one more is to go for Config.KeepFree, though enough seems to be free:
	// a quota or the inodes may be used up.
	full bool
	// ceiling says that only Config.KeepSize counts, and before is the plain path of a
	// file that stays, and so do those that are newer; empty for none.
	ceiling bool
	before  string
	more    int64 // how many bytes are to come
}

// keep deletes what is to be deleted, and returns how many files that was.
func (p *pass) keep(found *found, s sweep) (removed int) {
	if !p.keeps() {
		return 0
	}
	if newer, older := found.numberedBackwards(); newer != nil {
		p.Messages.Warn("%s is younger than %s, as logrotate numbers files; none is deleted: move those away, or give another name", newer.path, older.path)
		return 0
	}
	if s.remove == nil {
		s.remove = p.delete
	}
	free := p.lacking(found, s)
	remove := func(f *file, why string) {
		if s.remove(f, why) == nil {
			removed++
			f.removed = true
			found.size -= f.info.Size
			free.bytes -= f.info.Allocated
			free.one = false
		}
	}
	number := found.count()
	oldest := p.KeepAge.Before(p.Now().In(p.Pattern.Zone()))
	var waiting []*file
	last := ""
	for _, f := range found.files {
		if s.before == f.plain {
			break
		}
		if f.removed || !f.finished() {
			continue
		}
		if last != "" && f.plain != last {
			number--
		}
		last = f.plain
		switch {
		case p.waits(f):
			waiting = append(waiting, f)
		case p.KeepSize > 0 && s.ceiling:
			if found.size+s.more > p.KeepSize {
				remove(f, p.tooMuch(found.size+s.more))
			}
		case p.KeepCount > 0 && number > p.KeepCount:
			remove(f, fmt.Sprintf("--keep-count=%d: it is number %d from the newest", p.KeepCount, number))
		case p.KeepAge.Given() && f.endedBefore(oldest):
			remove(f, fmt.Sprintf("--keep-age=%v: %s", p.KeepAge, f.age()))
		case p.KeepSize > 0 && found.size > p.KeepSize:
			remove(f, p.tooMuch(found.size))
		case free.lacks():
			remove(f, free.why())
		}
	}
	for _, f := range waiting {
		if s.waiting && free.lacks() {
			remove(f, free.why()+"; it was yet to be handed to --exec")
		}
	}
	return removed
}

// waits reports whether a file waits to be handed on.
func (p *pass) waits(f *file) bool { return p.Exec != "" && f.pending && f.finished() }

func (p *pass) tooMuch(size int64) string {
	return fmt.Sprintf("--keep-size: %d bytes in all, %d are allowed", size, p.KeepSize)
}

// count returns how many finished files there are. A file and its compressed part are one.
func (f *found) count() (n int) {
	last := ""
	for _, f := range f.files {
		if !f.removed && f.finished() && f.plain != last {
			n++
			last = f.plain
		}
	}
	return n
}

// endedBefore reports whether the period of a file was over at a time. For the file of a
// run its start counts.
func (f *file) endedBefore(t time.Time) bool {
	if f.period.End.IsZero() {
		return f.period.Start.Before(t)
	}
	return f.period.Over(t)
}

// age says since when that is.
func (f *file) age() string {
	if f.period.End.IsZero() {
		return "begun " + f.period.Start.Format(time.RFC3339)
	}
	return "ended " + f.period.End.Format(time.RFC3339)
}

// numberedBackwards returns two files of which the younger has the lower number, if that
// is so of most that have numbers alone: somebody else has numbered them.
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

// A lack is what is missing for Config.KeepFree.
type lack struct {
	free, wanted int64
	bytes        int64 // how many have to be freed
	one          bool  // whether a file has to go in any case
}

func (l *lack) lacks() bool { return l.bytes > 0 || l.one }

func (l *lack) why() string {
	if l.bytes <= 0 {
		return "--keep-free: nothing can be written, for a quota or for lack of inodes"
	}
	return fmt.Sprintf("--keep-free: %d bytes would be free, %d are to be", l.wanted-l.bytes, l.wanted)
}

// lacking returns what is missing for Config.KeepFree.
func (p *pass) lacking(found *found, s sweep) *lack {
	l := &lack{}
	if !p.KeepFree.Given() || s.ceiling {
		return l
	}
	err := error(fs.ErrNotExist)
	var size int64
	for _, f := range found.files { // others may delete files too
		if size, l.free, err = p.Files.Space(f.path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			p.Messages.Warn("--keep-free: %v", err)
		}
		return l
	}
	l.wanted = p.KeepFree.of(size)
	l.bytes, l.one = l.wanted-l.free, s.full
	return l
}

// delete deletes a file that nobody uses.
func (p *pass) delete(f *file, why string) error {
	err := p.unused(f, func() error {
		if err := p.stillUnmarked(f); err != nil {
			return err
		}
		return p.remove(f)
	})
	switch {
	case err == nil && p.waits(f):
		p.Messages.Warn("deleted %s (%s)", f.path, why)
	case err == nil:
		p.Messages.Detail("deleted %s (%s)", f.path, why)
	case errors.Is(err, files.ErrLocked):
		p.Messages.Detail("%v; not deleted", err)
	case !errors.Is(err, fs.ErrNotExist): // which says that somebody else was faster
		p.Messages.Warn("%v; not deleted", err)
	}
	return err
}

// stillUnmarked fails with [files.ErrLocked] if a file that seemed to have no mark has one.
// A directory that others write to is not read at one instant: the name of a file may be in
// what was read, and that of its mark, made a moment later, not.
func (p *pass) stillUnmarked(f *file) error {
	if p.Exec == "" || f.pending {
		return nil
	}
	for _, ending := range []string{filename.Pending, filename.Handed} {
		_, err := p.Files.Stat(filename.Hidden(f.plain, ending), false)
		if err == nil {
			return files.ErrLocked
		}
		if !errors.Is(err, fs.ErrNotExist) && !isTooLong(err) {
			return err
		}
	}
	return nil
}

// unused calls a function while a file is locked for us alone, and is not being handed on.
func (p *pass) unused(f *file, do func() error) error {
	h, err := p.lock(f)
	if err != nil {
		return err
	}
	if err = p.notHandedOn(f); err == nil {
		err = do()
	}
	return errors.Join(err, h.Close())
}

// errCeiling is what compressing fails with when Config.KeepSize leaves no room for it.
var errCeiling = errors.New("there is no room for it under --keep-size")

// ceiling deletes the oldest files until all have no more than Config.KeepSize bytes, and
// returns how many they may still take. Files from the given plain path on stay.
func (p *pass) ceiling(before string) (left int64) {
	found := p.find()
	p.keep(found, sweep{ceiling: true, before: before})
	return p.KeepSize - found.size
}

// step is how much compressed data is written before it is synced, and before there is to
// be room for more. Much more, at the end, would hold up others who sync a file there.
func (p *pass) step() int64 {
	const most = 4 << 20
	if p.KeepSize == 0 {
		return most
	}
	return max(min(most, p.KeepSize/ceilingSteps), 1)
}
