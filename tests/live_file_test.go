//go:build linux

package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A live file that is moved away, and what else leads its name elsewhere: the next line
// is in a file of that name, and what was moved keeps the lines it had.
func TestLiveFileNameLeadsElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about string
		away  func(t *testing.T, logs string)
	}{
		{"moved", func(t *testing.T, logs string) {
			if err := os.Rename(filepath.Join(logs, "app.log"), filepath.Join(logs, "app.log.old")); err != nil {
				t.Fatal(err)
			}
		}},
		{"replaced", func(t *testing.T, logs string) {
			other := filepath.Join(logs, "other")
			if err := errors.Join(os.WriteFile(other, nil, 0o640), os.Rename(other, filepath.Join(logs, "app.log"))); err != nil {
				t.Fatal(err)
			}
		}},
		{"deleted", func(t *testing.T, logs string) {
			if err := os.Remove(filepath.Join(logs, "app.log")); err != nil {
				t.Fatal(err)
			}
		}},
		{"directory removed", func(t *testing.T, logs string) {
			if err := os.RemoveAll(logs); err != nil {
				t.Fatal(err)
			}
		}},
		{"directory moved", func(t *testing.T, logs string) {
			if err := os.Rename(logs, logs+".old"); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			dir, logs := makeLogs(t)
			live := filepath.Join(logs, "app.log")
			f := startPaced(t, dir, "--every=never", "logs/app.log")
			f.push(3)
			f.arrived(live, 3)
			old := keepOpen(t, live)
			c.away(t, logs)
			time.Sleep(unseen)
			f.push(2)
			f.hear("warning: logs/app.log: moved away or deleted by someone; opening it anew")
			f.arrived(live, 2)
			f.push(1)
			f.finish(0)
			if got := old(); len(got) != 3*pacedWidth {
				t.Errorf("the old file has %d bytes, want %d", len(got), 3*pacedWidth)
			}
			f.check(old() + readFile(t, live))
			if said := f.complained(); len(said) != 1 {
				t.Errorf("said %q, want one message", said)
			}
		})
	}
}

// The last file of a series goes away. What comes then belongs into it anew or, after
// SIGALRM, into the next one, and never into one of those before, which are finished.
func TestLiveFileSeries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about string
		away  func(f *paced, live string) error
	}{
		{"moved", func(f *paced, live string) error { return os.Rename(live, filepath.Dir(live)+".moved") }},
		{"moved and SIGALRM", func(f *paced, live string) error {
			defer f.waiting() // which is answered after it
			return errors.Join(os.Rename(live, filepath.Dir(live)+".moved"), f.cmd.Process.Signal(syscall.SIGALRM))
		}},
		{"deleted", func(f *paced, live string) error { return os.Remove(live) }},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			dir, logs := makeLogs(t)
			first, live := filepath.Join(logs, "app.log"), filepath.Join(logs, "app.log.1")
			f := startPaced(t, dir, "--size=1M", "logs/app.log")
			f.push(2)
			f.arrived(first, 2)
			f.signal(syscall.SIGALRM)
			f.waiting()
			f.push(3)
			f.arrived(live, 3)
			old := keepOpen(t, live)
			if err := c.away(f, live); err != nil {
				t.Fatal(err)
			}
			time.Sleep(unseen)
			f.push(1)
			f.finish(0)
			if got := len(readFile(t, first)); got != 2*pacedWidth {
				t.Errorf("the first file has %d bytes, want %d", got, 2*pacedWidth)
			}
			f.check(readFile(t, first) + old() + content(t, logs, "app.log.*"))
		})
	}
}

// A live file is deleted while lines flow: what was written into it until that was
// noticed is lost, and nothing else.
func TestLiveFileDeleted(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	live := filepath.Join(logs, "app.log")
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.pace(500 * time.Millisecond)
	old, before := keepOpen(t, live), f.sent
	if err := os.Remove(live); err != nil {
		t.Fatal(err)
	}
	f.pace(500 * time.Millisecond)
	f.finish(0)
	lost := old()
	f.check(lost + readFile(t, live))
	// 20 ms, and as much again as a busy machine may take.
	if late := len(lost)/pacedWidth - before; late > pacedRate/5 {
		t.Errorf("%d lines went into the deleted file", late)
	}
}

