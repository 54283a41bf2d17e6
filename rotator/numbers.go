package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// numbers says which of the numbered files of a period lines go into, under Config.Size.
// Compressed files count too, but no more lines go into them.
type numbers struct {
	files   files.System
	pattern *pattern.Pattern
	// given is false when every period has one file.
	given bool
	// base and last are the name and the number of the file that was opened last. No
	// lower number is used again, even if that file has been moved away or deleted.
	base string
	last int
}

// opened notes which file was opened.
func (n *numbers) opened(period pattern.Period, path string) {
	n.base = n.pattern.Name(period)
	n.last, _ = numberOf(filepath.Base(n.base), filepath.Base(path))
}

func (n *numbers) vacate(string, string) error { return nil }

// current returns the path to go on with: that of the highest number, or the one after
// it if that cannot be written. None comes after the last number, which takes all.
func (n *numbers) current(period pattern.Period, _ time.Time) (string, error) {
	base := n.pattern.Name(period)
	if !n.given {
		return base, nil
	}
	highest, writable, err := n.highest(base)
	if err != nil {
		return "", err
	}
	if !writable && highest < filename.LastNumber {
		highest++
	}
	return filename.Numbered(base, highest), nil
}

// next returns the path that follows the live one: that of the next number, or of the
// highest where another process has gone further.
func (n *numbers) next(live *liveFile, at time.Time) (string, error) {
	if !n.given {
		return "", ErrSameName
	}
	path, err := n.current(live.period, at)
	if err != nil || path != live.path {
		return path, err
	}
	base := n.pattern.Name(live.period)
	number, _ := numberOf(filepath.Base(base), filepath.Base(live.path))
	if number == filename.LastNumber {
		return "", fmt.Errorf("%s has the last number", live.path)
	}
	return filename.Numbered(base, number+1), nil
}

// highest returns the highest number that the base has, 0 when there is none, and whether
// lines can go into its file.
func (n *numbers) highest(base string) (highest int, writable bool, err error) {
	names, err := n.files.Names(files.Dir(base))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, false, err
	}
	if highest, writable = 0, true; base == n.base {
		highest = n.last
	}
	for _, name := range names {
		plain, ending := filename.CutEnding(name)
		number, ok := numberOf(filepath.Base(base), plain)
		switch {
		case !ok || number < highest:
		case number > highest:
			highest, writable = number, ending == ""
		default:
			writable = writable && ending == ""
		}
	}
	return highest, writable && free(n.files, filename.Numbered(base, highest)), nil
}

// free reports whether a path can be opened to append to, judging by what is there: if
// it is anything, it has to be a file. A fault that may pass, such as that of a disk, is
// left to whoever opens the file.
func free(system files.System, path string) bool {
	info, err := system.Stat(path, true)
	if err != nil {
		return !errors.Is(err, unix.ELOOP)
	}
	return info.Regular || info.Character
}

// numberOf returns the number of a name: 0 for the base itself.
func numberOf(base, name string) (int, bool) {
	if name == base {
		return 0, true
	}
	cut, number := filename.CutNumber(name)
	return number, number > 0 && cut == base
}
