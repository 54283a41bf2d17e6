package rotator

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
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
