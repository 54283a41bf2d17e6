package rotator

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
