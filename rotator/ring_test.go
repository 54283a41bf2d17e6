package rotator

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
)

// ringed uses names round and round, for an hour each.
func ringed(count int, size int64) func(*Config, string) {
	return func(c *Config, dir string) {
		p, err := pattern.New(pattern.Config{Pattern: dir + "/log", Every: hourly, Same: true, Zone: time.UTC})
		if err != nil {
			panic(err)
		}
		c.Pattern, c.Ring, c.Size = p, count, size
	}
}

// By size and by time the next name is begun anew, the first one after the last; whoever reads
// what had the name before goes on reading it.
func TestRing(t *testing.T) {
	t.Parallel()
	b := newBench(t, ringed(3, 8))
	if err := os.WriteFile(b.path("log"), []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.write("one\ntwo\n3\n")
	b.want("log", "old\none\n", "log.1", "two\n3\n")
	b.at(time.Hour).write("four\n")
	b.at(3 * time.Hour).write("five\n") // one step, not two
	b.want("log", "five\n", "log.1", "two\n3\n", "log.2", "four\n")
	reader, err := os.Open(b.path("log.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	b.write("a line longer than a file\n")
	b.want("log", "five\n", "log.1", "a line longer than a file\n", "log.2", "four\n")
	text := make([]byte, 100)
	if n, _ := reader.Read(text); string(text[:n]) != "two\n3\n" {
		t.Errorf("the reader has %q", text[:n])
	}
}

// A ring of one begins its file anew.
func TestRingOfOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, ringed(1, 0))
	b.write("one\n")
	b.at(time.Hour).write("two\n")
	b.want("log", "two\n")
}

// A name that another process writes to, or that is no file, is not deleted: lines go on into
// the live file until it is free.
func TestRingTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t, ringed(2, 8))
	b.write("one\n")
	other := newBench(t, func(c *Config, _ string) {
		c.Pattern = compile(t, pattern.Config{Pattern: b.dir + "/log.1", Repeat: true})
	})
	other.write("of another\n")
	b.write("twenty\n")
	b.want("log", "one\ntwenty\n", "log.1", "of another\n")
	if len(b.said) != 1 || !strings.Contains(b.said[0], "log.1: another process writes to it; keeping "+b.path("log")) {
		t.Errorf("said %q", b.said)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	b.at(2 * time.Second).write("three\n")
	b.want("log", "one\ntwenty\n", "log.1", "three\n")
	if err := os.Remove(b.path("log")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(b.path("log"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.write("four\n")
	b.want("log.1", "three\nfour\n")
}

// A live file that was moved or deleted is opened anew under its name, and what somebody has
// put there is gone on with.
func TestRingMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t, ringed(2, 100))
	b.write("one\n")
	if err := os.Remove(b.path("log")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.path("log"), []byte("of another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.at(time.Second).write("two\n")
	b.want("log", "of another\ntwo\n")
}
