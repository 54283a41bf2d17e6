package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
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
	f, err := openLog(fx.path(name))
	if err == nil {
		err = f.Lock(false)
	}
	if err != nil {
		fx.t.Fatal(err)
	}
	return f
}

// openLog opens a file for appending as a rotator does, and makes it if it is not there.
func openLog(path string) (f files.File, err error) {
	for create := false; ; create = !create {
		f, err = files.Disk{}.Open(path, create, 0o640)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
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

// readAll returns the content of a file, nothing if it is not there.
func readAll(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(content))
}
