package files

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// opened opens a file once more, to lock it.
func opened(t *testing.T, path string) File {
	t.Helper()
	f, err := Disk{}.ReadToLock(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newLocked(t *testing.T) (path string) {
	t.Helper()
	path = t.TempDir() + "/a.log"
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Any number share a file, or one has it alone.
func TestLock(t *testing.T) {
	t.Parallel()
	path := newLocked(t)
	a, b, c := opened(t, path), opened(t, path), opened(t, path)
	for _, step := range []struct {
		name string
		do   func() error
		want error
	}{
		{"a shares", func() error { return a.Lock(false) }, nil},
		{"b shares", func() error { return b.Lock(false) }, nil},
		{"again", func() error { return b.Lock(false) }, nil},
		{"c would have it alone", func() error { return c.Lock(true) }, ErrLocked},
		{"b would, and goes on sharing", func() error { return b.Lock(true) }, ErrLocked},
		{"a ends", a.Close, nil},
		{"c would", func() error { return c.Lock(true) }, ErrLocked},
		{"b has it alone", func() error { return b.Lock(true) }, nil},
		{"c would share", func() error { return c.Lock(false) }, ErrLocked},
		{"b shares again", func() error { return b.Lock(false) }, nil},
		{"c shares", func() error { return c.Lock(false) }, nil},
		{"b would", func() error { return b.Lock(true) }, ErrLocked},
		{"b ends", b.Close, nil},
		{"c has it", func() error { return c.Lock(true) }, nil},
		{"c ends", c.Close, nil},
	} {
		if err := step.do(); !errors.Is(err, step.want) || step.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", step.name, err, step.want)
		}
	}
}

// Two who have chosen the same byte share a file all the same.
func TestLockSameByte(t *testing.T) {
	t.Parallel()
	path := newLocked(t)
	a, b := opened(t, path), opened(t, path)
	if err := a.Lock(false); err != nil {
		t.Fatal(err)
	}
	b.(*diskFile).lock.own = a.(*diskFile).lock.own
	if err := b.Lock(false); err != nil || b.(*diskFile).lock.own == a.(*diskFile).lock.own {
		t.Errorf("got %v, byte %d", err, b.(*diskFile).lock.own)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
}

// Of those who may only read a file none has a lock that counts.
func TestLockOfReader(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]func(fd uintptr) error{
		"flock": func(fd uintptr) error { return unix.Flock(int(fd), unix.LOCK_EX) },
		"open file description": func(fd uintptr) error {
			return unix.FcntlFlock(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK})
		},
	} {
		path := newLocked(t)
		reader, err := os.Open(path)
		if err == nil {
			err = lock(reader.Fd())
		}
		if err != nil {
			t.Fatal(err)
		}
		before, writer := ErrReader, opened(t, path)
		if name == "flock" {
			before = nil
		}
		for _, alone := range []bool{true, false} {
			if err := writer.Lock(alone); !errors.Is(err, before) || before == nil && err != nil {
				t.Errorf("%s, alone %v: got %v, want %v", name, alone, err, before)
			}
		}
		if err := errors.Join(reader.Close(), writer.Lock(false)); err != nil {
			t.Error(err)
		}
		// Once a writer is there, no reader hides it.
		if reader, err = os.Open(path); err != nil {
			t.Fatal(err)
		}
		_ = unix.FcntlFlock(reader.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Len: lockStart})
		if err := opened(t, path).Lock(true); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := errors.Join(reader.Close(), writer.Close()); err != nil {
			t.Error(err)
		}
	}
}
