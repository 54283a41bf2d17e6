package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/files/filestest"
	"github.com/logreel/logreel/rotator/messages"
)

// A bench is a rotator in a directory of its own, with a clock that the test sets
// and a record of what was said.
type bench struct {
	*Rotator
	t    testing.TB
	dir  string
	now  time.Time
	said []string
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// newBench returns a rotator of files that switch every minute, with a change to its
// configuration.
func newBench(t testing.TB, change func(c *Config, dir string)) *bench {
	t.Helper()
	b := &bench{t: t, dir: filestest.Dir(t), now: noon}
	say := func(format string, args ...any) { b.said = append(b.said, fmt.Sprintf(format, args...)) }
	c := Config{
		Pattern: compile(t, pattern.Config{Pattern: b.dir + "/%H%M"}), Mode: 0o640, DirMode: 0o755,
		Messages: messages.Printer{Say: say, Warn: say}, Now: func() time.Time { return b.now },
	}
	if change != nil {
		change(&c, b.dir)
	}
	var err error
	if b.Rotator, err = New(c); err != nil {
		t.Fatal(err)
	}
	return b
}

func compile(t testing.TB, c pattern.Config) *pattern.Pattern {
	t.Helper()
	c.Zone = time.UTC
	p, err := pattern.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sized makes files of the name "log" that switch by size.
func sized(size int64) func(*Config, string) {
	return func(c *Config, dir string) {
		p, err := pattern.New(pattern.Config{Pattern: dir + "/log", Zone: time.UTC, Repeat: true})
		if err != nil {
			panic(err)
		}
		c.Pattern, c.Size = p, size
	}
}

// at sets the clock to a time after noon.
func (b *bench) at(after time.Duration) *bench {
	b.now = noon.Add(after)
	return b
}

func (b *bench) write(lines string) {
	b.t.Helper()
	for done := 0; done < len(lines); {
		n, err := b.Write([]byte(lines[done:]), b.now)
		if done += n; n == 0 || err != nil {
			b.t.Fatalf("Write: %d of %d bytes, %v", done, len(lines), err)
		}
	}
}

// files returns the content of the files in the directory, by name.
func (b *bench) files() map[string]string {
	b.t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(b.dir, path)
		got[name] = string(content)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// want checks the files in the directory: pairs of a name and the content.
func (b *bench) want(pairs ...string) {
	b.t.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if got := b.files(); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("files:\ngot  %v\nwant %v", got, want)
	}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func TestSwitchByTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.want() // lazy
	if !b.Until().IsZero() {
		t.Error("a tick is wanted before the first line")
	}
	b.write("one\n")
	b.at(59 * time.Second).write("two\n")
	if got := b.Until(); !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("a tick is wanted at %v, want the end of the period", got)
	}
	b.at(time.Minute).write("three\n")
	b.at(5 * time.Minute).write("four\n")
	b.want("1200", "one\ntwo\n", "1201", "three\n", "1205", "four\n")
	if s := b.Status(); s.Switches != 2 || s.Written != 19 || s.Live != b.path("1205") || s.Size != 5 {
		t.Errorf("got status %+v", s)
	}
}

func TestIdleSwitch(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.write("one\n")
	b.at(time.Minute).Tick(b.now, false)
	if s := b.Status(); s.Live != "" {
		t.Errorf("live file %q after its period", s.Live)
	}
	b.want("1200", "one\n")
}

// At a boundary a stream that flows opens the next file before the tick lets go of
// the last one.
func TestTickSettles(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.at(time.Minute - time.Millisecond).write("one\n")
	b.at(time.Minute)
	if _, err := b.Write([]byte("late\n"), noon); err != nil { // the disk was slow
		t.Fatal(err)
	}
	b.Tick(b.now, false)
	if b.Status().Live == "" {
		t.Error("let go of the live file in the middle of a stream")
	}
	if got := b.Until(); !got.Equal(b.now.Add(settle)) {
		t.Errorf("a tick is wanted at %v, want after %v", got, settle)
	}
	b.at(time.Minute+settle).Tick(b.now, true)
	if b.Status().Live == "" {
		t.Error("let go of the live file with lines to come")
	}
	if got := b.Until(); !got.Equal(b.now.Add(settle)) {
		t.Errorf("a tick is wanted at %v, want after %v", got, settle)
	}
	b.at(time.Minute+2*settle).Tick(b.now, false)
	if s := b.Status(); s.Live != "" {
		t.Errorf("live file %q after its period", s.Live)
	}
}

func TestClockJumps(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.at(0).write("one\n")
	b.at(-30 * time.Second).write("back into the last period\n")
	b.at(-61 * time.Second).write("further back\n")
	b.at(time.Hour).write("forward\n")
	b.want("1200", "one\nback into the last period\n", "1158", "further back\n", "1300", "forward\n")
	b.at(0).Tick(b.now, false)
	if s := b.Status(); s.Live != "" {
		t.Errorf("live file %q, though the clock is an hour before it", s.Live)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.write("one\n")
	again, err := New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Write([]byte("two\n"), b.now); err != nil {
		t.Fatal(err)
	}
	b.write("three\n") // two generations at once
	b.want("1200", "one\ntwo\nthree\n")
}

func TestLongLineStaysWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.write("begin-")
	b.at(time.Minute).write("middle-")
	b.Tick(b.now, false)
	b.write("end\nnext\n")
	b.want("1200", "begin-middle-end\n", "1201", "next\n")

	b = newBench(t, sized(10))
	b.write("begin-")
	b.write("middle-")
	b.write("end\nnext\n")
	b.want("log", "begin-middle-end\n", "log.1", "next\n")
}

func TestSize(t *testing.T) {
	t.Parallel()
	b := newBench(t, sized(8))
	b.write("one\ntwo\nthree\n")
	b.write("a line longer than the size\n4\n")
	b.want("log", "one\ntwo\n", "log.1", "three\n", "log.2", "a line longer than the size\n", "log.3", "4\n")

	again, err := New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Write([]byte("5\n"), b.now); err != nil {
		t.Fatal(err)
	}
	b.write("6\n") // by the first process, on the same file
	b.want("log", "one\ntwo\n", "log.1", "three\n", "log.2", "a line longer than the size\n", "log.3", "4\n5\n6\n")
}

// Files that were compressed or have other bases do not mislead it.
func TestSeries(t *testing.T) {
	t.Parallel()
	b := newBench(t, sized(8))
	for _, name := range []string{"log.gz", "log.1.zst", "log.2.gz", "log.07", "log.x", "log.-1", "log.3.bak", "other.9",
		"log.5.zst.gz", "log.1000000000", "log.9223372036854775807", "log.99999999999999999999"} {
		if err := os.WriteFile(b.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, path, err := b.Place(b.now)
	if want := b.path("log.3"); path != want || err != nil {
		t.Errorf("got %s, %v, want %s", path, err, want)
	}
}

// The last number is gone on with past the size, and also after it was compressed:
// better too large a file than lines that are nowhere.
func TestLastNumber(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"", ".gz"} {
		b := newBench(t, sized(8))
		if err := os.WriteFile(b.path("log.999999999"+ending), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.write("one\ntwo\nthree\n")
		b.at(time.Second).write("four\n")
		if err := b.Switch(b.now); err == nil {
			t.Error("switched to a number after the last")
		}
		want := []string{"log.999999999", "one\ntwo\nthree\nfour\n"}
		if ending != "" {
			want = append(want, "log.999999999.gz", "")
		}
		b.want(want...)
		if len(b.said) != 1 || !strings.Contains(b.said[0], "has the last number") || !strings.Contains(b.said[0], "keeping "+b.path("log.999999999")) {
			t.Errorf("said %q", b.said)
		}
	}
}

// What cannot be written under the highest name, and will not be, has the next number
// taken. What may be yet, or is a terminal or the like, is opened.
func TestSeriesInTheWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about, want string
		make        func(dir string) error
	}{
		{"a directory", "log.3", func(dir string) error { return os.Mkdir(dir+"/log.2", 0o700) }},
		{"a directory of the base", "log.1", func(dir string) error { return os.Mkdir(dir+"/log", 0o700) }},
		{"a FIFO", "log.3", func(dir string) error { return unix.Mkfifo(dir+"/log.2", 0o600) }},
		{"a socket", "log.3", func(dir string) error { return unix.Mknod(dir+"/log.2", unix.S_IFSOCK|0o600, 0) }},
		{"a symlink to a directory", "log.3", func(dir string) error { return os.Symlink(dir, dir+"/log.2") }},
		{"a symlink to itself", "log.3", func(dir string) error { return os.Symlink("log.2", dir+"/log.2") }},
		{"a symlink to a file", "log.2", func(dir string) error {
			return errors.Join(os.WriteFile(dir+"/other", nil, 0o600), os.Symlink("other", dir+"/log.2"))
		}},
		{"a symlink to a file that is not there yet", "log.2", func(dir string) error { return os.Symlink("other", dir+"/log.2") }},
		{"a symlink to a device", "log.2", func(dir string) error { return os.Symlink("/dev/null", dir+"/log.2") }},
		{"a directory below", "log.2", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/log.1", 0o700), os.WriteFile(dir+"/log.2", nil, 0o600))
		}},
		{"a directory called like a compressed file", "log.3", func(dir string) error { return os.Mkdir(dir+"/log.2.gz", 0o700) }},
	} {
		b := newBench(t, sized(8))
		if err := test.make(b.dir); err != nil {
			t.Fatal(err)
		}
		if _, path, err := b.Place(b.now); path != b.path(test.want) || err != nil {
			t.Errorf("%s: got %s, %v, want %s", test.about, path, err, test.want)
			continue
		}
		b.write("one\ntwo\nsix\n")
		if len(b.said) > 0 {
			t.Errorf("%s: said %q", test.about, b.said)
		}
	}
}

