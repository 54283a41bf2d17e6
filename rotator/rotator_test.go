package rotator

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

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

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	c := Config{Pattern: compile(t, pattern.Config{Pattern: "%F"}), Link: "x", HardLink: "x/"}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "--hard-link=x/: names a directory") {
		t.Errorf("got %v, want an error that names --hard-link", err)
	}
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
