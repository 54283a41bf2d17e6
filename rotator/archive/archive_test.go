package archive

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

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
	fx.wantSaid("2026-11-17.log", "locked by another process", "not deleted")
	if runtime.GOOS == "linux" {
		fx.wantSaid(fmt.Sprintf("warning: 2026-11-20.log: locked by process %d (", os.Getpid()), "left alone until that ends")
	}
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
