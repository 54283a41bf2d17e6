package link

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// A symlink follows a file to the name that it has since it was compressed, and nothing
// else is touched.
func TestFollow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about string
		files []string
		want  string // target of prev; empty if that is no symlink
	}{
		{"compressed", []string{"logs/a.gz", "prev -> logs/a"}, "logs/a.gz"},
		{"compressed by zstd", []string{"logs/a.zst", "prev -> logs/a"}, "logs/a.zst"},
		{"by both, at last by zstd", []string{"logs/a.gz", "logs/a.zst", "prev -> logs/a"}, "logs/a.zst"},
		{"by both, at last by gzip", []string{"logs/a.zst", "logs/a.gz", "prev -> logs/a"}, "logs/a.gz"},
		{"through a directory that is a symlink", []string{"far/logs/a.gz", "here -> far/logs", "prev -> here/../logs/a"}, "here/../logs/a.gz"},
		{"not yet", []string{"logs/a", "prev -> logs/a"}, "logs/a"},
		{"lines have come since", []string{"logs/a", "logs/a.gz", "prev -> logs/a"}, "logs/a"},
		{"deleted", []string{"logs/b.gz", "prev -> logs/a"}, "logs/a"},
		{"already", []string{"logs/a.gz", "prev -> logs/a.gz"}, "logs/a.gz"},
		{"a directory of that name", []string{"logs/a.gz/b", "prev -> logs/a"}, "logs/a"},
		{"no link", []string{"logs/a.gz"}, ""},
		{"a file", []string{"logs/a.gz", "prev"}, ""},
		{"a directory", []string{"logs/a.gz", "prev/a"}, ""},
	} {
		dir := makeFiles(t, test.files...)
		for i, name := range test.files { // the last was changed last
			at := time.Unix(int64(i), 0)
			if err := os.Chtimes(dir+"/"+name, at, at); err != nil && !strings.Contains(name, " -> ") {
				t.Fatal(err)
			}
		}
		before, _ := os.Lstat(dir + "/prev")
		if err := Follow(files.Disk{}, dir+"/prev"); err != nil {
			t.Errorf("%s: %v", test.about, err)
		}
		got, _ := os.Readlink(dir + "/prev")
		after, _ := os.Lstat(dir + "/prev")
		if got != test.want || test.want == "" && before != nil && !os.SameFile(before, after) {
			t.Errorf("%s: leads to %q, want %q", test.about, got, test.want)
		}
	}
}

// An absolute symlink stays absolute.
func TestFollowAbsolute(t *testing.T) {
	t.Parallel()
	dir := makeFiles(t, "logs/a.gz")
	put(t, dir+"/prev -> "+dir+"/logs/a")
	if err := Follow(files.Disk{}, dir+"/prev"); err != nil {
		t.Error(err)
	}
	want(t, dir+"/prev", dir+"/logs/a.gz")
}

// A file is compressed at any moment while a link is pointed to it, and who does that has
// the link follow it: in the end it leads to what is there, whoever was first.
func TestFinishedWhileCompressed(t *testing.T) {
	t.Parallel()
	for _, half := range []bool{false, true} { // or gone already, with the other not there yet
		dir := makeFiles(t)
		begin := func() {
			put(t, dir+"/a")
			put(t, dir+"/prev -> b")
			if half {
				if err := os.Rename(dir+"/a", dir+"/.hidden"); err != nil {
					t.Fatal(err)
				}
			}
		}
		begin()
		atEveryOperation(t, func(disk *shared) error { return Finished(disk, dir+"/prev", dir+"/a") },
			func(string) {
				from := "a"
				if half {
					from = ".hidden"
				}
				if err := errors.Join(os.Rename(dir+"/"+from, dir+"/a.gz"), Follow(files.Disk{}, dir+"/prev")); err != nil {
					t.Error(err)
				}
			},
			func(t *testing.T, err error) {
				if err != nil {
					t.Error(err)
				}
				want(t, dir+"/prev", "a.gz")
				if err := os.Remove(dir + "/a.gz"); err != nil {
					t.Fatal(err)
				}
				begin()
			})
	}
}

// A link that is set meanwhile is not taken back.
func TestFollowWhileSet(t *testing.T) {
	t.Parallel()
	dir := makeFiles(t, "a.gz", "b", "prev -> a")
	set := 0
	atEveryOperation(t, func(disk *shared) error { return Follow(disk, dir+"/prev") },
		func(string) {
			set++
			if err := Finished(files.Disk{}, dir+"/prev", dir+"/b"); err != nil {
				t.Error(err)
			}
		},
		func(t *testing.T, err error) {
			if err != nil {
				t.Error(err)
			}
			want(t, dir+"/prev", "b")
			put(t, dir+"/prev -> a")
		})
	if set < 5 {
		t.Errorf("%d operations only", set)
	}
}

// What was deleted before the link is set is like what is deleted after that.
func TestFinishedAndGone(t *testing.T) {
	t.Parallel()
	dir := makeFiles(t, "b", "prev -> b")
	if err := Finished(files.Disk{}, dir+"/prev", dir+"/a"); err != nil {
		t.Error(err)
	}
	want(t, dir+"/prev", "a")
}

// A link to a file that was compressed before leads nowhere at no moment.
func TestFinishedAtOnce(t *testing.T) {
	t.Parallel()
	dir := makeFiles(t, "a.gz", "b", "prev -> b")
	atEveryOperation(t, func(disk *shared) error { return Finished(disk, dir+"/prev", dir+"/a") },
		func(op string) {
			if _, err := os.Stat(dir + "/prev"); err != nil {
				t.Errorf("before %s: %v", op, err)
			}
		},
		func(t *testing.T, err error) {
			if err != nil {
				t.Error(err)
			}
			want(t, dir+"/prev", "a.gz")
			put(t, dir+"/prev -> b")
		})
}

// A symlink is relative where that leads to the file.
func TestTargets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about, name, path string
		want              string // DIR stands for the directory
	}{
		{"beside it", "prev", "a", "a"},
		{"below", "prev", "logs/a", "logs/a"},
		{"elsewhere", "links/prev", "logs/a", "../logs/a"},
		{"a file that is gone", "links/prev", "logs/gone", "../logs/gone"},
		{"astray", "away/prev", "a", "DIR/a"},
		{"astray to other logs", "away/prev", "logs/a", "DIR/logs/a"},
		{"a path that leaves a symlink", "prev", "away/../logs/a", "DIR/away/../logs/a"},
	} {
		// From away/.. one comes to far, where there are other logs.
		dir := makeFiles(t, "a", "logs/a", "links/b", "far/links/b", "far/logs/a", "away -> far/links")
		if err := Symlink(files.Disk{}, dir+"/"+test.name, dir+"/"+test.path); err != nil {
			t.Errorf("%s: %v", test.about, err)
		}
		if got, err := os.Readlink(dir + "/" + test.name); got != strings.ReplaceAll(test.want, "DIR", dir) {
			t.Errorf("%s: got %q, %v, want %s", test.about, got, err, test.want)
		}
	}
}
