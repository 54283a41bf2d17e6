package rotator

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/logreel/logreel/rotator/files"
)

// A series is the files of one period under Config.Size: "app.log", "app.log.1",
// "app.log.2" and so on. Names with .gz or .zst at their end are files of the
// series that someone has compressed; they are not written any more.
type series struct {
	files files.System
	// numbered is false when every period has one file.
	numbered bool
	// base and number are of the file that was opened last. Nobody goes back behind
	// it, even if it has been moved away or deleted.
	base   string
	number int
}

// opened takes down which file was opened.
func (s *series) opened(base, path string) {
	s.base = base
	s.number, _ = s.parse(filepath.Base(base), filepath.Base(path))
}

// current returns the path to go on with: the highest of the series.
func (s *series) current(base string) (string, error) {
	if !s.numbered {
		return base, nil
	}
	highest, writable, err := s.highest(base)
	if err != nil {
		return "", err
	}
	if !writable {
		highest++
	}
	return numbered(base, highest), nil
}

// next returns the path that follows the live one: the one after it, or the
// highest, where another process has gone further.
func (s *series) next(base, live string) (string, error) {
	if !s.numbered {
		return "", ErrSameName
	}
	path, err := s.current(base)
	if err != nil || path != live {
		return path, err
	}
	n, _ := s.parse(filepath.Base(base), filepath.Base(live))
	return numbered(base, n+1), nil
}

// highest returns the highest number of the series, and whether that file can be
// gone on with. It is 0 when there is none.
func (s *series) highest(base string) (highest int, writable bool, err error) {
	names, err := s.files.Names(filepath.Dir(base))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, false, err
	}
	if highest, writable = 0, true; base == s.base {
		highest = s.number
	}
	for _, name := range names {
		plain := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
		n, ok := s.parse(filepath.Base(base), plain)
		switch {
		case !ok || n < highest:
		case n > highest:
			highest, writable = n, plain == name
		default:
			writable = writable && plain == name
		}
	}
	return highest, writable, nil
}

// parse returns the number of a name in the series: 0 for the base itself.
func (s *series) parse(base, name string) (int, bool) {
	if name == base {
		return 0, true
	}
	digits, ok := strings.CutPrefix(name, base+".")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0 && strconv.Itoa(n) == digits
}

// numbered returns the path of the nth file of a series.
func numbered(base string, n int) string {
	if n == 0 {
		return base
	}
	return base + "." + strconv.Itoa(n)
}
