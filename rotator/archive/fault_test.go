package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

var (
	// errKilled is what everything fails with after the process was killed.
	errKilled = errors.New("killed")
	// errShort has a write write half of what it is given.
	errShort = errors.New("short write")
)

// A scene is a fixture with files in every state, of which each line is to be found again.
type scene struct {
	*fixture
	foreign map[string]string // what each of them is, by name
}

// lines returns lines that are of one file only.
func lines(name string, numbers ...int) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, "%s line %d\n", name, n)
	}
	return b.String()
}

func newScene(t *testing.T) *scene {
	s := &scene{fixture: newFixture(t, "%Y/%m-%d.log")}
	s.KeepAge, s.Compress = age(t, "5d"), stored
	s.put("2026/11-14.log", "2025/12-31.log.gz", "2026/11-13.log.3")
	s.write("2026/11-17.log.gz", packed(t, lines("17", 1, 2)))
	s.write("2026/11-17.log", lines("17", 3, 4))
	s.write("2026/11-18.log", lines("18", 1, 2, 3, 4))
	s.write("2026/.11-18.log.gz.tmp", packed(t, lines("18", 1, 2))[:25]+strings.Repeat("rest of a longer one", 50))
	s.write("2026/11-19.log.gz", packed(t, lines("19", 1)))
	s.write("2026/.11-19.log.gz.tmp", packed(t, lines("19", 1))+packed(t, lines("19", 2, 3)))
	s.write("2026/.11-19.log.gz.done", lines("19", 2, 3))
	s.write("2026/11-19.log", lines("19", 4))
	s.write("2026/11-20.log.gz", packed(t, lines("20", 1, 2))+packed(t, lines("20", 3, 4)))
	s.write("2026/.11-20.log.gz.done", lines("20", 3, 4))
	s.write("2026/11-21.log", lines("21", 1, 2, 3, 4))
	s.write("2026/11-21.log.1", lines("live", 1, 2, 3, 4))
	names := []string{"target", "2026/11-12.log -> ../target", "2026/11-11.log/", "2026/11-10.log.bak", "2026/11-10.log.01", "2026/notes.gz",
		"2026/.11-09.log.zip.tmp", "2027/01-01.log", "2026/11-22.log.gz"}
	s.put(names...)
	s.foreign = map[string]string{}
	for _, name := range names {
		name, _, _ = strings.Cut(name, " -> ")
		s.foreign[name] = s.identity(name)
	}
	return s
}

// identity tells a file from any other.
func (s *scene) identity(name string) string {
	s.t.Helper()
	info, err := files.Disk{}.Stat(s.path(name), false)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.Inode, info.Size, info.Mode, info.Modified, info.Symlink, info.Directory)
}

// check compares what is there in the end, if it is the end.
func (s *scene) check(what string, end bool) {
	s.t.Helper()
	for name, identity := range s.foreign {
		if got := s.identity(name); got != identity {
			s.t.Errorf("%s: %s was touched: %s, it was %s", what, name, got, identity)
		}
	}
	for name, base := range map[string]string{"17": "2026/11-17.log", "18": "2026/11-18.log", "19": "2026/11-19.log", "20": "2026/11-20.log", "21": "2026/11-21.log", "live": "2026/11-21.log.1"} {
		got := slices.Concat(logged(s.t, s.path(base+".gz")), logged(s.t, s.path(base)), logged(s.t, s.path(filename.Hidden(base, ".gz.done"))))
		want := strings.SplitAfter(strings.TrimSuffix(lines(name, 1, 2, 3, 4), "\n"), "\n")
		if !end { // there may be both
			slices.Sort(got)
			got = slices.Compact(got)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], "\n")
			}
			for i := range want {
				want[i] = strings.TrimSuffix(want[i], "\n")
			}
			got = slices.Compact(got)
		}
		if !slices.Equal(got, want) {
			s.t.Errorf("%s: of %s, got %q", what, base, got)
		}
	}
	if !end {
		return
	}
	want := []string{"2026/", "2026/11-17.log.gz", "2026/11-18.log.gz", "2026/11-19.log.gz", "2026/11-20.log.gz", "2026/11-21.log.gz", "2026/11-21.log.1", "2027/"}
	for name := range s.foreign {
		want = append(want, name)
	}
	slices.Sort(want)
	// An empty directory stays when it could not be removed together with its last file.
	got := slices.DeleteFunc(s.tree(), func(name string) bool { return name == "2025/" })
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: got %q\nwant %q", what, got, want)
	}
	for _, name := range want {
		if info, err := os.Stat(s.path(name)); strings.HasPrefix(name, "2026/11-1") && strings.HasSuffix(name, ".log.gz") &&
			(err != nil || info.Mode() != 0o640 || !info.ModTime().Equal(written)) {
			s.t.Errorf("%s: %s has lost mode or time: %v, %v", what, name, info, err)
		}
	}
}

// Whatever operation of a pass fails, in whatever way, once or for good, or is the last
// one before the process is killed: after one more pass each line is there once, and
// nothing foreign was touched.
func TestEveryOperationFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err   error
		times int
	}{{unix.ENOSPC, 1}, {unix.EIO, 1}, {unix.EIO, 1 << 30}, {unix.EACCES, 1}, {errShort, 1}, {errKilled, 1}} {
		t.Run(fmt.Sprintf("%v, %d in a row", test.err, test.times), func(t *testing.T) {
			t.Parallel()
			pass := func(n int) *faultyDisk {
				s := newScene(t)
				disk := &faultyDisk{at: func(m int, _ string) error {
					if n <= m && m < n+test.times {
						return test.err
					}
					return nil
				}}
				s.Files = disk
				s.run().check(fmt.Sprintf("operation %d", n), false)
				if open := len(disk.open); open > 0 {
					t.Errorf("operation %d: %d files are left open", n, open)
				}
				s.Files = &faultyDisk{at: fine}
				s.run().check(fmt.Sprintf("operation %d, and one more pass", n), true)
				return disk
			}
			ops := pass(1 << 30).ops
			if len(ops) < 100 {
				t.Errorf("a pass has %d operations only", len(ops))
			}
			for n, op := range ops {
				if one := test.times == 1 && test.err != errShort && test.err != errKilled; (one || changes(op)) && !t.Failed() {
					pass(n + 1)
				}
			}
		})
	}
}

