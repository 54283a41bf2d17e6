package rotator

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/files/filestest"
)

// Of several that start on a file that ends inside a line, one ends that line.
func TestTornAtOnce(t *testing.T) {
	t.Parallel()
	dir := filestest.Dir(t)
	for n := range 300 {
		path := filepath.Join(dir, "log")
		if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		begin := make(chan struct{})
		var ends sync.WaitGroup
		for range 3 {
			r, err := New(Config{Pattern: compile(t, pattern.Config{Pattern: path, Repeat: true}), Mode: 0o600})
			if err != nil {
				t.Fatal(err)
			}
			ends.Go(func() {
				<-begin
				if _, err := r.Write([]byte("line\n"), noon); err != nil {
					t.Error(err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		ends.Wait()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(content); got != "torn\nline\nline\nline\n" {
			t.Fatalf("round %d: got %q", n, got)
		}
	}
}

// A file that somebody has locked is written all the same, on a line of its own.
func TestTornAndLocked(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := os.WriteFile(b.path("1200"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := files.Disk{}.ReadToLock(b.path("1200"))
	if err == nil {
		err = lock.Lock(true)
	}
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		b.write("line\n")
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(time.Minute):
		t.Error("it waits for the lock")
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	<-written
	b.want("1200", "torn\nline\n")
}

// A directory is made where the system looks for it: ".." behind a symlink is above what
// that leads to, and behind a directory that is yet to be made it is what that is in.
func TestDirectoryAboveSymlink(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, want string }{
		{"link/../new/log", "far/new/log"},
		{"missing/../new/log", "new/log"},
		{"a//b/log", "a/b/log"},
	} {
		dir := filestest.Dir(t)
		if err := os.MkdirAll(dir+"/far/away", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("far/away", dir+"/link"); err != nil {
			t.Fatal(err)
		}
		r, err := New(Config{Pattern: compile(t, pattern.Config{Pattern: dir + "/" + test.path, Repeat: true}), Mode: 0o600, DirMode: 0o700})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Write([]byte("line\n"), noon); err != nil {
			t.Errorf("%s: %v", test.path, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir + "/" + test.want); err != nil {
			t.Errorf("%s: %v", test.path, err)
		}
		if _, err := os.Stat(dir + "/new"); err == nil && !strings.HasPrefix(test.want, "new/") {
			t.Errorf("%s: it made a directory elsewhere", test.path)
		}
	}
}