// A file system is lazily unmounted, and another mounted in its place.
func TestLiveFileUnmounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	live := filepath.Join(logs, "app.log")
	mountMemory(t, logs, "1m")
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.push(3)
	f.arrived(live, 3)
	first := keepOpen(t, live)
	if err := unix.Unmount(logs, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	time.Sleep(unseen)
	f.push(2)
	f.hear("moved away or deleted by someone; opening it anew")
	f.arrived(live, 2)
	second := keepOpen(t, live)
	mountMemory(t, logs, "1m")
	time.Sleep(unseen)
	f.push(1)
	f.hear("moved away or deleted by someone; opening it anew")
	f.finish(0)
	f.check(first() + second() + readFile(t, live))
	for i, got := range []int{len(first()), len(second())} {
		if want := (3 - i) * pacedWidth; got != want {
			t.Errorf("the file system that was mounted first has %d bytes, want %d", got, want)
		}
	}
}

// A live file that is deleted where it cannot be made anew: lines wait in memory, since
// nobody would read them in a file without a name.
func TestLiveFileDeletedForGood(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	live := filepath.Join(logs, "app.log")
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.push(3)
	f.arrived(live, 3)
	old := keepOpen(t, live)
	if err := os.Remove(live); err != nil {
		t.Fatal(err)
	}
	allow := forbid(t, logs)
	time.Sleep(unseen)
	f.push(5)
	f.hear("operation not permitted; lines wait in memory, trying again every second")
	f.push(5)
	f.taken()
	f.waits(10 * pacedWidth)
	allow()
	if held := f.hearHeld("operation not permitted"); held != 10 {
		t.Errorf("%d lines were held, want 10", held)
	}
	f.finish(0)
	if got := len(old()); got != 3*pacedWidth {
		t.Errorf("the deleted file has %d bytes, want %d", got, 3*pacedWidth)
	}
	f.check(old() + readFile(t, live))
}

// A user who is not root, a directory that is not his any more, and a live file that was
// moved away: lines go on into it until a new one can be made.
func TestLiveFileMovedForGood(t *testing.T) {
	t.Parallel()
	needRoot(t, "setpriv", "chown")
	dir, logs := makeLogs(t)
	run(t, "chown", "nobody", logs)
	live, moved := filepath.Join(logs, "app.log"), filepath.Join(logs, "moved.log")
	f := pacedInto(launch(t, dir, exec.Command("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
		logreel, "--every=never", "logs/app.log")))
	f.push(3)
	f.arrived(live, 3)
	if err := errors.Join(os.Chmod(logs, 0o555), os.Rename(live, moved)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(unseen)
	f.push(5)
	f.hear("permission denied; keeping logs/app.log, trying again every second")
	f.arrived(moved, 8)
	if err := os.Chmod(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new file", func() bool {
		f.push(1)
		_, err := os.Stat(live)
		return err == nil
	})
	f.finish(0)
	f.check(readFile(t, moved) + readFile(t, live))
}

// Someone cuts the live file: it is gone on with at its end, without a hole, and on a
// line of its own.
func TestLiveFileTruncated(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 2 * pacedWidth, 5 * pacedWidth / 2} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			live := filepath.Join(dir, "app.log")
			f := startPaced(t, dir, "--every=never", "app.log")
			f.push(4)
			f.arrived(live, 4)
			whole := readFile(t, live)
			if err := os.Truncate(live, int64(size)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(unseen)
			f.push(1)
			f.hear(fmt.Sprintf("warning: app.log: truncated by someone, from %d to %d bytes; going on at its end", 4*pacedWidth, size))
			f.push(1)
			f.finish(0)
			want := whole[:size]
			if size%pacedWidth != 0 {
				want += "\n"
			}
			if want += pacedLine(4) + pacedLine(5); readFile(t, live) != want {
				t.Errorf("got %q, want %q", readFile(t, live), want)
			}
			if said := f.complained(); len(said) != 1 {
				t.Errorf("said %q, want one message", said)
			}
		})
	}
}
