package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/series"
)

// numbers says which file of a series lines go into, under Config.Size. Files that
// someone has compressed are of the series too, but are not written any more.
type numbers struct {
	files files.System
	// given is false when every period has one file.
	given bool
	// base and last are of the file that was opened last. Nobody goes back behind it,
	// even if it has been moved away or deleted.
	base string
	last int
}

// opened takes down which file was opened.
func (n *numbers) opened(base, path string) {
	n.base = base
	n.last, _ = numberOf(filepath.Base(base), filepath.Base(path))
}

// current returns the path to go on with: the highest of the series, or the one after
// it. Behind the last number there is none, so that one takes whatever comes.
func (n *numbers) current(base string) (string, error) {
	if !n.given {
		return base, nil
	}
	highest, writable, err := n.highest(base)
	if err != nil {
		return "", err
	}
	if !writable && highest < series.Last {
		highest++
	}
	return series.Name(base, highest), nil
}

// next returns the path that follows the live one: the one after it, or the
// highest, where another process has gone further.
func (n *numbers) next(base, live string) (string, error) {
	if !n.given {
		return "", ErrSameName
	}
	path, err := n.current(base)
	if err != nil || path != live {
		return path, err
	}
	number, _ := numberOf(filepath.Base(base), filepath.Base(live))
	if number == series.Last {
		return "", fmt.Errorf("%s has the last number", live)
	}
	return series.Name(base, number+1), nil
}

// highest returns the highest number of the series, and whether that file can be
// gone on with. It is 0 when there is none.
func (n *numbers) highest(base string) (highest int, writable bool, err error) {
	names, err := n.files.Names(files.Dir(base))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, false, err
	}
	if highest, writable = 0, true; base == n.base {
		highest = n.last
	}
	for _, name := range names {
		plain, ending := series.CutEnding(name)
		number, ok := numberOf(filepath.Base(base), plain)
		switch {
		case !ok || number < highest:
		case number > highest:
			highest, writable = number, ending == ""
		default:
			writable = writable && ending == ""
		}
	}
	return highest, writable && n.free(series.Name(base, highest)), nil
}

// free reports whether a path can be opened to append to, as far as what is there tells:
// nothing but a file can. What may be over soon, such as a disk that fails, is for who
// opens it to say.
func (n *numbers) free(path string) bool {
	info, err := n.files.Stat(path, true)
	if err != nil {
		return !errors.Is(err, unix.ELOOP)
	}
	return info.Regular || info.Character
}

// numberOf returns the number of a name in a series: 0 for the base itself.
func numberOf(base, name string) (int, bool) {
	if name == base {
		return 0, true
	}
	cut, number := series.CutNumber(name)
	return number, number > 0 && cut == base
}
