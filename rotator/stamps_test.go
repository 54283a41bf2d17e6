package rotator

import (
	"os"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
)

// stamped names files after the time at which they are begun, within a period of an hour.
func stamped(size int64) func(*Config, string) {
	return func(c *Config, dir string) {
		p, err := pattern.New(pattern.Config{Pattern: dir + "/%Y%m%d-%H%M%S", Every: hourly, Zone: time.UTC, Instants: true})
		if err != nil {
			panic(err)
		}
		c.Pattern, c.Size, c.Stamps = p, size, true
	}
}

var hourly = func() pattern.Interval {
	every, err := pattern.ParseInterval("1h")
	if err != nil {
		panic(err)
	}
	return every
}()

// again starts another one on the same files.
func (b *bench) again() *bench {
	b.t.Helper()
	r, err := New(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	return &bench{Rotator: r, t: b.t, dir: b.dir, now: b.now}
}

// The first file of a period has the name of its start, and one that follows that of its own
// beginning. Until there is a later name, lines stay where they are.
func TestStamps(t *testing.T) {
	t.Parallel()
	b := newBench(t, stamped(8))
	b.at(5 * time.Minute).write("one\ntwo\nthree\n")
	b.write("four\n")
	b.at(5*time.Minute + 3*time.Second).write("five\n")
	b.at(5 * time.Minute).write("six\n") // a clock that was set back
	b.at(time.Hour + time.Minute).write("seven\n")
	b.want("20261121-120000", "one\ntwo\n", "20261121-120500", "three\nfour\n", "20261121-120503", "five\nsix\n", "20261121-130000", "seven\n")
	if len(b.said) > 0 {
		t.Errorf("said %q", b.said)
	}
}

// A start goes on with the newest file of the period; if that has been compressed, with
// one that is newer.
func TestStampsAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, stamped(8))
	for _, name := range []string{"20261121-115959", "20261121-120100.gz", "20261121-120400", "20261121-120401x", "20261121-130000"} {
		if err := os.WriteFile(b.path(name), []byte("old\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.at(5 * time.Minute).write("one\n")
	b.want("20261121-115959", "old\n", "20261121-120100.gz", "old\n", "20261121-120400", "old\none\n", "20261121-120401x", "old\n", "20261121-130000", "old\n")
	b.write("two\n")
	if err := os.Rename(b.path("20261121-120500"), b.path("20261121-120500.zst")); err != nil {
		t.Fatal(err)
	}
	b.again().write("three\n")
	if got := b.files()["20261121-120501"]; got != "three\n" {
		t.Errorf("got %q", got)
	}
}

// Of two processes neither falls behind the other, and no file is gone back to.
func TestStampsOfTwo(t *testing.T) {
	t.Parallel()
	b := newBench(t, stamped(8))
	b.at(time.Second).write("one\ntwo\n")
	other := b.again()
	other.now = noon.Add(2 * time.Second)
	other.write("three\nfour\n")
	b.at(3 * time.Second).write("5\n")
	other.now = noon.Add(4 * time.Second)
	other.write("six\n")
	b.want("20261121-120000", "one\ntwo\n", "20261121-120002", "three\nfour\n", "20261121-120003", "5\nsix\n")
}

// SIGALRM goes on to another name, when there is one.
func TestStampsSwitch(t *testing.T) {
	t.Parallel()
	b := newBench(t, stamped(100))
	b.at(time.Second).write("one\n")
	if err := b.Switch(b.now); err != nil {
		t.Fatal(err)
	}
	b.write("two\n")
	if err := b.Switch(b.now); err != errSameStamp {
		t.Errorf("got %v", err)
	}
	b.write("three\n")
	b.want("20261121-120000", "one\n", "20261121-120001", "two\nthree\n")
}

// A live file that was moved away is not begun again under an older name.
func TestStampsMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t, stamped(8))
	b.at(time.Second).write("one\ntwo\n")
	b.at(2 * time.Second).write("three\n")
	if err := os.Remove(b.path("20261121-120002")); err != nil {
		t.Fatal(err)
	}
	b.at(3 * time.Second).write("four\n")
	b.want("20261121-120000", "one\ntwo\n", "20261121-120002", "four\n")
}