// The same while lines are written: whatever gets the next name first.
func TestSeriesInTheWayLater(t *testing.T) {
	t.Parallel()
	b := newBench(t, sized(8))
	b.write("one\ntwo\n")
	for _, name := range []string{"log.1", "log.2"} {
		if err := os.Mkdir(b.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.write("three\n")
	b.want("log", "one\ntwo\n", "log.3", "three\n")
	if len(b.said) > 0 {
		t.Errorf("said %q", b.said)
	}
}

func TestSizeAndTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, _ string) { c.Size = 4 })
	b.write("one\ntwo\n")
	b.at(time.Minute).write("6\n7\n8\n")
	b.want("1200", "one\n", "1200.1", "two\n", "1201", "6\n7\n", "1201.1", "8\n")
}

func TestModes(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, dir string) {
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/a/b/%H%M"})
		c.Mode, c.DirMode = 0o666, 0o777 // more than any umask leaves
	})
	b.write("one\n")
	for name, want := range map[string]fs.FileMode{"a": 0o777 | fs.ModeDir, "a/b": 0o777 | fs.ModeDir, "a/b/1200": 0o666} {
		info, err := os.Stat(b.path(name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	// What is there already stays as its owner wants it.
	if err := os.Chmod(b.path("a/b/1200"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Reopen(b.now)
	b.write("two\n")
	if info, err := os.Stat(b.path("a/b/1200")); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v, want the mode left alone", info.Mode(), err)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Reopen(b.now)
	b.want() // without a live file there is none to open
	b.write("one\n")
	b.write("more\n") // has looked at it
	if err := os.Rename(b.path("1200"), b.path("moved")); err != nil {
		t.Fatal(err)
	}
	b.write("two\n")
	b.Reopen(b.now)
	b.write("three\n")
	b.want("moved", "one\nmore\ntwo\n", "1200", "three\n")
}

// A reopened file is a new one: the hard link follows it.
func TestReopenMovesLinks(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, dir string) { c.HardLink, c.Link = dir+"/hard", dir+"/live" })
	b.write("one\n")
	if err := os.Rename(b.path("1200"), b.path("moved")); err != nil {
		t.Fatal(err)
	}
	b.Reopen(b.now)
	b.write("two\n")
	b.want("moved", "one\n", "1200", "two\n", "hard", "two\n")
}

// A file that ends inside a line, left by a process that was killed, is gone on with
// on a new line; even one that may not be read is written.
func TestTornFile(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := os.WriteFile(b.path("1200"), []byte("whole\ntor"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.write("next\n")
	b.write("more\n")
	b.Reopen(b.now)
	b.write("last\n")
	b.want("1200", "whole\ntor\nnext\nmore\nlast\n")

	if err := os.WriteFile(b.path("1201"), []byte("whole\n"), 0o200); err != nil {
		t.Fatal(err)
	}
	b.at(time.Minute).write("next\n")
	if err := os.Chmod(b.path("1201"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.want("1200", "whole\ntor\nnext\nmore\nlast\n", "1201", "whole\nnext\n")
}

// The name may be a symlink to a file that is not there yet.
func TestDanglingSymlink(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := os.Symlink("elsewhere", b.path("1200")); err != nil {
		t.Fatal(err)
	}
	b.write("one\n")
	b.want("elsewhere", "one\n")
}

func TestSwitchNow(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.write("one\n")
	if err := b.Switch(b.now); !errors.Is(err, ErrSameName) {
		t.Errorf("got %v, want ErrSameName", err)
	}
	b = newBench(t, sized(1000))
	b.write("one\n")
	for _, line := range []string{"two\n", "three\n"} {
		for range 2 { // an empty file needs no successor
			if err := b.Switch(b.now); err != nil {
				t.Fatal(err)
			}
		}
		b.write(line)
	}
	b.want("log", "one\n", "log.1", "two\n", "log.2", "three\n")
}

func TestEager(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, _ string) { c.Eager = true })
	b.Start()
	b.at(time.Minute).Tick(b.now, false)
	b.want("1200", "", "1201", "")
	if got := b.Until(); !got.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("a tick is wanted at %v", got)
	}
}

// An eager rotator that cannot open its first file says so, and tries again.
func TestEagerTriesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, dir string) {
		c.Eager = true
		if err := os.WriteFile(filepath.Join(dir, "in the way"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/in the way/%H%M"})
	})
	b.Start()
	if got := b.Until(); !got.Equal(noon.Add(time.Second)) {
		t.Errorf("a tick is wanted at %v", got)
	}
	if err := os.Remove(filepath.Join(b.dir, "in the way")); err != nil {
		t.Fatal(err)
	}
	b.at(time.Second).Tick(b.now, false)
	b.want("in the way/1200", "")
}

func TestLinks(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, dir string) {
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/logs/%H%M"})
		c.Link, c.PreviousLink, c.HardLink = dir+"/links/live", dir+"/previous", dir+"/hard"
	})
	links := func(live, previous, hard string) {
		t.Helper()
		if got, _ := os.Readlink(b.path("links/live")); got != live {
			t.Errorf("--link: got %q, want %q", got, live)
		}
		if got, _ := os.Readlink(b.path("previous")); got != previous {
			t.Errorf("--previous-link: got %q, want %q", got, previous)
		}
		a, errA := os.Stat(b.path("hard"))
		c, errC := os.Stat(b.path(hard))
		if errA != nil || errC != nil || !os.SameFile(a, c) {
			t.Errorf("--hard-link is not %s: %v, %v", hard, errA, errC)
		}
	}
	b.write("one\n")
	links("../logs/1200", "", "logs/1200")
	b.at(time.Minute).write("two\n")
	links("../logs/1201", "logs/1200", "logs/1201")
	b.at(2*time.Minute).Tick(b.now, false)
	b.at(3 * time.Minute).write("three\n")
	links("../logs/1203", "logs/1201", "logs/1203")
	// A restart learns the file before from the link.
	again, err := New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Write([]byte("four\n"), noon.Add(4*time.Minute)); err != nil {
		t.Fatal(err)
	}
	links("../logs/1204", "logs/1203", "logs/1204")
	if len(b.said) > 0 {
		t.Errorf("said %q", b.said)
	}
	leftovers, _ := filepath.Glob(b.path("*.tmp"))
	if len(leftovers) > 0 {
		t.Errorf("left over: %v", leftovers)
	}
}

