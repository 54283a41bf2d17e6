package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/files/filestest"
	"github.com/logreel/logreel/rotator/messages"
)

// noon is when the tests take place, and written when their files were last changed.
var (
	noon    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	written = time.Date(2026, 11, 21, 3, 4, 5, 678901234, time.UTC)
)

// Tests that start processes are not parallel: between fork and exec, the new process
// has a copy of every open file and its lock, which other tests would see.

// TestMain makes passes instead of tests when it is told to: "pass PATTERN FORMAT
// COMMAND" makes one, "passes …" makes them until the end of input.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && strings.HasPrefix(os.Args[1], "pass") {
		warn := func(format string, args ...any) { fmt.Fprintf(os.Stderr, "warning: "+format+"\n", args...) }
		p, err := pattern.New(pattern.Config{Pattern: os.Args[2], Zone: time.UTC})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		c := Config{Pattern: p, Compress: FormatNamed(os.Args[3]), Exec: os.Args[4], ExecTimeout: time.Minute,
			Messages: messages.Printer{Warn: warn}, Now: func() time.Time { return noon }}
		if os.Args[1] == "pass" {
			Run(c)
			return
		}
		stop := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(stop)
		}()
		for c.Stop = stop; newPass(c).stopped() == nil; {
			Run(c)
		}
		return
	}
	os.Exit(m.Run())
}

// A fixture is a directory with log files, and what is to be done with them.
type fixture struct {
	Config
	t   *testing.T
	dir string

	mu   sync.Mutex
	said []string
}

// newFixture returns an empty fixture for files of a pattern.
func newFixture(t *testing.T, of string) *fixture {
	t.Helper()
	fx := &fixture{t: t, dir: filestest.Dir(t)}
	fx.Pattern = compilePattern(t, fx.path(of))
	fx.Now = func() time.Time { return noon }
	fx.ExecTimeout, fx.Numbered = time.Minute, true
	say := func(kind string) func(string, ...any) {
		return func(format string, args ...any) {
			fx.mu.Lock()
			defer fx.mu.Unlock()
			fx.said = append(fx.said, kind+strings.ReplaceAll(fmt.Sprintf(format, args...), fx.dir+"/", ""))
		}
	}
	fx.Messages = messages.Printer{Warn: say("warning: "), Detail: say("")}
	return fx
}

