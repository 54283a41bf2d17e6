package archive

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// A file is one that the pattern names.
type file struct {
	path   string
	plain  string // path without the ending of a compressed file
	base   string // plain without its number
	number int    // 0 for base itself
	ending string // of a compressed file, or nothing
	// period is that of the name; zero if all names are the same.
	period pattern.Period
	info   files.Info
	// newest says that its period has none that follows it by size.
	newest bool
	// live says that lines may still go into it, and future that its name lies in the
	// future, at the instant when it was looked for: a file that is finished by now has not
	// been compressed yet.
	live, future bool
	// pending says that it is to be handed on, and retry whether that has failed.
	pending bool
	retry   retry
	// later says that it is not to be handed on yet.
	later bool
	// removed says that this pass has removed it.
	removed bool
}

// found is what there is of a pattern's files.
type found struct {
	// files are sorted, the oldest first.
	files []*file
	// size is how many bytes they have, with those that compressing them will take.
	size int64
	// orphans are the paths of marks whose files are gone, interrupted the compressed
	// files that a pass is making, or was making when it was killed.
	orphans     []string
	interrupted []*file
}

// A search looks for the files of a pattern.
type search struct {
	*pass
	levels []pattern.Level
	found
	constant bool
	pending  map[string]*file // the marks, by plain path
	making   map[string]int64 // the sizes of temporary files, by plain path
	there    map[string]bool  // the plain paths of names that are there
}

// orphaned is how long after the period of its name, or the start of its run, a mark
// without a file is removed: whoever has just opened the file marks it a moment later.
const orphaned = time.Minute

// find looks for the files of the pattern. What cannot be read is reported.
func (p *pass) find() *found {
	s := &search{pass: p, levels: p.Pattern.Levels(), constant: constant(p.Pattern), pending: map[string]*file{}, making: map[string]int64{}, there: map[string]bool{}}
	now := p.Now()
	s.walk("", 0)
	newest := map[string]*file{}
	for _, f := range s.files {
		if other := newest[s.series(f)]; other == nil || f.follows(other) {
			newest[s.series(f)] = f
		}
		if mark := s.pending[f.plain]; mark != nil {
			f.pending, f.retry = true, retryOf(mark.info)
		}
	}
	for _, mark := range s.pending {
		if !s.there[mark.plain] && mark.info.Regular && mark.endedBefore(now.Add(-orphaned)) && !p.exists(mark.plain) {
			s.orphans = append(s.orphans, mark.path)
		}
	}
	for _, f := range s.files {
		f.newest = !newest[s.series(f)].follows(f)
		f.live, f.future = p.live(f, now), f.period.Start.After(now)
	}
	slices.SortFunc(s.files, func(a, b *file) int {
		return cmp.Or(a.period.Start.Compare(b.period.Start), cmp.Compare(a.base, b.base),
			cmp.Compare(a.number, b.number), cmp.Compare(b.ending, a.ending)) // compressed is older
	})
	s.found.size += s.total()
	return &s.found
}

// series returns what files have in common of which one follows another by size.
func (p *pass) series(f *file) string {
	if p.Stamped {
		return f.period.End.String()
	}
	return f.base
}

// follows reports whether a file of a series comes after another.
func (f *file) follows(other *file) bool {
	return cmp.Or(f.period.Start.Compare(other.period.Start), cmp.Compare(f.number, other.number)) > 0
}

// exists reports whether a file is there under its own name or that of a compressed one, or
// may be. It is made before its mark, but a directory that others write to is not read at
// one instant, and may have shown the mark alone.
func (p *pass) exists(plain string) bool {
	for _, name := range append(filename.Endings(), "") {
		if _, err := p.Files.Stat(plain+name, false); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// total returns how many bytes all files have. A temporary file counts as large as it may
// be before whoever writes it looks for room again.
func (s *search) total() (total int64) {
	most := map[string]int64{} // what compressing can take, by plain path
	for _, f := range s.files {
		total += f.info.Size
		most[f.plain] += f.info.Size
	}
	for plain, size := range s.making {
		next := (size/s.step() + 1) * s.step()
		total += max(size, min(next, most[plain]))
	}
	return total
}

// isHeld reports whether another process has a lock of a file.
func (p *pass) isHeld(f *file) bool {
	h, err := p.lock(f)
	if err == nil {
		err = h.Close()
	}
	return errors.Is(err, files.ErrLocked)
}

// walk looks below a path, which is empty or ends with a slash, for the names of a level
// and those below it.
func (s *search) walk(path string, level int) {
	l := s.levels[level]
	last := level == len(s.levels)-1
	if level > 0 && s.fields(level) && !s.directory(path) {
		return
	}
	if !last && !l.Varies() {
		s.walk(path+l.Text+"/", level+1)
		return
	}
	names, err := s.Files.Names(cmp.Or(path, "."))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, files.ErrNotDirectory) {
			s.Messages.Warn("%v", err)
		}
		return // a part of the names will not do: a mark may be missing
	}
	for _, name := range names {
		switch {
		case last:
			s.take(path, name)
		case l.Matches(name):
			s.walk(path+name+"/", level+1)
		}
	}
}

