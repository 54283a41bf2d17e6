package rotator

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
)

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
