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
// other, and its files taken for finished ones. None of them can be a directory of another
// either.
func Check(outputs ...Config) error {
	if len(outputs) == 1 && len(outputs[0].Rotator.Links()) == 0 {
		return nil // nothing is asked of a disk that may hang
	}
	files, links := claims(outputs, resolve)
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
	if err := checkDirectories(append(files, links...)); err != nil {
		return err
	}
	// A link that is there from before has been followed: look at what is written, too.
	files, links = claims(outputs, absolute)
	return checkDirectories(append(files, links...))
}

// checkDirectories returns an error if a path is a directory of another.
func checkDirectories(all []claim) error {
	for i, c := range all {
		for j, other := range all {
			if i != j && c.paths.Above(other.paths) {
				return fmt.Errorf("%s: would be a directory of %s; give another", c.what, other.what)
			}
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

// claims returns what outputs need, in directories that are really where resolve says.
func claims(outputs []Config, resolve func(dir string) string) (files, links []claim) {
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
			if pattern.NamesDirectory(l.Path) {
				continue // rotator.New refuses it
			}
			links = append(links, claim{
				flag: l.Flag, what: fmt.Sprintf("%s=%s", l.Flag, l.Path),
				paths: pattern.Path(l.Path, resolve),
			})
		}
	}
	return files, links
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

// absolute returns a directory as it is written.
func absolute(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		return absolute
	}
	return dir
}

// resolve returns where a directory really is, as far as it is there.
func resolve(dir string) string {
	dir = absolute(dir)
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