// The previous link leads to the file before, also when that has been compressed by the
// time of the switch, or of a restart.
func TestPreviousLinkToCompressed(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{".gz", ".zst"} {
		b := newBench(t, func(c *Config, dir string) {
			c.Pattern = compile(t, pattern.Config{Pattern: dir + "/logs/%H%M"})
			c.Link, c.PreviousLink = dir+"/live", dir+"/links/previous"
		})
		compress := func(name string) {
			t.Helper()
			if err := os.Rename(b.path(name), b.path(name+ending)); err != nil {
				t.Fatal(err)
			}
		}
		previous := func(want string) {
			t.Helper()
			if got, err := os.Readlink(b.path("links/previous")); got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
		b.write("one\n")
		b.at(time.Minute).Tick(b.now, false)
		compress("logs/1200")
		b.write("two\n")
		previous("../logs/1200" + ending)
		compress("logs/1201") // and the link of the live file dangles
		again, err := New(b.config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Write([]byte("three\n"), noon.Add(2*time.Minute)); err != nil {
			t.Fatal(err)
		}
		previous("../logs/1201" + ending)
		if len(b.said) > 0 {
			t.Errorf("said %q", b.said)
		}
	}
}

// No link takes the place of a file that has no other name.
func TestLinksSpareFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, dir string) {
		c.Link, c.PreviousLink, c.HardLink = dir+"/live", dir+"/previous", dir+"/hard"
	})
	for _, name := range []string{"live", "previous", "hard"} {
		if err := os.WriteFile(b.path(name), []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.write("one\n")
	b.at(time.Minute).write("two\n")
	b.want("live", "precious", "previous", "precious", "hard", "precious", "1200", "one\n", "1201", "two\n")
	if !slices.ContainsFunc(b.said, func(s string) bool { return strings.HasPrefix(s, "--hard-link=") }) {
		t.Errorf("said %q", b.said)
	}
}

// A relative target is taken only where it leads to the file.
func TestLinkThroughSymlink(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config, dir string) {
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/logs/%H%M"})
		c.Link = dir + "/elsewhere/live"
	})
	if err := os.MkdirAll(b.path("far/away"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(b.path("far/away"), b.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	b.write("one\n")
	if got, err := os.ReadFile(b.path("elsewhere/live")); string(got) != "one\n" {
		t.Errorf("the link leads to %q, %v", got, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	c := Config{Pattern: compile(t, pattern.Config{Pattern: "%F"}), Link: "x", HardLink: "x/"}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "--hard-link=x/: names a directory") {
		t.Errorf("got %v, want an error that names --hard-link", err)
	}
}

// What is there under the name but is no regular file is a fault, and opening a
// FIFO does not wait for its reader.
func TestNotRegular(t *testing.T) {
	t.Parallel()
	for _, make := range []func(path string) error{
		func(path string) error { return unix.Mkfifo(path, 0o600) },
		func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		b := newBench(t, nil)
		if err := make(b.path("1200")); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Write([]byte("one\n"), b.now); n != 0 || err == nil || !strings.Contains(err.Error(), b.path("1200")) {
			t.Errorf("got %d, %v, want an error that names the file", n, err)
		}
		if err := os.Remove(b.path("1200")); err != nil {
			t.Fatal(err)
		}
		b.at(time.Second).write("one\n")
		b.want("1200", "one\n")
	}
}

// Whatever someone does to the live file is noticed before the next line.
func TestTamperedFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		about  string
		tamper func(path string) error
		said   string
		want   []string
	}{
		{"deleted", os.Remove, "moved away or deleted by someone", []string{"1200", "two\nsix\n"}},
		{"moved", func(path string) error { return os.Rename(path, path+".old") }, "moved away or deleted by someone",
			[]string{"1200", "two\nsix\n", "1200.old", "one\n"}},
		{"replaced", func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, []byte("new\n"), 0o600))
		}, "moved away or deleted by someone", []string{"1200", "new\ntwo\nsix\n", "1200.old", "one\n"}},
		{"truncated", func(path string) error { return os.Truncate(path, 0) }, "truncated by someone, from 4 to 0 bytes", []string{"1200", "two\nsix\n"}},
		{"truncated inside a line", func(path string) error { return os.Truncate(path, 2) }, "truncated by someone, from 4 to 2 bytes",
			[]string{"1200", "on\ntwo\nsix\n"}},
		{"with its directory", func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, "moved away or deleted by someone",
			[]string{"1200", "two\nsix\n"}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.write("one\n")
			if err := test.tamper(b.path("1200")); err != nil {
				t.Fatal(err)
			}
			b.at(lookEvery).write("two\n")
			b.at(2 * lookEvery).write("six\n")
			b.want(test.want...)
			if len(b.said) != 1 || !strings.Contains(b.said[0], test.said) {
				t.Errorf("said %q", b.said)
			}
		})
	}
}