// fields reports whether a level above the given one has fields.
func (s *search) fields(level int) bool {
	return slices.ContainsFunc(s.levels[:level], pattern.Level.Varies)
}

// directory reports whether a path that ends with a slash is a directory, and not a
// symlink to one.
func (s *search) directory(path string) bool {
	info, err := s.Files.Stat(strings.TrimRight(path, "/"), false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, files.ErrNotDirectory) {
		s.Messages.Warn("%v", err)
	}
	return err == nil && info.Directory
}

// take records a name, if it is one of ours.
func (s *search) take(dir, name string) {
	if of, ending, ok := filename.CutHidden(name); ok && s.takeHidden(dir+name, dir+of, ending) {
		return
	}
	f := s.read(dir + name)
	if f == nil {
		return
	}
	s.there[f.plain] = true
	info, err := s.Files.Stat(f.path, false)
	switch {
	case err == nil && info.Regular:
		f.info = info
		s.files = append(s.files, f)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		s.Messages.Warn("%v", err)
	}
}

// takeHidden records a hidden file, and reports whether it is one of ours.
func (s *search) takeHidden(path, of, ending string) bool {
	f := s.read(of)
	switch {
	case f == nil:
		return false
	case ending == filename.Pending || ending == filename.Handed:
		s.mark(f, path)
		return true
	case f.ending == "":
		return false
	}
	if info, err := s.Files.Stat(path, false); err == nil && info.Regular {
		s.interrupted = append(s.interrupted, f)
		s.there[f.plain] = s.there[f.plain] || ending == filename.Done
		if ending == filename.Temporary {
			s.making[f.plain] += info.Size
		} else {
			s.found.size += info.Size
		}
	}
	return true
}

// mark records a mark, if it is a regular file or may be one.
func (s *search) mark(mark *file, path string) {
	info, err := s.Files.Stat(path, false)
	if mark.path, mark.info = path, info; err != nil || info.Regular {
		s.pending[mark.plain] = mark
	}
}

// read returns what a path tells of its file; nil if it is not a path of the pattern.
func (s *search) read(path string) *file {
	f := &file{path: path}
	f.plain, f.ending = filename.CutEnding(path)
	if f.base = f.plain; s.parse(f) { // the base may end with a number of its own
		return f
	}
	if f.base, f.number = filename.CutNumber(f.plain); f.number > 0 && s.parse(f) {
		return f
	}
	return nil
}

// parse sets the period that the base is the name of. It reports whether it is a name.
func (s *search) parse(f *file) bool {
	if s.constant {
		return f.base == s.Pattern.Name(pattern.Period{})
	}
	period, err := s.Pattern.Parse(f.base)
	f.period = period
	return err == nil
}

// live reports whether lines may still go into a file, as far as its name tells. Where
// each run has a file of its own, its lock tells.
func (p *pass) live(f *file, now time.Time) bool {
	if p.Pattern.Runs() {
		return f.ending == "" && p.isHeld(f)
	}
	return f.ending == "" && (f.newest || !p.Numbered && !p.Stamped && f.number == 0) && !f.period.Over(now)
}

// finished reports whether the file is finished, as far as its name tells.
func (f *file) finished() bool { return !f.live && !f.future }

// remove deletes a file that is locked for us alone, and the directories that this leaves
// empty, up to the first level of the pattern that has fields.
func (p *pass) remove(f *file) error {
	if err := p.Files.Remove(f.path); err != nil {
		return err
	}
	f.removed = true
	levels := p.Pattern.Levels()
	fixed := slices.IndexFunc(levels, pattern.Level.Varies)
	dir := f.path
	for i := len(levels) - 1; fixed >= 0 && i > fixed; i-- {
		dir = dir[:strings.LastIndexByte(dir, '/')]
		if p.Files.Rmdir(filepath.Clean(dir)) != nil {
			break // there is something in it
		}
	}
	return nil
}
