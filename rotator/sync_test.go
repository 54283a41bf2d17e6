package rotator

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
)

// A syncedDisk is the real file system, with a sync that the test answers.
type syncedDisk struct {
	files.Disk
	asked  chan string // the path, when a sync begins
	answer chan error
}

func (d *syncedDisk) Open(path string, create bool, mode uint32) (files.File, error) {
	f, err := d.Disk.Open(path, create, mode)
	return &syncedFile{f, d, path}, err
}

func (d *syncedDisk) SyncDir(string) error { return nil }

type syncedFile struct {
	files.File
	disk *syncedDisk
	path string
}

func (f *syncedFile) Sync() error {
	f.disk.asked <- f.path
	return <-f.disk.answer
}

// newSyncBench returns a rotator that syncs the live file every second.
func newSyncBench(t *testing.T) (*bench, *syncedDisk) {
	d := &syncedDisk{asked: make(chan string), answer: make(chan error)}
	return newBench(t, func(c *Config, dir string) {
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/%F"})
		c.Sync, c.Files = time.Second, d
	}), d
}

// line writes a line.
func (b *bench) line() {
	b.t.Helper()
	if n, err := b.Write([]byte("line\n"), b.now); n != 5 || err != nil {
		b.t.Fatal(n, err)
	}
}

// after lets time pass and ticks.
func (b *bench) after(d time.Duration) {
	b.now = b.now.Add(d)
	b.Tick(b.now, false)
}

// begins waits for a sync to begin.
func (d *syncedDisk) begins(t *testing.T) {
	t.Helper()
	select {
	case <-d.asked:
	case <-time.After(time.Minute):
		t.Fatal("no sync")
	}
}

// ends answers a sync and waits until the rotator has taken note.
func (d *syncedDisk) ends(b *bench, err error) {
	began := b.syncer.began
	d.answer <- err
	for b.syncer.began.Equal(began) {
		b.Tick(b.now, false)
		runtime.Gosched()
	}
	b.syncer.lead = 0 // a sync takes as long as the machine is busy
}

// none fails if a sync has begun.
func (d *syncedDisk) none(b *bench) {
	b.t.Helper()
	if !b.syncer.began.IsZero() {
		b.t.Fatal("a sync has begun")
	}
}

// The live file is synced a second after the oldest line that was not, and only then.
func TestSync(t *testing.T) {
	t.Parallel()
	b, d := newSyncBench(t)
	b.after(time.Hour)
	d.none(b)
	b.line()
	if got, want := b.Until(), b.now.Add(time.Second); !got.Equal(want) {
		t.Errorf("until %v, want %v", got, want)
	}
	b.after(600 * time.Millisecond)
	b.line()
	d.none(b)
	b.after(400 * time.Millisecond)
	d.begins(t)
	b.line() // which waits for nobody, and is synced next time
	d.ends(b, nil)
	b.after(999 * time.Millisecond)
	d.none(b)
	b.after(time.Millisecond)
	d.begins(t)
	d.ends(b, nil)
	b.after(time.Hour)
	d.none(b)
	if len(b.said) > 0 {
		t.Errorf("said %q", b.said)
	}
}

// A clock that is set back delays no sync.
func TestSyncClockSetBack(t *testing.T) {
	t.Parallel()
	b, d := newSyncBench(t)
	b.line()
	b.after(-time.Hour)
	d.begins(t)
	d.ends(b, nil)
}

// A sync is begun so much earlier as the last one took.
func TestSyncLead(t *testing.T) {
	t.Parallel()
	b, d := newSyncBench(t)
	b.line()
	b.syncer.lead = 300 * time.Millisecond
	b.after(700 * time.Millisecond)
	d.begins(t)
	d.ends(b, nil)
}

// A sync that hangs is said once, and once when it is over; lines are written meanwhile.
func TestSyncHangs(t *testing.T) {
	t.Parallel()
	b, d := newSyncBench(t)
	b.line()
	b.after(time.Second)
	d.begins(t)
	for range 100 {
		b.line()
		b.after(100 * time.Millisecond)
	}
	if until := b.Until(); until.Sub(b.now) > time.Second {
		t.Errorf("looks again at %v", until)
	}
	want := "--sync: the disk has not answered for 5s; what is written may not survive a power cut"
	if len(b.said) != 1 || b.said[0] != want {
		t.Fatalf("said %q, want %q", b.said, want)
	}
	d.ends(b, nil)
	if len(b.said) != 2 || !strings.HasSuffix(b.said[1], "over after 10s") {
		t.Errorf("said %q", b.said)
	}
	d.begins(t) // at once: what came meanwhile has waited long enough
	d.ends(b, nil)
}

// One that fails is tried again.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	b, d := newSyncBench(t)
	b.line()
	b.after(time.Second)
	for range 3 {
		d.begins(t)
		d.ends(b, unix.EIO)
		b.after(time.Second)
	}
	if len(b.said) != 1 || !strings.Contains(b.said[0], "input/output error; what is written may not survive") {
		t.Fatalf("said %q", b.said)
	}
	d.begins(t)
	d.ends(b, nil)
	if len(b.said) != 2 {
		t.Errorf("said %q", b.said)
	}
	b.after(time.Hour)
	d.none(b)
}

// At the end of input whoever syncs finished files gets the live one.
func TestSyncAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, sync := range []time.Duration{0, time.Second} {
		var finished []string
		b := newBench(t, func(c *Config, _ string) {
			c.Sync, c.Finished = sync, func(path string) { finished = append(finished, path) }
		})
		b.line()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if got, want := len(finished) == 1, sync > 0; got != want {
			t.Errorf("sync %v: finished %q", sync, finished)
		}
	}
}
