package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// stamps says which of the files of a period lines go into, where one that follows another
// by size is named after the time at which it is begun. Compressed files count too, but no
// more lines go into them.
type stamps struct {
	files   files.System
	pattern *pattern.Pattern
	// last is the path of the file that was opened last. No older one is opened again in its
	// period, even if that file has been moved away or deleted.
	last string
}

// errSameStamp is what next returns while a file that is begun now would have the name of
// the live one, or an older one.
var errSameStamp = errors.New("a file that is begun now would have the same name, or an older one")

func (s *stamps) opened(_ pattern.Period, path string) { s.last = path }

func (s *stamps) vacate(string, string) error { return nil }

// current returns the path of the newest file of the period, or of the one after it if that
// cannot be written. Each run of the program that has files of its own begins a new one.
func (s *stamps) current(period pattern.Period, at time.Time) (string, error) {
	if s.pattern.Runs() {
		return s.pattern.Name(period), nil
	}
	newest, writable, err := s.newest(period)
	switch {
	case err != nil:
		return "", err
	case newest == "":
		return s.pattern.Name(period), nil
	case writable:
		return newest, nil
	}
	for t := at; !period.Over(t); t = t.Add(time.Second) {
		if path := s.pattern.NameAt(t); s.older(newest, path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s cannot be written, and its period has no name after that", newest)
}

// next returns the path that follows the live one: that of the time, or of the newest file
// where another process has gone further.
func (s *stamps) next(live *liveFile, at time.Time) (string, error) {
	path := s.pattern.NameAt(at)
	if !s.older(live.path, path) {
		return "", errSameStamp
	}
	if s.pattern.Runs() {
		return path, nil
	}
	if newest, err := s.current(live.period, at); err != nil || newest != live.path {
		return newest, err
	}
	return path, nil
}

// newest returns the path of the newest file of the period, empty if there is none, and
// whether lines can go into it.
func (s *stamps) newest(period pattern.Period) (newest string, writable bool, err error) {
	base := s.pattern.Name(period)
	names, err := s.files.Names(files.Dir(base))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	writable = true
	if s.in(period, s.last) {
		newest = s.last
	}
	for _, name := range names {
		plain, ending := filename.CutEnding(name)
		path := base[:len(base)-len(filepath.Base(base))] + plain
		switch {
		case path == newest:
			writable = writable && ending == ""
		case s.in(period, path) && (newest == "" || s.older(newest, path)):
			newest, writable = path, ending == ""
		}
	}
	return newest, writable && (newest == "" || free(s.files, newest)), nil
}

// in reports whether a path is that of a file of the period.
func (s *stamps) in(period pattern.Period, path string) bool {
	begun, err := s.pattern.Parse(path)
	return err == nil && !begun.Start.Before(period.Start) && !period.Over(begun.Start)
}

// older reports whether the name of a file tells an earlier time than that of another.
func (s *stamps) older(path, than string) bool {
	a, err := s.pattern.Parse(path)
	b, err2 := s.pattern.Parse(than)
	return err == nil && err2 == nil && a.Start.Before(b.Start)
}
