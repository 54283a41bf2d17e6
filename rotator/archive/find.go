package archive

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// The endings of files that belong to another; see [hidden].
const (
	endingPending   = ".pending" // to be handed on
	endingHanded    = ".handed"  // the same, but that it has just been handed on
	endingTemporary = ".tmp"     // a compressed file that is being written
	endingDone      = ".done"    // the original of a compressed one that is complete
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
	// newest says that its base has none of a higher number.
	newest bool
	// pending says that it is to be handed on.
	pending bool
	// removed says that this pass has removed it.
	removed bool
}

// found is what there is of a pattern's files.
type found struct {
	// files are sorted, the oldest first.
	files []*file
	// strays are the paths of marks whose files are gone, begun the compressed
	// files that a pass is making, or was making when it was killed.
	strays []string
	begun  []*file
}

// A search looks for the files of a pattern.
type search struct {
	Config
	levels []pattern.Level
	found
	constant bool
	pending  map[string]*file // the marks, by plain path
	there    map[string]bool  // the plain paths of names that are there
}

// find looks for the files of the pattern. What cannot be read is reported.
func find(c Config) *found {
	s := &search{Config: c, levels: c.Pattern.Levels(), constant: constant(c.Pattern), pending: map[string]*file{}, there: map[string]bool{}}
	s.walk("", 0)
	newest := map[string]int{}
	for _, f := range s.files {
		newest[f.base] = max(newest[f.base], f.number)
		f.pending = s.pending[f.plain] != nil
	}
	for _, mark := range s.pending {
		if !s.there[mark.plain] && mark.info.Regular && mark.period.Over(c.Now()) {
			s.strays = append(s.strays, mark.path)
		}
	}
	for _, f := range s.files {
		f.newest = f.number == newest[f.base]
	}
	slices.SortFunc(s.files, func(a, b *file) int {
		return cmp.Or(a.period.Start.Compare(b.period.Start), cmp.Compare(a.base, b.base),
			cmp.Compare(a.number, b.number), cmp.Compare(b.ending, a.ending)) // compressed is older
	})
	return &s.found
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
	if of, isHidden := strings.CutPrefix(name, "."); isHidden {
		for _, ending := range []string{endingPending, endingHanded} {
			if plain, ok := strings.CutSuffix(of, ending); ok {
				if mark := s.read(dir + plain); mark != nil {
					s.mark(mark, dir+name)
					return
				}
			}
		}
		if s.takeBegun(dir+name, dir+of) {
			return
		}
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

// takeBegun records what compressing has made, and reports whether the path is such.
func (s *search) takeBegun(path, of string) bool {
	to, temporary := strings.CutSuffix(of, endingTemporary)
	to, done := strings.CutSuffix(to, endingDone)
	f := s.read(to)
	if temporary == done || f == nil || f.ending == "" {
		return false
	}
	if info, err := s.Files.Stat(path, false); err == nil && info.Regular {
		s.begun = append(s.begun, f)
		s.there[f.plain] = s.there[f.plain] || done
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

// live reports whether lines may still go into a file, as far as its name tells.
func (c Config) live(f *file) bool {
	return f.ending == "" && (f.newest || !c.Numbered && f.number == 0) && !f.period.Over(c.Now())
}

// future reports whether the name lies in the future.
func (c Config) future(f *file) bool { return f.period.Start.After(c.Now()) }

// finished reports whether a file is finished, as far as its name tells.
func (c Config) finished(f *file) bool { return !c.live(f) && !c.future(f) }

// grab opens a file and locks it for us alone. It fails with [files.ErrLocked] if another
// process has a lock, and with [fs.ErrNotExist] if the path names another file by then.
func (c Config) grab(f *file) (files.File, error) {
	h, err := c.Files.Read(f.path)
	if err != nil {
		return nil, err
	}
	err = h.Lock(true)
	if err == nil {
		var info files.Info
		if info, err = c.Files.Stat(f.path, false); err == nil && !info.Same(f.info) {
			err = &fs.PathError{Op: "open", Path: f.path, Err: fs.ErrNotExist}
		}
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// remove deletes a file that is locked for us alone, and the directories that this leaves
// empty, up to the first level of the pattern that has fields.
func (c Config) remove(f *file) error {
	if err := c.Files.Remove(f.path); err != nil {
		return err
	}
	f.removed = true
	levels := c.Pattern.Levels()
	fixed := slices.IndexFunc(levels, pattern.Level.Varies)
	dir := f.path
	for i := len(levels) - 1; fixed >= 0 && i > fixed; i-- {
		dir = dir[:strings.LastIndexByte(dir, '/')]
		if c.Files.Rmdir(filepath.Clean(dir)) != nil {
			break // there is something in it
		}
	}
	return nil
}