func (s *scene) run() *scene {
	s.fixture.run()
	return s
}

// changes reports whether an operation leaves something on the disk. To be killed before
// any other is to be killed before the next one that does.
func changes(op string) bool {
	return slices.Contains([]string{"create", "symlink", "write", "truncate", "chmod", "utimes", "rename", "remove", "rmdir"}, op)
}

// Whatever operation fails while a file is handed on, it is handed on, at the latest by
// the next pass; and once only, unless the mark could not be removed.
func TestEveryOperationOfTheHookFails(t *testing.T) { // not parallel: it forks
	for _, err := range []error{unix.EIO, errKilled} {
		t.Run(err.Error(), func(t *testing.T) {
			everyOperation(t, func(n int) *faultyDisk {
				fx := newFixture(t, daily)
				fx.Exec, fx.Compress, fx.KeepCount = `echo "${1##*/}" >>`+fx.path("called"), stored, 1
				fx.put("2026-11-19.log", yesterday, ".2026-11-19.log.pending", ".2026-11-20.log.pending", "2026-11-21.log", ".2026-11-21.log.pending")
				var called string
				disk := &faultyDisk{at: func(m int, op string) error {
					if n == m {
						called = readAll(t, fx.path("called"))
						return err
					}
					return nil
				}}
				fx.Files = disk
				fx.run()
				fx.Files, fx.First = &faultyDisk{at: fine}, true
				fx.run().run()
				// What could not be compressed is handed on as it is.
				got := strings.Fields(strings.ReplaceAll(readAll(t, fx.path("called")), ".gz", ""))
				want := []string{"2026-11-19.log", "2026-11-20.log"}
				again := len(got) == 3 && called != ""
				if unique := slices.Compact(slices.Sorted(slices.Values(got))); !slices.Equal(unique, want) || len(got) > 2 && !again {
					t.Errorf("operation %d: called for %q, %q; said %q", n, got, called, fx.said)
				}
				names := fx.tree()
				if want := []string{".2026-11-21.log.pending", yesterday + ".gz", "2026-11-21.log", "called"}; !slices.Equal(names, want) {
					t.Errorf("operation %d: there are %q", n, names)
				}
				return disk
			})
		})
	}
}

// While the command of another pass runs for a file, it is neither compressed nor deleted.
func TestNotWhileHandedOn(t *testing.T) {
	t.Parallel()
	for _, change := range []func(c *Config){
		func(c *Config) { c.Compress = stored },
		func(c *Config) { c.KeepAge = age(t, "1h") },
	} {
		fx := newFixture(t, daily)
		change(&fx.Config)
		fx.put(yesterday, "."+yesterday+".pending")
		mark, err := files.Disk{}.ReadToLock(fx.path("." + yesterday + ".pending"))
		if err == nil {
			err = mark.Lock(true)
		}
		if err != nil {
			t.Fatal(err)
		}
		fx.run().want(yesterday, "."+yesterday+".pending")
		fx.wantQuiet()
		if err := mark.Close(); err != nil {
			t.Fatal(err)
		}
		if fx.run(); slices.Contains(fx.tree(), yesterday) {
			t.Errorf("there are %q", fx.tree())
		}
	}
}

// A directory that can be read in part only tells nothing: a mark may be missing.
func TestListingFails(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Exec, fx.Files = 1, "exit 0", half{files.Disk{}}
	fx.put("2026-11-18.log", yesterday, ".2026-11-18.log.pending", ".zzz")
	before := fx.tree()
	fx.run().want(before...)
	fx.wantSaid("warning: ", "input/output error")
}

// half is a file system on which reading a directory fails halfway.
type half struct{ files.Disk }

func (h half) Names(dir string) ([]string, error) {
	names, err := h.Disk.Names(dir)
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") })
	return names, errors.Join(err, &fs.PathError{Op: "read", Path: dir, Err: unix.EIO})
}

// A temporary file that looked like one left behind, but has been renamed and made anew
// since, is somebody's.
func TestTemporaryMadeAnew(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.Compress = stored
	temporary := fx.path("." + yesterday + ".gz.tmp")
	fx.write("."+yesterday+".gz.tmp", packed(t, "first\n"))
	var other files.File
	fx.Files = &faultyDisk{at: func(_ int, op string) error {
		if op != "lock" || other != nil {
			return nil
		}
		err := os.Rename(temporary, fx.path(yesterday+".gz"))
		if err == nil {
			other, err = files.Disk{}.Temporary(temporary)
		}
		if err == nil {
			err = other.Lock(true)
		}
		return err
	}}
	fx.run().want("."+yesterday+".gz.tmp", yesterday+".gz")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	fx.run().want(yesterday + ".gz")
}

// A mark that cannot be made is an error.
func TestMarkFails(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	for n := range 2 {
		disk := &faultyDisk{at: func(m int, _ string) error {
			if m == n+1 {
				return unix.EACCES
			}
			return nil
		}}
		if err := Mark(disk, fx.path(yesterday)); !errors.Is(err, syscall.EACCES) {
			t.Errorf("operation %d: got %v", n+1, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(fx.dir, "."+yesterday+".pending")); err != nil {
		t.Error(err)
	}
}
