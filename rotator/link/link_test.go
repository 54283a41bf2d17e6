package link

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/logreel/logreel/rotator/files"
)

// A shared disk is the real file system, on which another process does something before
// the operation of a number, from 1.
type shared struct {
	files.Disk
	at    int
	other func(op string)
	count int
}

func (s *shared) before(op string) {
	if s.count++; s.count == s.at {
		s.other(op)
	}
}

func (s *shared) Stat(path string, follow bool) (files.Info, error) {
	s.before("stat")
	return s.Disk.Stat(path, follow)
}

func (s *shared) Readlink(path string) (string, error) {
	s.before("readlink")
	return s.Disk.Readlink(path)
}

func (s *shared) Symlink(target, path string) error {
	s.before("symlink")
	return s.Disk.Symlink(target, path)
}

func (s *shared) Rename(from, to string) error {
	s.before("rename")
	return s.Disk.Rename(from, to)
}

func (s *shared) Remove(path string) error {
	s.before("remove")
	return s.Disk.Remove(path)
}

// atEveryOperation does something as often as it has operations, each time with another
// process at work before another one of them.
func atEveryOperation(t *testing.T, do func(disk *shared) error, other func(op string), check func(t *testing.T, err error)) {
	t.Helper()
	for n := 1; !t.Failed(); n++ {
		disk := &shared{at: n, other: other}
		err := do(disk)
		if disk.count < n {
			return
		}
		t.Run(fmt.Sprintf("operation %d", n), func(t *testing.T) { check(t, err) })
	}
}

// makeFiles makes files in a new directory: "NAME", or "NAME -> TARGET" for a symlink.
func makeFiles(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		put(t, dir+"/"+name)
	}
	return dir
}

func put(t *testing.T, name string) {
	t.Helper()
	path, target, isLink := strings.Cut(name, " -> ")
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	switch {
	case err != nil:
	case isLink:
		err = errors.Join(os.RemoveAll(path), os.Symlink(target, path))
	default:
		err = os.WriteFile(path, nil, 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// want checks where a link leads, and that nothing is left over beside it.
func want(t *testing.T, name string, targets ...string) {
	t.Helper()
	got, err := os.Readlink(name)
	if !slices.Contains(targets, got) {
		t.Errorf("%s leads to %q, %v, want %q", filepath.Base(name), got, err, targets)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			t.Errorf("%s is left over", entry.Name())
		}
	}
}

var errKilled = errors.New("killed")

// killed sets a link as a process that is killed in the midst of it.
func killed(name, target string) error {
	err := Replace(files.Disk{}, name, func(temporary string) error {
		err := os.Symlink(target, temporary)
		if err == nil {
			err = errKilled
		}
		return err
	})
	if errors.Is(err, errKilled) {
		return nil
	}
	return err
}

// Two processes that set one link at once, be they of one number in two containers, do
// not get into each other's way, be one killed or not.
func TestTwoSetOneLink(t *testing.T) {
	t.Parallel()
	for about, other := range map[string]func(dir string) error{
		"both": func(dir string) error { return Symlink(files.Disk{}, dir+"/link", dir+"/b") },
		"half": func(dir string) error { return killed(dir+"/link", "b") },
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := makeFiles(t, "a", "b")
			atEveryOperation(t, func(disk *shared) error { return Symlink(disk, dir+"/link", dir+"/a") },
				func(string) {
					if err := other(dir); err != nil {
						t.Error(err)
					}
				},
				func(t *testing.T, err error) {
					if err != nil {
						t.Error(err)
					}
					want(t, dir+"/link", "a", "b")
				})
		})
	}
}

// Links in one directory have temporary names of their own: what is made for one does not
// get the name of the other.
func TestTwoLinks(t *testing.T) {
	t.Parallel()
	dir := makeFiles(t, "a", "b")
	atEveryOperation(t, func(disk *shared) error { return Symlink(disk, dir+"/one", dir+"/a") },
		func(string) {
			if err := killed(dir+"/two", "b"); err != nil {
				t.Error(err)
			}
		},
		func(t *testing.T, err error) {
			if got, _ := os.Readlink(dir + "/one"); err != nil || got != "a" {
				t.Errorf("leads to %q, %v", got, err)
			}
			if err := Symlink(files.Disk{}, dir+"/two", dir+"/b"); err != nil {
				t.Error(err)
			}
			want(t, dir+"/two", "b")
		})
}

// A link may have any name that a file may have.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"l", "a link", ".hidden", strings.Repeat("x", 255), strings.Repeat("ü", 127)} {
		dir := makeFiles(t, "a")
		if err := Symlink(files.Disk{}, dir+"/"+name, dir+"/a"); err != nil {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
		if got, err := os.Readlink(dir + "/" + name); got != "a" {
			t.Errorf("%s leads to %q, %v", name, got, err)
		}
	}
}

// Somebody who never lets the link be made is an error in the end.
func TestNeverEnding(t *testing.T) {
	t.Parallel()
	dir := makeFiles(t)
	for _, result := range []error{os.ErrExist, nil} { // it is there always, or never
		makes := 0
		err := Replace(files.Disk{}, dir+"/link", func(string) error {
			makes++
			return result
		})
		if err == nil || makes != attempts {
			t.Errorf("made %d times, %v", makes, err)
		}
	}
}