func compilePattern(t testing.TB, text string) *pattern.Pattern {
	t.Helper()
	p, err := pattern.New(pattern.Config{Pattern: text, Zone: time.UTC, Repeat: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (fx *fixture) path(name string) string { return fx.dir + "/" + name }

// put makes files of ten bytes: "NAME", "NAME/" for a directory, "NAME -> TARGET" for a
// symlink.
func (fx *fixture) put(names ...string) *fixture {
	fx.t.Helper()
	for _, name := range names {
		fx.write(name, "123456789\n")
	}
	return fx
}

func (fx *fixture) write(name, content string) {
	fx.t.Helper()
	path, target, isLink := strings.Cut(fx.path(name), " -> ")
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	switch {
	case err != nil:
	case isLink:
		err = os.Symlink(target, path)
	case strings.HasSuffix(name, "/"):
		err = os.MkdirAll(path, 0o755)
	default:
		if err = os.WriteFile(path, []byte(content), 0o640); err == nil {
			err = os.Chtimes(path, written, written)
		}
	}
	if err != nil {
		fx.t.Fatal(err)
	}
}

// run makes a pass.
func (fx *fixture) run() *fixture {
	Run(fx.Config)
	return fx
}

// tree returns the names of what is there, directories with a slash.
func (fx *fixture) tree() []string {
	fx.t.Helper()
	var names []string
	err := filepath.WalkDir(fx.dir, func(path string, entry fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, fx.dir+"/"); path != fx.dir && err == nil {
			if entry.IsDir() {
				name += "/"
			}
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		fx.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// want compares what is there.
func (fx *fixture) want(names ...string) {
	fx.t.Helper()
	slices.Sort(names)
	if got := fx.tree(); !slices.Equal(got, names) {
		fx.t.Errorf("got  %q\nwant %q\nsaid %q", got, names, fx.said)
	}
}

// wantSaid reports an error unless one message holds all of the texts.
func (fx *fixture) wantSaid(texts ...string) {
	fx.t.Helper()
	if !slices.ContainsFunc(fx.said, func(message string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(message, text) })
	}) {
		fx.t.Errorf("said %q, want %q", fx.said, texts)
	}
}

// wantQuiet reports an error if there was a warning.
func (fx *fixture) wantQuiet() {
	fx.t.Helper()
	for _, message := range fx.said {
		if strings.HasPrefix(message, "warning: ") {
			fx.t.Errorf("said %q", message)
		}
	}
}

// plan returns what Plan says: the name and the action of each file.
func (fx *fixture) plan() (lines []string) {
	for _, d := range Plan(fx.Config) {
		lines = append(lines, strings.TrimPrefix(d.Path, fx.dir+"/")+" "+d.Action)
	}
	return lines
}

// hold opens a file and locks it, as a logreel that writes to it does.
func (fx *fixture) hold(name string) files.File {
	fx.t.Helper()
	f, err := files.Disk{}.Open(fx.path(name), true, 0o640)
	if err == nil {
		err = f.Lock(false)
	}
	if err != nil {
		fx.t.Fatal(err)
	}
	return f
}

func age(t testing.TB, text string) (a pattern.Age) {
	t.Helper()
	if err := a.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return a
}

// narrow is a file system of a given size.
type narrow struct {
	files.System
	size, free int64
}

func (n narrow) Space(string) (size, free int64, err error) { return n.size, n.free, nil }

// allocated has every file take up a thousand bytes.
type allocated struct{ files.System }

func (a allocated) Stat(path string, follow bool) (files.Info, error) {
	info, err := a.System.Stat(path, follow)
	info.Allocated = 1000
	return info, err
}

func count(n int) func(*testing.T, *Config) { return func(_ *testing.T, c *Config) { c.KeepCount = n } }

func size(n int64) func(*testing.T, *Config) { return func(_ *testing.T, c *Config) { c.KeepSize = n } }

func older(text string) func(*testing.T, *Config) {
	return func(t *testing.T, c *Config) { c.KeepAge = age(t, text) }
}

func free(f Free, size, free int64) func(*testing.T, *Config) {
	return func(_ *testing.T, c *Config) {
		c.KeepFree, c.Files = f, narrow{allocated{files.Disk{}}, size, free}
	}
}

func all(flags ...func(*testing.T, *Config)) func(*testing.T, *Config) {
	return func(t *testing.T, c *Config) {
		for _, f := range flags {
			f(t, c)
		}
	}
}

const daily = "%Y-%m-%d.log"

// planTests are files of ten bytes, and what is planned for them, the oldest first. What
// is not listed is no file of the pattern.
var planTests = []struct {
	name, pattern string
	flags         func(*testing.T, *Config)
	files, want   []string
}{
	{"nothing to do", daily, all(), []string{"2026-11-20.log"}, nil},
	{"count", daily, count(2),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log", "2026-11-18.log", "2025-11-20.log"},
		[]string{"2025-11-20.log delete", "2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"count, the live one is not there", daily, count(1),
		[]string{"2026-11-20.log", "2026-11-19.log"}, []string{"2026-11-19.log delete", "2026-11-20.log keep"}},
	{"count, the live one does not count", daily, count(1),
		[]string{"2026-11-21.log", "2026-11-20.log"}, []string{"2026-11-20.log keep", "2026-11-21.log keep"}},
	{"age, by the end of the period and not the time of the change", daily, older("2d"),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log", "2026-11-18.log", "2026-11-17.log", "2026-10-31.log.gz"},
		[]string{"2026-10-31.log.gz delete", "2026-11-17.log delete", "2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"age in hours", "%Y%m%d-%H", older("12h"),
		[]string{"20261121-11", "20261121-00", "20261120-23", "20261120-22"},
		[]string{"20261120-22 delete", "20261120-23 delete", "20261121-00 keep", "20261121-11 keep"}},
	{"age in months", "%Y-%m", older("1mo"),
		[]string{"2026-11", "2026-10", "2026-09", "2026-08"},
		[]string{"2026-08 delete", "2026-09 delete", "2026-10 keep", "2026-11 keep"}},
	{"size, with the live one", daily, size(35),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log.gz", "2026-11-18.log", "2026-11-17.log.zst"},
		[]string{"2026-11-17.log.zst delete", "2026-11-18.log delete", "2026-11-19.log.gz keep", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"size, with one in the future and the live one, which stay", daily, size(15),
		[]string{"2026-11-22.log", "2026-11-21.log", "2026-11-20.log", "2026-11-19.log"},
		[]string{"2026-11-19.log delete", "2026-11-20.log delete", "2026-11-21.log keep", "2026-11-22.log keep"}},
	{"size to the byte", daily, size(20),
		[]string{"2026-11-20.log", "2026-11-19.log", "2026-11-18.log"}, []string{"2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep"}},
	{"free bytes", daily, free(Free{Bytes: 5000}, 100000, 3500),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log", "2026-11-18.log"},
		[]string{"2026-11-18.log delete", "2026-11-19.log delete", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"free percent", daily, free(Free{Percent: 5}, 100000, 4000),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log"}, []string{"2026-11-19.log delete", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"enough is free", daily, free(Free{Percent: 5}, 100000, 5000),
		[]string{"2026-11-20.log", "2026-11-19.log"}, []string{"2026-11-19.log keep", "2026-11-20.log keep"}},
	{"free, and nothing left to delete but the live one", daily, free(Free{Percent: 90}, 100000, 0),
		[]string{"2026-11-21.log", "2026-11-20.log"}, []string{"2026-11-20.log delete", "2026-11-21.log keep"}},
	{"free, with what the others delete", daily, all(free(Free{Bytes: 5000}, 100000, 3500), count(2)),
		[]string{"2026-11-20.log", "2026-11-19.log", "2026-11-18.log", "2026-11-17.log"},
		[]string{"2026-11-17.log delete", "2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep"}},
	{"whichever says delete", daily, all(count(3), older("10d"), size(1000)),
		[]string{"2026-11-20.log", "2026-11-19.log", "2026-11-01.log"}, []string{"2026-11-01.log delete", "2026-11-19.log keep", "2026-11-20.log keep"}},
	{"numbered files are in the order of their numbers", daily, count(3),
		[]string{"2026-11-20.log", "2026-11-20.log.1", "2026-11-20.log.2.gz", "2026-11-20.log.10", "2026-11-20.log.9.zst"},
		[]string{"2026-11-20.log delete", "2026-11-20.log.1 delete", "2026-11-20.log.2.gz keep", "2026-11-20.log.9.zst keep", "2026-11-20.log.10 keep"}},
	{"of numbered files of the present, the highest is live", daily, count(1),
		[]string{"2026-11-21.log", "2026-11-21.log.1", "2026-11-21.log.2"},
		[]string{"2026-11-21.log delete", "2026-11-21.log.1 keep", "2026-11-21.log.2 keep"}},
	{"with its compressed part it is one", daily, count(1),
		[]string{"2026-11-19.log", "2026-11-20.log", "2026-11-20.log.zst"},
		[]string{"2026-11-19.log delete", "2026-11-20.log.zst keep", "2026-11-20.log keep"}},
	{"names in the future do not count", daily, all(count(1), older("1d"), size(1), free(Free{Percent: 100}, 100000, 0)),
		[]string{"2026-11-22.log", "2027-01-01.log.gz", "2026-11-22.log.1", "2026-11-20.log"},
		[]string{"2026-11-20.log delete", "2026-11-22.log keep", "2026-11-22.log.1 keep", "2027-01-01.log.gz keep"}},
	{"only names to the letter", daily, all(count(1), older("1h"), size(1)),
		[]string{"2026-11-20.log", "2026-11-2.log", "2026-11-020.log", "2026-13-01.log", "2026-02-30.log", "x2026-11-20.log",
			"2026-11-20.logs", "2026-11-20.LOG", "2026-11-20.log.0", "2026-11-20.log.01", "2026-11-20.log.-1", "2026-11-20.log.+1",
			"2026-11-20.log.1.2", "2026-11-20.log.gz.gz", "2026-11-20.log.gz.1", "2026-11-20.log.bz2", "2026-11-20.log~", "2026-11-20.log.",
			"2026-11-20.log.zst.gz", "2026-11-20.log.2.zst.gz", "2026-11-20.log.1000000000", "2026-11-20.log.9223372036854775807",
			"2026-11-20.log.99999999999999999999", "2026-11-20.log.1e3", "2026-11-20 .log", "+2026-11-20.log", "٢٠٢٦-11-20.log", "notes.txt",
			"0000-01-01.log", ".2026-11-20.log", "2026-11-20.log\n"},
		[]string{"2026-11-20.log delete"}},
	{"no symlinks, no directories", daily, all(older("1h")),
		[]string{"real", "2026-11-20.log -> real", "2026-11-19.log/", "2026-11-18.log -> nowhere", "2026-11-17.log"}, []string{"2026-11-17.log delete"}},
	{"several levels", "%Y/%m/app-%d.log", count(2),
		[]string{"2026/11/app-21.log", "2026/11/app-20.log", "2026/10/app-31.log", "2025/12/app-31.log.gz", "2026/9/app-01.log", "2026/11/app-2.log", "26/11/app-01.log", "2026/13/app-01.log", "2026/02/app-30.log", "2024"},
		[]string{"2025/12/app-31.log.gz delete", "2026/10/app-31.log keep", "2026/11/app-20.log keep", "2026/11/app-21.log keep"}},
	{"levels that do not vary", "web/%Y/logs/%m.log", count(1),
		[]string{"web/2026/logs/10.log", "web/2026/logs/09.log", "web/2025/logs/12.log", "web/2025/other/11.log", "web/2024"},
		[]string{"web/2025/logs/12.log delete", "web/2026/logs/09.log delete", "web/2026/logs/10.log keep"}},
	{"a field twice that does not agree", "%Y/%Y-%m.log", older("1d"),
		[]string{"2026/2025-10.log", "2026/2026-10.log"}, []string{"2026/2026-10.log delete"}},
	{"one name and a number", "app.log", count(1),
		[]string{"app.log", "app.log.1.gz", "app.log.2", "app.log.10", "app.log.x", "other.log"},
		[]string{"app.log delete", "app.log.1.gz delete", "app.log.2 keep", "app.log.10 keep"}},
}

// eachPlan calls f with each of planTests, and the files that are there.
func eachPlan(t *testing.T, f func(t *testing.T, fx *fixture, name string, want []string)) {
	for _, test := range planTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, test.pattern).put(test.files...)
			test.flags(t, &fx.Config)
			f(t, fx, test.name, test.want)
		})
	}
}

// Plan says what is to be done with which file.
func TestPlan(t *testing.T) {
	t.Parallel()
	eachPlan(t, func(t *testing.T, fx *fixture, _ string, want []string) {
		before := fx.tree()
		if got := fx.plan(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		fx.want(before...)
	})
}

// A pass deletes what Plan says, and nothing else but directories that are empty then.
func TestKeep(t *testing.T) {
	t.Parallel()
	eachPlan(t, func(t *testing.T, fx *fixture, name string, plan []string) {
		if strings.Contains(name, "free") {
			fx.Files = &freed{System: fx.Files, free: fx.Files.(narrow).free}
		}
		notDirectory := func(name string) bool { return strings.HasSuffix(name, "/") }
		want := slices.DeleteFunc(fx.tree(), notDirectory)
		for _, line := range plan {
			if name, deleted := strings.CutSuffix(line, " delete"); deleted {
				want = slices.DeleteFunc(want, func(other string) bool { return other == name })
			}
		}
		fx.run()
		if got := slices.DeleteFunc(fx.tree(), notDirectory); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		for _, message := range fx.said {
			if strings.HasPrefix(message, "warning: ") && !strings.Contains(message, "lies in the future") {
				t.Errorf("said %q", message)
			}
		}
	})
}

// freed is a file system that has more free space with every file removed.
type freed struct {
	files.System
	free int64
}

func (f *freed) Space(path string) (size, free int64, err error) {
	size, _, err = f.System.Space(path)
	return size, f.free, err
}

func (f *freed) Remove(path string) error {
	f.free += 1000
	return f.System.Remove(path)
}

// vanished is a file system that another logreel has deleted a file of.
type vanished struct {
	files.System
	path string
}

func (v vanished) Space(path string) (size, free int64, err error) {
	if path == v.path {
		return 0, 0, &fs.PathError{Op: "statfs", Path: path, Err: fs.ErrNotExist}
	}
	return 100, 0, nil
}

// What is free is told by any file that is left.
func TestKeepFreeBesideAnother(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put(yesterday, "2026-11-19.log")
	fx.KeepFree, fx.Files = Free{Bytes: 1}, vanished{files.Disk{}, fx.path(yesterday)}
	fx.run().want(yesterday)
	fx.Files = vanished{files.Disk{}, fx.path(yesterday)}
	fx.run().want(yesterday)
	fx.wantQuiet()
}

// Files that somebody else has numbered, such as logrotate, the youngest first, are not
// deleted in that order; one that was touched changes nothing.
func TestKeepBackwards(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ages []int // in days, by number
		want int   // how many are left
	}{
		{[]int{1, 2, 3, 4, 5}, 5},
		{[]int{1, 2, 3, 4, 5, 0}, 6}, // and one of ours
		{[]int{5, 4, 3, 2, 1}, 2},
		{[]int{5, 0, 3, 2, 1}, 2},
		{[]int{1, 1, 1, 1, 1}, 2},
	} {
		fx := newFixture(t, "app.log")
		fx.KeepCount, fx.Numbered = 2, true
		for n, days := range test.ages {
			name := filename.Numbered("app.log", n)
			fx.put(name)
			at := noon.AddDate(0, 0, -days)
			if err := os.Chtimes(fx.path(name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(fx.run().tree()); got != test.want && got != test.want+1 { // the live one
			t.Errorf("%v: %d files are left, want %d", test.ages, got, test.want)
		}
		if want := test.want > 2; want {
			fx.wantSaid("is younger than", "none is deleted")
		} else {
			fx.wantQuiet()
		}
	}
}

// Directories with a field that have become empty are removed, and those below them; no
// others, and none that something is left in.
func TestEmptiedDirectories(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, "web/%Y/logs/%m/%d.log")
	fx.KeepAge = age(t, "1mo")
	fx.put("web/2025/logs/01/01.log", "web/2025/logs/01/02.log", "web/2024/logs/01/01.log", "web/2024/logs/readme",
		"web/2023/logs/01/", "web/2022/logs/05/01.log", "web/2022/logs/06/", "web/2026/logs/02/01.log", "web/2026/logs/11/20.log").run()
	fx.want("web/", "web/2024/", "web/2024/logs/", "web/2024/logs/readme", "web/2023/", "web/2023/logs/", "web/2023/logs/01/",
		"web/2022/", "web/2022/logs/", "web/2022/logs/06/", "web/2026/", "web/2026/logs/", "web/2026/logs/11/", "web/2026/logs/11/20.log")
	fx.wantQuiet()

	fx = newFixture(t, "logs/%Y-%m.log")
	fx.KeepAge = age(t, "1mo")
	fx.put("logs/2025-01.log").run()
	fx.want("logs/")
}

// Symlinks are not followed, not to directories either.
func TestSymlinkedDirectories(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, "%Y/logs/%m.log")
	fx.KeepCount, fx.Compress = 1, FormatNamed("gzip")
	fx.put("elsewhere/logs/01.log", "elsewhere/logs/02.log", "2025 -> elsewhere", "store/03.log", "store/04.log", "2024/logs -> ../store")
	before := fx.tree()
	if got := fx.plan(); got != nil {
		t.Errorf("planned %q", got)
	}
	fx.run().want(before...)
	fx.wantQuiet()

	// What leads to the fields is the user's to choose.
	fx = newFixture(t, "logs/%Y-%m.log")
	fx.KeepCount = 1
	fx.put("disk/2026-01.log", "disk/2026-02.log", "logs -> disk").run()
	fx.want("disk/", "disk/2026-02.log", "logs")
}

// A file that another process writes is left, whatever its name says.
func TestLocked(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Compress = 1, FormatNamed("gzip")
	fx.put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log", "2026-11-20.log")
	first, second := fx.hold("2026-11-17.log"), fx.hold("2026-11-20.log")
	if got, want := fx.plan(), []string{"2026-11-17.log keep", "2026-11-18.log delete", "2026-11-19.log delete", "2026-11-20.log keep"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	fx.run().want("2026-11-17.log", "2026-11-20.log")
	fx.wantQuiet()
	fx.wantSaid("2026-11-17.log", "locked by another process", "not deleted")
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	fx.run().want("2026-11-20.log.gz")
}

// On a file system without locks nothing is deleted or compressed.
func TestNoLocks(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Compress, fx.Exec = 1, FormatNamed("gzip"), "echo >"+fx.path("called")
	fx.Files = &faultyDisk{at: func(_ int, op string) error {
		if op == "lock" {
			return unix.ENOLCK
		}
		return nil
	}}
	fx.put("2026-11-17.log", "2026-11-18.log", ".2026-11-18.log.pending").run()
	fx.want("2026-11-17.log", "2026-11-18.log", ".2026-11-18.log.pending")
	fx.wantSaid("warning: ", "2026-11-17.log", "not deleted")
	fx.wantSaid("warning: ", "2026-11-18.log", "it is left as it is")
}

// A file that has been replaced since it was looked for is another.
func TestReplaced(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put("2026-11-18.log", "2026-11-19.log")
	p := newPass(fx.Config)
	found := p.find()
	for _, name := range []string{"2026-11-18.log", "2026-11-19.log"} {
		fx.write("new", "another\n")
		if err := os.Rename(fx.path("new"), fx.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	p.KeepAge, p.Compress = age(t, "2d"), FormatNamed("gzip")
	if deleted := p.keep(found, sweep{}); deleted != 0 {
		t.Errorf("deleted %d files", deleted)
	}
	p.compressAll(found)
	fx.want("2026-11-18.log", "2026-11-19.log")
	fx.wantQuiet()
}

// Files that wait for the command are not deleted, and those that are handed on are.
func TestPendingIsKept(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Exec = 1, "exit 0"
	fx.put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log.zst", "2026-11-20.log", ".2026-11-18.log.pending", ".2026-11-19.log.pending")
	if got, want := fx.plan(), []string{"2026-11-17.log delete", "2026-11-18.log delete", "2026-11-19.log.zst delete", "2026-11-20.log keep"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	held := fx.hold("2026-11-18.log")
	fx.run().want("2026-11-18.log", ".2026-11-18.log.pending", "2026-11-20.log")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	fx.run().want("2026-11-20.log")
}

// Without a command there is nothing to wait for. Of what looks like a mark, only what
// can be one is removed.
func TestMarksOfNobody(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepCount = 1
	fx.write(".2026-11-20.log.pending", "")
	fx.put("2026-11-19.log", ".notes.pending", ".2026-11-20.log.gz.pending.x", "2026-11-20.log.pending", "target",
		".2026-11-18.log.pending -> target", ".2026-11-17.log.pending/").run()
	fx.want("2026-11-19.log", ".notes.pending", ".2026-11-20.log.gz.pending.x", "2026-11-20.log.pending", "target",
		".2026-11-18.log.pending", ".2026-11-17.log.pending/")
	fx.wantQuiet()
}

// Files whose names lie in the future are named, and left.
func TestFuture(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Compress, fx.Exec = 1, FormatNamed("zstd"), "echo >"+fx.path("called")
	fx.put("2026-11-23.log", "2026-11-22.log", ".2026-11-22.log.pending").run()
	fx.want("2026-11-23.log", "2026-11-22.log", ".2026-11-22.log.pending")
	fx.wantSaid("warning: ", "2026-11-22.log", "future")
	fx.wantSaid("warning: ", "2026-11-23.log", "future")
	if d := Plan(fx.Config); len(d) != 2 || !strings.Contains(d[0].Why, "future") {
		t.Errorf("planned %v", d)
	}
}

// Names that repeat or cannot be put in order are refused, with the field that is
// missing.
func TestCheck(t *testing.T) {
	t.Parallel()
	compress := func(_ *testing.T, c *Config) { c.Compress = FormatNamed("gzip") }
	exec := func(_ *testing.T, c *Config) { c.Exec = "true" }
	for _, test := range []struct {
		pattern string
		flags   func(*testing.T, *Config)
		want    string // part of the error; empty for none
	}{
		{"%Y-%m-%d", count(1), ""},
		{"%H", all(), ""},
		{"%H", count(1), "no year, no month and no day; add %Y%m%d"},
		{"%m-%d", older("1d"), "no year; add %Y"},
		{"%a", size(1), "no year, no month and no day; add %Y%m%d"},
		{"%Y-%V", compress, "no year of the week; add %G"},
		{"%G-%V-%d", exec, "no day of the week; add %u"},
		{"%Y-%-m%-d", free(Free{Percent: 5}, 0, 0), "can be read in two ways"},
		{"%s", count(1), ""},
		{"app.log", count(1), ""},
		{"app.log", compress, ""},
		{"app.log", older("1d"), "--keep-age=1d"},
		{"app.log", all(older("1d"), count(1)), "no date"},
	} {
		c := Config{Pattern: compilePattern(t, test.pattern)}
		test.flags(t, &c)
		switch err := c.Check(); {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.pattern, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", test.pattern, err, test.want)
		}
	}
}

// On a full disk, files are deleted at once as --keep-free has it. When there was nothing
// to delete, it is tried again after a while only.
func TestMakeRoom(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log", "2026-11-21.log")
	now, full := noon, &fs.PathError{Op: "write", Path: "x", Err: unix.ENOSPC}
	fx.Now = func() time.Time { return now }
	disk := &freed{System: narrow{allocated{files.Disk{}}, 100000, 0}, free: 0}
	fx.KeepFree, fx.Files = Free{Bytes: 1000}, disk
	a := NewArchiver(fx.Config, nil)
	if a.MakeRoom(unix.EIO) {
		t.Error("EIO: made room")
	}
	if !a.MakeRoom(full) {
		t.Error("made no room")
	}
	fx.want("2026-11-18.log", "2026-11-19.log", "2026-11-21.log")
	now = noon.Add(time.Minute)
	if a.MakeRoom(full) {
		t.Error("made room, and there is enough")
	}
	disk.free = 0
	now = noon.Add(time.Minute + roomEvery - 1)
	if a.MakeRoom(full) {
		t.Error("made room too soon after there was none to make")
	}
	now = noon.Add(-time.Hour)
	if !a.MakeRoom(unix.EDQUOT) {
		t.Error("the clock set back: made no room")
	}
	fx.want("2026-11-19.log", "2026-11-21.log")
	fx.KeepFree, fx.KeepCount = Free{}, 1
	if NewArchiver(fx.Config, nil).MakeRoom(full) {
		t.Error("made room without --keep-free")
	}
}

// Where a quota or the inodes are used up, enough seems to be free. If that lasts, files go
// one by one.
func TestMakeRoomUnderQuota(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put("2026-11-18.log", "2026-11-19.log", "2026-11-20.log", "."+"2026-11-20.log.pending", "2026-11-21.log")
	now := noon
	fx.Now = func() time.Time { return now }
	fx.KeepFree, fx.Exec, fx.Files = Free{Bytes: 1000}, "true", narrow{allocated{files.Disk{}}, 100000, 50000}
	a := NewArchiver(fx.Config, nil)
	for _, step := range []struct {
		after time.Duration
		want  bool
		left  int
	}{
		{0, false, 5}, {time.Second, true, 4}, {1100 * time.Millisecond, true, 3},
		{20 * time.Second, false, 3}, {21 * time.Second, true, 2}, {22 * time.Second, false, 2},
	} {
		now = noon.Add(step.after)
		if got := a.MakeRoom(unix.EDQUOT); got != step.want || len(fx.tree()) != step.left {
			t.Errorf("after %v: got %v, left %q", step.after, got, fx.tree())
		}
	}
	fx.wantSaid("warning: deleted 2026-11-20.log", "it was yet to be handed to --exec")
}

// Ten thousand files are no trouble.
func TestTenThousandFiles(t *testing.T) {
	t.Parallel()
	const limit = 20 * time.Second // a busy machine takes two, and what is quadratic minutes
	fx := newFixture(t, "%Y/%m/%d-%H.log")
	hour := time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)
	for n := range 10000 {
		path := fx.Pattern.Name(fx.Pattern.Period(hour.Add(-time.Duration(n) * time.Hour)))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	timed := func(what string, work func()) {
		begun := time.Now()
		work()
		took := time.Since(begun)
		if t.Logf("%s: %v", what, took); took > limit {
			t.Errorf("%s took %v, more than %v", what, took, limit)
		}
	}
	fx.KeepCount = 10000
	timed("a pass with nothing to do", func() { fx.run() })
	fx.KeepCount = 5000
	timed("plan", func() {
		if plan := fx.plan(); len(plan) != 10000 || !strings.HasSuffix(plan[4999], Delete) || !strings.HasSuffix(plan[5000], Keep) {
			t.Errorf("planned for %d files", len(plan))
		}
	})
	timed("a pass that deletes 5,000", func() { fx.run() })
	fx.KeepCount = 0
	fx.KeepAge = age(t, "1000y")
	if got := len(Plan(fx.Config)); got != 5000 {
		t.Errorf("%d files are left", got)
	}
}

// listing is a file system on which every directory holds the same names, each of them
// file and directory at once.
type listing struct {
	files.System
	names []string
}

func (l listing) Names(string) ([]string, error) { return l.names, nil }

func (l listing) Stat(string, bool) (files.Info, error) {
	return files.Info{Regular: true, Directory: true, Inode: 1, Size: 10}, nil
}

func (l listing) Read(string) (files.File, error) { return empty{}, nil }

type empty struct{ files.File }

func (empty) Lock(alone bool) error { return nil }

func (empty) Info() (files.Info, error) { return files.Info{Regular: true, Inode: 1}, nil }

func (empty) Close() error { return nil }

// Whatever names there are, only such are to be deleted or compressed that a period has,
// with a number and an ending behind them. The same goes for those whose marks and
// temporary files are removed.
func FuzzFind(f *testing.F) {
	patterns := []string{daily, "%Y/%m/%d", "%Y%j.%H", "%y.%m.%d", "%s", "%G-W%V.gz", "%Y-%b-%e_%I%p", "app.log", ".%Y.pending", "%C%y.tmp"}
	for _, test := range planTests {
		f.Add(test.pattern, strings.Join(test.files, "\x00"))
	}
	for _, of := range patterns {
		f.Add(of, ".2026-11-20.log.pending\x00.2026-11-20.log.gz.tmp\x00.2026-11-20.log.zst.done\x002026\x0011\x0020\x0020.1.gz\x002026001.05.1\x0026.11.20.3.zst\x001700000000.1\x00.2024.pending\x002024.tmp.2")
	}
	number := regexp.MustCompile(`^(.*)\.([1-9][0-9]*)$`)
	f.Fuzz(func(t *testing.T, of, joined string) {
		if len(of) > 40 || len(joined) > 2000 {
			return
		}
		p, err := pattern.New(pattern.Config{Pattern: of, Zone: time.UTC, Repeat: true})
		if err != nil {
			return
		}
		var names []string
		for name := range strings.SplitSeq(joined, "\x00") {
			if name != "" && name != "." && name != ".." && !strings.Contains(name, "/") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) > 20 || len(p.Levels()) > 3 {
			return
		}
		c := Config{Pattern: p, KeepCount: 1, KeepAge: age(t, "1h"), KeepSize: 1, Compress: FormatNamed("gzip"), Files: listing{names: names},
			Now: func() time.Time { return noon }}
		if c.Check() != nil && !constant(p) {
			return
		}
		ours := func(path string) bool {
			period := func(base string) bool {
				if constant(p) {
					return base == p.Name(pattern.Period{})
				}
				period, err := p.Parse(base)
				return err == nil && p.Name(period) == base
			}
			plain := strings.TrimSuffix(path, ".gz")
			if plain == path {
				plain = strings.TrimSuffix(path, ".zst")
			}
			parts := number.FindStringSubmatch(plain)
			if parts != nil {
				if n, err := strconv.ParseInt(parts[2], 10, 64); err != nil || n > math.MaxInt {
					parts = nil
				}
			}
			return period(plain) || parts != nil && period(parts[1])
		}
		var planned []string
		for _, d := range Plan(c) {
			if !ours(d.Path) || slices.Contains(planned, d.Path) {
				t.Errorf("pattern %q: %s %q", of, d.Action, d.Path)
			}
			planned = append(planned, d.Path)
		}
		found := newPass(c).find()
		for _, path := range found.orphans {
			cut := strings.LastIndexByte(path, '/') + 1
			name, dotted := strings.CutPrefix(path[cut:], ".")
			name, ended := strings.CutSuffix(name, ".pending")
			if !dotted || !ended || !ours(path[:cut]+name) {
				t.Errorf("pattern %q: %q is to be removed", of, path)
			}
		}
		for _, to := range found.interrupted {
			path := to.path
			if !ours(path) || !strings.HasSuffix(path, ".gz") && !strings.HasSuffix(path, ".zst") {
				t.Errorf("pattern %q: what belongs to %q is to be removed", of, path)
			}
		}
	})
}

// readAll returns the content of a file, nothing if it is not there.
func readAll(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(content))
}
