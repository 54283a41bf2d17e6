package rotator

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
)

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
