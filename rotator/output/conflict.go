package output

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
)

// Check returns an error if a file of an output can have a name that another one needs:
// another output's file, or a link's. Then lines of one would be appended to files of the
// other, and its files taken for finished ones.
func Check(outputs ...Config) error {
	if len(outputs) == 1 && len(outputs[0].Rotator.Links()) == 0 {
		return nil // nothing is asked of a disk that may hang
	}
	var files, links []claim
	for _, c := range outputs {
		if c.Stdout != nil {
			continue
		}
		names := c.Rotator.Pattern
		files = append(files, claim{
			what: c.Name,
			paths: names.Paths(resolve, pattern.Derived{
				Numbered: c.Rotator.Size > 0, Endings: filename.Endings(), Marks: filename.HiddenEndings(),
			}),
		})
		for _, l := range c.Rotator.Links() {
			links = append(links, claim{
				flag: l.Flag, what: fmt.Sprintf("%s=%s", l.Flag, l.Path),
				paths: pattern.Path(l.Path, resolve),
			})
		}
	}
	for i, f := range files {
		if other, ok := f.among(files[:i]); ok {
			return fmt.Errorf("%s and %s can give files of the same name; write something else into one of them, such as error-%%F.log", other.what, f.what)
		}
	}
	for i, l := range links {
		if other, ok := l.among(links[:i]); ok {
			return fmt.Errorf("%s: is already the path of %s; give another", l.what, other.flag)
		}
		if other, ok := l.among(files); ok {
			return fmt.Errorf("%s: %s can give a file that name, with a number, an ending or a mark perhaps; give another", l.what, other.what)
		}
	}
	return nil
}

// A claim is a set of paths that something needs for itself.
type claim struct {
	what  string
	flag  string // of a link
	paths *pattern.Paths
}

// among returns the first of some claims that overlaps.
func (c claim) among(others []claim) (claim, bool) {
	for _, other := range others {
		if c.paths.Overlap(other.paths) {
			return other, true
		}
	}
	return claim{}, false
}

// resolve returns where a directory really is, as far as it is there.
func resolve(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	missing := ""
	for at := dir; ; at = filepath.Dir(at) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(real, missing)
		}
		if !os.IsNotExist(err) || at == filepath.Dir(at) {
			return dir
		}
		missing = filepath.Join(filepath.Base(at), missing)
	}
}