// A live file that was moved away takes lines until its name can be opened anew. One
// that was deleted takes none.
func TestTamperedAndBlocked(t *testing.T) {
	t.Parallel()
	disk := &failingFiles{System: noOpen{files.Disk{}}}
	b := newBench(t, func(c *Config, _ string) { c.Files = disk })
	block := func(blocked bool) {
		disk.System = files.Disk{}
		if blocked {
			disk.System = noOpen{files.Disk{}}
		}
	}
	block(false)
	b.write("one\n")
	block(true)
	if err := os.Rename(b.path("1200"), b.path("old")); err != nil {
		t.Fatal(err)
	}
	b.at(time.Second).write("two\n")
	block(false)
	b.at(2 * time.Second).write("six\n")
	block(true)
	if err := os.Remove(b.path("1200")); err != nil {
		t.Fatal(err)
	}
	if n, err := b.at(3*time.Second).Write([]byte("ten\n"), b.now); n != 0 || !errors.Is(err, unix.EACCES) {
		t.Errorf("into a deleted file: %d, %v", n, err)
	}
	block(false)
	b.at(4 * time.Second).write("ten\n")
	b.want("1200", "ten\n", "old", "one\ntwo\n")
}

// Lines whose file can never be written do not hold up those behind them for ever:
// when its period is over, they go into the file of the present.
func TestFileNeverWritable(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := os.Mkdir(b.path("1200"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, second := range []time.Duration{0, 1, 20, 59} {
		if n, err := b.at(second*time.Second).Write([]byte("one\n"), noon); n != 0 || err == nil {
			t.Fatalf("after %d s: %d, %v", second, n, err)
		}
	}
	b.at(time.Minute)
	for _, line := range []string{"one\n", "two\n"} { // both of noon
		if n, err := b.Write([]byte(line), noon); n != 4 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	b.at(2 * time.Minute).write("six\n")
	b.want("1201", "one\ntwo\n", "1202", "six\n")
	if len(b.said) != 1 || !strings.Contains(b.said[0], "lines that waited for it since 2026-11-21T12:00:00Z are in "+b.path("1201")) {
		t.Errorf("said %q", b.said)
	}
}

// The disk may refuse a file for a moment only, even at a boundary.
func TestFileWritableLater(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := os.Mkdir(b.path("1200"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, second := range []time.Duration{55, 64} {
		if n, err := b.at(second*time.Second).Write([]byte("one\n"), noon); n != 0 || err == nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if err := os.Remove(b.path("1200")); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Write([]byte("one\n"), noon); n != 4 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	b.want("1200", "one\n")
}

func BenchmarkWrite(b *testing.B) {
	bench := newBench(b, func(c *Config, _ string) {
		c.Pattern = compile(b, pattern.Config{Pattern: "/dev/null", Every: pattern.Never})
	})
	lines := []byte(strings.Repeat(strings.Repeat("x", 119)+"\n", 400))
	b.ReportAllocs()
	b.SetBytes(int64(len(lines)))
	for b.Loop() {
		if _, err := bench.Write(lines, bench.now); err != nil {
			b.Fatal(err)
		}
	}
}

// A boundary within the hour that comes twice: the lines of both times go into the files
// that the clock names, and no others.
func TestRepeatedHour(t *testing.T) {
	t.Parallel()
	berlin, err := pattern.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var at pattern.Offset
	var every pattern.Interval
	if err := errors.Join(at.UnmarshalText([]byte("30m")), every.UnmarshalText([]byte("2h"))); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *Config, dir string) {
		c.Pattern, err = pattern.New(pattern.Config{Pattern: dir + "/%H%M", Every: every, At: at, Zone: berlin})
		if err != nil {
			t.Fatal(err)
		}
	})
	for _, clock := range []string{"01:50:00+02:00", "02:10:00+02:00", "02:40:00+02:00", "02:10:00+01:00", "02:40:00+01:00"} {
		if b.now, err = time.Parse(time.RFC3339, "2026-10-25T"+clock); err != nil {
			t.Fatal(err)
		}
		b.write(clock + "\n")
	}
	b.want("0030", "01:50:00+02:00\n02:10:00+02:00\n02:10:00+01:00\n", "0230", "02:40:00+02:00\n02:40:00+01:00\n")
}
