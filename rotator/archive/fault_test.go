package archive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	fast "github.com/klauspost/compress/gzip"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

var (
	// errKilled is what everything fails with after the process was killed.
	errKilled = errors.New("killed")
	// errShort has a write write half of what it is given.
	errShort = errors.New("short write")
)

// A faultyDisk is the real file system, on which something happens before an operation:
// an error, or the work of another process. Nothing is synced, since nothing crashes.
type faultyDisk struct {
	files.Disk
	// at is called with the number of an operation, from 1, and returns what it fails
	// with.
	at    func(n int, op string) error
	count int
	ops   []string
	dead  bool
	open  []*faultyFile
}

// before counts an operation.
func (d *faultyDisk) before(op, path string) error {
	if d.dead {
		return errKilled
	}
	d.count++
	d.ops = append(d.ops, op)
	err := d.at(d.count, op)
	if err == nil || err == errShort {
		return err
	}
	if err == errKilled && op != "write" {
		d.kill()
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// kill does to open files what the end of a process does.
func (d *faultyDisk) kill() {
	d.dead = true
	for _, f := range d.open {
		_ = f.File.Close()
	}
	d.open = nil
}

func (d *faultyDisk) opened(path string, f files.File, err error) (files.File, error) {
	if err != nil {
		return nil, err
	}
	file := &faultyFile{f, d, path}
	d.open = append(d.open, file)
	return file, nil
}

func (d *faultyDisk) Read(path string) (files.File, error) {
	if err := d.before("open", path); err != nil {
		return nil, err
	}
	f, err := d.Disk.Read(path)
	return d.opened(path, f, err)
}

func (d *faultyDisk) Temporary(path string) (files.File, error) {
	if err := d.before("create", path); err != nil {
		return nil, err
	}
	f, err := d.Disk.Temporary(path)
	return d.opened(path, f, err)
}

func (d *faultyDisk) Stat(path string, follow bool) (files.Info, error) {
	if err := d.before("stat", path); err != nil {
		return files.Info{}, err
	}
	return d.Disk.Stat(path, follow)
}

func (d *faultyDisk) Names(dir string) ([]string, error) {
	if err := d.before("list", dir); err != nil {
		return nil, err
	}
	return d.Disk.Names(dir)
}

func (d *faultyDisk) Readlink(path string) (string, error) {
	if err := d.before("readlink", path); err != nil {
		return "", err
	}
	return d.Disk.Readlink(path)
}

func (d *faultyDisk) Symlink(target, path string) error {
	if err := d.before("symlink", path); err != nil {
		return err
	}
	return d.Disk.Symlink(target, path)
}

func (d *faultyDisk) Rename(from, to string) error {
	if err := d.before("rename", from); err != nil {
		return err
	}
	return d.Disk.Rename(from, to)
}

func (d *faultyDisk) Remove(path string) error {
	if err := d.before("remove", path); err != nil {
		return err
	}
	return d.Disk.Remove(path)
}

func (d *faultyDisk) Rmdir(path string) error {
	if err := d.before("rmdir", path); err != nil {
		return err
	}
	return d.Disk.Rmdir(path)
}

func (d *faultyDisk) SyncDir(path string) error { return d.before("syncdir", path) }

func (d *faultyDisk) SetTimes(path string, accessed, modified time.Time) error {
	if err := d.before("utimes", path); err != nil {
		return err
	}
	return d.Disk.SetTimes(path, accessed, modified)
}

func (d *faultyDisk) Space(path string) (size, free int64, err error) {
	if err := d.before("statfs", path); err != nil {
		return 0, 0, err
	}
	return d.Disk.Space(path)
}

type faultyFile struct {
	files.File
	disk *faultyDisk
	path string
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.disk.before("read", f.path); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// Write writes half when it is cut short, or the process killed meanwhile.
func (f *faultyFile) Write(p []byte) (int, error) {
	err := f.disk.before("write", f.path)
	half := p[:(len(p)+1)/2]
	switch {
	case err == errShort:
		return f.File.Write(half)
	case errors.Is(err, errKilled) && !f.disk.dead:
		_, writeErr := f.File.Write(half)
		f.disk.kill()
		return 0, errors.Join(err, writeErr)
	case err != nil:
		return 0, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Truncate() error {
	if err := f.disk.before("truncate", f.path); err != nil {
		return err
	}
	return f.File.Truncate()
}

func (f *faultyFile) Sync() error { return f.disk.before("sync", f.path) }

func (f *faultyFile) Chmod(mode uint32) error {
	if err := f.disk.before("chmod", f.path); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

func (f *faultyFile) Chown(uid, gid int) error {
	if err := f.disk.before("chown", f.path); err != nil {
		return err
	}
	return f.File.Chown(uid, gid)
}

func (f *faultyFile) Info() (files.Info, error) {
	if err := f.disk.before("fstat", f.path); err != nil {
		return files.Info{}, err
	}
	return f.File.Info()
}

func (f *faultyFile) Lock(alone bool) error {
	if err := f.disk.before("lock", f.path); err != nil {
		return err
	}
	return f.File.Lock(alone)
}

// Close closes all the same when it fails, as the system call does.
func (f *faultyFile) Close() error {
	if f.disk.dead {
		return errKilled
	}
	err := f.disk.before("close", f.path)
	if f.disk.dead {
		return err
	}
	f.disk.open = slices.DeleteFunc(f.disk.open, func(other *faultyFile) bool { return other == f })
	return errors.Join(err, f.File.Close())
}

// stored is gzip that takes next to no time.
var stored = &Format{
	Name: "gzip", Ending: ".gz", reader: formats[0].reader,
	writer: func(w io.Writer) (io.WriteCloser, error) { return fast.NewWriterLevel(w, fast.StatelessCompression) },
}

// logged returns the lines of a file, compressed or not, by the standard library.
func logged(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && strings.HasSuffix(path, ".gz") {
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(content)); err == nil {
			content, err = io.ReadAll(r)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(content), "\n"), "\n")
}

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

// packed returns a text compressed.
func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := stored.writer(&b)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
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

// everyOperation makes passes of which operation n fails, for every n. It returns how
// many there are.
func everyOperation(t *testing.T, pass func(n int) *faultyDisk) int {
	t.Helper()
	for n := 1; !t.Failed(); n++ {
		if disk := pass(n); disk.count < n {
			return n - 1
		}
	}
	return 0
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

func fine(int, string) error { return nil }

// A late logreel has lines for a file whose period is over. It opens and locks the file
// as the rotator does.
type late struct {
	t    *testing.T
	path string
	file files.File
}

// open opens the file, if nobody has it to himself.
func (l *late) open() {
	if l.file != nil {
		return
	}
	f, err := files.Disk{}.Open(l.path, true, 0o640)
	if err != nil {
		l.t.Fatal(err)
	}
	lock := f.Lock(false)
	info, err := f.Info()
	at, gone := files.Disk{}.Stat(l.path, true)
	if lock != nil || err != nil || gone != nil || !at.Same(info) {
		if err := f.Close(); err != nil {
			l.t.Fatal(err)
		}
		return
	}
	l.file = f
}

// write writes a line and ends, if the file is open. It reports whether it is.
func (l *late) write(line string) bool {
	if l.file == nil {
		return false
	}
	if _, err := l.file.Write([]byte(line)); err != nil {
		l.t.Fatal(err)
	}
	if err := l.file.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.file = nil
	return true
}

const yesterday = "2026-11-20.log"

// newLate returns a fixture with yesterday's file, of which a pass that was killed had
// compressed a part, and one before it another part if withArchive is set.
func newLate(t *testing.T, withArchive bool) (*fixture, *late) {
	fx := newFixture(t, daily)
	fx.Compress = stored
	fx.write("."+yesterday+".gz.tmp", packed(t, "first\n")[:25])
	if withArchive {
		fx.write(yesterday+".gz", packed(t, "first\n"))
		fx.write(yesterday, "second\n")
	} else {
		fx.write(yesterday, "first\nsecond\n")
	}
	return fx, &late{t: t, path: fx.path(yesterday)}
}

// ended makes passes without faults and compares the lines.
func (fx *fixture) ended(what string, want ...string) {
	fx.t.Helper()
	fx.Files = &faultyDisk{at: fine}
	fx.run()
	if got := strings.Join(logged(fx.t, fx.path(yesterday+".gz")), ""); got != strings.TrimSuffix(strings.Join(want, ""), "\n") {
		fx.t.Errorf("%s: got %q, want %q; said %q", what, got, want, fx.said)
	}
	if names := fx.tree(); len(names) != 1 {
		fx.t.Errorf("%s: there are %q", what, names)
	}
}

// A logreel that opens a file at any operation of a pass, and writes to it at any other
// or when the pass has ended, loses no line.
func TestLateWriterAtEveryOperation(t *testing.T) {
	t.Parallel()
	for _, withArchive := range []bool{false, true} {
		t.Run(fmt.Sprintf("archive %v", withArchive), func(t *testing.T) {
			t.Parallel()
			try := func(opens, writes int) *faultyDisk {
				fx, writer := newLate(t, withArchive)
				done := false
				disk := &faultyDisk{at: func(n int, _ string) error {
					if n >= opens && !done {
						writer.open()
					}
					if n >= writes && !done {
						done = writer.write("third\n")
					}
					return nil
				}}
				fx.Files = disk
				fx.run()
				if !done {
					writer.open()
					if !writer.write("third\n") {
						t.Fatal("the lock was not let go")
					}
				}
				fx.ended(fmt.Sprintf("opened at %d, written to at %d", opens, writes), "first\n", "second\n", "third\n")
				return disk
			}
			everyOperation(t, func(opens int) *faultyDisk {
				disk := try(opens, 1<<30)
				for n := opens; n <= disk.count && !t.Failed(); n++ {
					if looks(disk.ops[n-1]) {
						try(opens, n)
					}
				}
				return disk
			})
		})
	}
}

// looks reports whether an operation tells whether lines were written, or makes use of
// it. To write before any other is to write before the next one that does.
func looks(op string) bool {
	return slices.Contains([]string{"list", "stat", "fstat", "open", "read", "lock", "rename", "remove"}, op)
}

// Two passes at once, of which one makes its way at any operation of the other, and
// either is killed at any operation, lose and double no line.
func TestTwoPassesAtEveryOperation(t *testing.T) {
	t.Parallel()
	for _, withArchive := range []bool{false, true} {
		for _, killed := range []string{"inner", "outer"} {
			t.Run(fmt.Sprintf("archive %v, the %s one is killed", withArchive, killed), func(t *testing.T) {
				t.Parallel()
				try := func(at, dies int) (outer, inner *faultyDisk) {
					fx, _ := newLate(t, withArchive)
					other := fx.Config
					inner = &faultyDisk{at: func(n int, _ string) error {
						if killed == "inner" && n == dies {
							return errKilled
						}
						return nil
					}}
					other.Files = inner
					outer = &faultyDisk{at: func(n int, _ string) error {
						if n == at {
							Run(other)
						}
						if killed == "outer" && n == dies {
							return errKilled
						}
						return nil
					}}
					fx.Files = outer
					fx.run().ended(fmt.Sprintf("the inner pass at %d, the %s one killed at %d", at, killed, dies), "first\n", "second\n")
					return outer, inner
				}
				everyOperation(t, func(at int) *faultyDisk {
					outer, inner := try(at, 0)
					victim, from := inner, 1
					if killed == "outer" {
						victim, from = outer, at
					}
					for dies := from; dies <= victim.count && !t.Failed(); dies++ {
						if changes(victim.ops[dies-1]) {
							try(at, dies)
						}
					}
					return outer
				})
			})
		}
	}
}

// changes reports whether an operation leaves something on the disk. To be killed before
// any other is to be killed before the next one that does.
func changes(op string) bool {
	return slices.Contains([]string{"create", "symlink", "write", "truncate", "chmod", "utimes", "rename", "remove", "rmdir"}, op)
}

// Lines that come after a pass was killed are not lost, and those before are not doubled.
func TestLateWriterAfterKill(t *testing.T) {
	t.Parallel()
	for _, withArchive := range []bool{false, true} {
		everyOperation(t, func(n int) *faultyDisk {
			fx, writer := newLate(t, withArchive)
			disk := &faultyDisk{at: func(m int, _ string) error {
				if n == m {
					return errKilled
				}
				return nil
			}}
			fx.Files = disk
			fx.run()
			writer.open()
			if !writer.write("third\n") {
				t.Fatal("the lock was not let go")
			}
			fx.ended(fmt.Sprintf("archive %v, killed at %d", withArchive, n), "first\n", "second\n", "third\n")
			return disk
		})
	}
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

// A logreel that opens a file at any operation of a pass that hands it on, marks it as it
// does, and writes to it then or later: all lines are handed on, at the latest by the next
// pass.
func TestLateWriterAtEveryOperationOfTheHook(t *testing.T) { // not parallel: it forks
	for _, test := range []struct {
		format *Format
		show   string
	}{{nil, "cat"}, {stored, "gzip -dc"}} {
		for _, atOnce := range []bool{true, false} {
			everyOperation(t, func(n int) *faultyDisk {
				fx := newFixture(t, daily)
				fx.Compress, fx.Exec = test.format, test.show+` "$1" >`+fx.path("seen")
				fx.write(yesterday, "first\n")
				fx.write("."+yesterday+".pending", "")
				writer := &late{t: t, path: fx.path(yesterday)}
				written := false
				comes := func() {
					if writer.open(); writer.file == nil {
						return
					}
					if err := Mark(files.Disk{}, writer.path); err != nil {
						t.Fatal(err)
					}
					written = atOnce && writer.write("second\n")
				}
				disk := &faultyDisk{at: func(m int, _ string) error {
					if m >= n && !written && writer.file == nil {
						comes()
					}
					return nil
				}}
				fx.Files = disk
				fx.run()
				if !written && writer.file == nil {
					comes()
				}
				if !written && !writer.write("second\n") {
					t.Fatal("the lock was not let go")
				}
				fx.Files = &faultyDisk{at: fine}
				fx.run().run()
				if got := readAll(t, fx.path("seen")); got != "first\nsecond" {
					t.Errorf("%s, at operation %d, at once %v: the command saw %q; said %q", test.show, n, atOnce, got, fx.said)
				}
				if names := fx.tree(); len(names) != 2 {
					t.Errorf("%s, at operation %d, at once %v: there are %q", test.show, n, atOnce, names)
				}
				return disk
			})
		}
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
		mark, err := files.Disk{}.Read(fx.path("." + yesterday + ".pending"))
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
