package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
)

// failingFiles is the real file system, of which one operation fails, once or from
// then on.
type failingFiles struct {
	files.System
	count int           // operations so far
	fails int           // the operation that fails, counted from 1
	times int           // how many in a row fail
	errno syscall.Errno // 0: a write is cut short instead
}

// fault counts an operation, and returns an error if it is to fail.
func (f *failingFiles) fault(op string) error {
	f.count++
	if f.fails <= f.count && f.count < f.fails+f.times && f.errno != 0 {
		return &fs.PathError{Op: op, Path: "injected", Err: f.errno}
	}
	return nil
}

func (f *failingFiles) Open(path string, create bool, mode uint32) (files.File, error) {
	if err := f.fault("open"); err != nil {
		return nil, err
	}
	file, err := f.System.Open(path, create, mode)
	if err != nil {
		return nil, err
	}
	return &failingFile{file, f}, nil
}

func (f *failingFiles) Mkdir(path string) (files.File, error) {
	if err := f.fault("mkdir"); err != nil {
		return nil, err
	}
	dir, err := f.System.Mkdir(path)
	if err != nil {
		return nil, err
	}
	return &failingFile{dir, f}, nil
}

func (f *failingFiles) Names(dir string) ([]string, error) {
	if err := f.fault("read"); err != nil {
		return nil, err
	}
	return f.System.Names(dir)
}

func (f *failingFiles) Stat(path string, follow bool) (files.Info, error) {
	if err := f.fault("stat"); err != nil {
		return files.Info{}, err
	}
	return f.System.Stat(path, follow)
}

func (f *failingFiles) Readlink(path string) (string, error) {
	if err := f.fault("readlink"); err != nil {
		return "", err
	}
	return f.System.Readlink(path)
}

func (f *failingFiles) Link(path, name string, is files.Info) error {
	if err := f.fault("link"); err != nil {
		return err
	}
	return f.System.Link(path, name, is)
}

func (f *failingFiles) Remove(path string) error {
	if err := f.fault("remove"); err != nil {
		return err
	}
	return f.System.Remove(path)
}

func (f *failingFiles) Symlink(target, path string) error {
	if err := f.fault("symlink"); err != nil {
		return err
	}
	return f.System.Symlink(target, path)
}

func (f *failingFiles) Rename(from, to string) error {
	if err := f.fault("rename"); err != nil {
		return err
	}
	return f.System.Rename(from, to)
}

type failingFile struct {
	files.File
	files *failingFiles
}

func (f *failingFile) Write(p []byte) (int, error) {
	if err := f.files.fault("write"); err != nil {
		return 0, err
	}
	if f.files.fails <= f.files.count && f.files.count < f.files.fails+f.files.times {
		return f.File.Write(p[:(len(p)+1)/2])
	}
	return f.File.Write(p)
}

func (f *failingFile) Chmod(mode uint32) error {
	if err := f.files.fault("chmod"); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

func (f *failingFile) Info() (files.Info, error) {
	if err := f.files.fault("stat"); err != nil {
		return files.Info{}, err
	}
	return f.File.Info()
}

// Lock fails as on a file system that has no locks.
func (f *failingFile) Lock(alone bool) error {
	if err := f.files.fault("lock"); err != nil {
		return err
	}
	return f.File.Lock(alone)
}

func (f *failingFile) Close() error {
	return errors.Join(f.files.fault("close"), f.File.Close())
}

// Whatever operation of a session fails, in whatever way, and for however long:
// every line is written once, whole and in order.
func TestEveryOperationFails(t *testing.T) {
	t.Parallel()
	try := func(size int64, errno syscall.Errno, times int) {
		t.Run(fmt.Sprintf("--size=%d, errno %d, %d in a row", size, errno, times), func(t *testing.T) {
			t.Parallel()
			for fails := 1; !t.Failed(); fails++ {
				disk := &failingFiles{System: files.Disk{}, fails: fails, times: times, errno: errno}
				session(t, disk, size)
				if disk.count < fails {
					break
				}
			}
		})
	}
	for _, errno := range []syscall.Errno{0, unix.ENOSPC, unix.ENOENT} {
		for _, times := range []int{1, 7} {
			try(0, errno, times)
			try(40, errno, times)
		}
	}
	if testing.Short() {
		return
	}
	for _, errno := range []syscall.Errno{unix.EACCES, unix.EDQUOT, unix.EROFS, unix.EIO, unix.ENAMETOOLONG, unix.EMFILE, unix.EISDIR,
		unix.ENOTDIR, unix.EFBIG, unix.ESTALE, unix.EINTR} {
		try(40, errno, 2)
	}
}

// session writes numbered lines over several periods, with a reopening and a pause,
// and reads the files back.
func session(t *testing.T, disk *failingFiles, size int64) {
	t.Helper()
	b := newBench(t, func(c *Config, dir string) {
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/logs/%H%M%S"})
		c.Link, c.PreviousLink, c.HardLink, c.Size, c.Files = dir+"/live", dir+"/previous", dir+"/hard", size, disk
	})
	var want strings.Builder
	for n := range 12 {
		b.at(time.Duration(n) * 400 * time.Millisecond)
		lines := fmt.Sprintf("%03d first\n%03d second\n", n, n)
		want.WriteString(lines)
		at := b.now
		for done := 0; done < len(lines); {
			n, err := b.Write([]byte(lines[done:]), at)
			done += n
			if err != nil {
				b.now = b.now.Add(time.Second)
			}
		}
		switch n {
		case 5:
			b.Reopen(b.now)
		case 8:
			b.Tick(b.now.Add(time.Second), false)
		}
	}
	if err := b.Close(); err != nil && !strings.Contains(err.Error(), "injected") {
		t.Error(err)
	}
	names, err := filepath.Glob(b.path("logs/*"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > 0 && content[len(content)-1] != '\n' {
			t.Errorf("%s ends inside a line", name)
		}
		got = append(got, string(content))
	}
	if strings.Join(got, "") != want.String() {
		t.Errorf("from operation %d on, got\n%s", disk.fails, strings.Join(got, "-- \n"))
	}
}

// While the next file cannot be opened, lines go on into the last one, even past an
// idle boundary; it is said once, tried every second, and said again when it is over.
func TestKeepsTheLiveFile(t *testing.T) {
	t.Parallel()
	disk := &failingFiles{System: files.Disk{}}
	b := newBench(t, func(c *Config, _ string) { c.Files = disk })
	b.write("one\n")
	disk.System = noOpen{files.Disk{}}
	b.at(time.Minute).write("two\n")
	b.at(time.Minute+30*time.Second).Tick(b.now, false)
	for second := range 5 {
		b.at(2*time.Minute + time.Duration(second)*time.Second).write("three\n")
	}
	disk.System = files.Disk{}
	b.write("four\n")
	b.at(2*time.Minute + 5*time.Second).write("five\n")
	b.want("1200", "one\ntwo\n"+strings.Repeat("three\n", 5)+"four\n", "1202", "five\n")
	if len(b.said) != 2 || !strings.Contains(b.said[0], "keeping "+b.path("1200")) || !strings.Contains(b.said[1], "over after 1m5s") {
		t.Errorf("said %q", b.said)
	}
}

// noOpen is a file system on which nothing can be opened.
type noOpen struct{ files.System }

func (noOpen) Open(path string, create bool, mode uint32) (files.File, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EACCES}
}

// A line of which a part is in a file that is deleted or truncated before the rest can
// be written is written again, as a whole. One in pieces cannot be: the rest of it is.
func TestBegunLineIsLost(t *testing.T) {
	t.Parallel()
	remove := func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	truncate := func(t *testing.T, path string) {
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name    string
		batches []string
		cut     []int // which writes are cut short
		lose    func(t *testing.T, path string)
		want    string
	}{
		{"deleted", []string{"one\nsecond line\nthree\n"}, []int{1}, remove, "second line\nthree\n"},
		{"truncated", []string{"one\nsecond line\nthree\n"}, []int{1}, truncate, "second line\nthree\n"},
		{"deleted, and cut again", []string{"one\nsecond line\nthree\n"}, []int{1, 2}, remove, "second line\nthree\n"},
		{"deleted, in pieces", []string{"one\nsecond ", "line\nthree\n"}, nil, remove, "line\nthree\n"},
		{"deleted, a piece cut", []string{"one\nsecond long ", "piece of a line\nthree\n"}, []int{2}, remove, " a line\nthree\n"},
	} {
		disk := &failingFiles{System: files.Disk{}, times: 1}
		b := newBench(t, func(c *Config, _ string) { c.Files = disk })
		writes, lost := 0, false
		for _, batch := range test.batches {
			for len(batch) > 0 {
				writes++
				disk.fails = 0
				if slices.Contains(test.cut, writes) {
					disk.fails = disk.count + 1 // whichever operation it is, a write is cut
					disk.times = 100
				}
				n, err := b.Write([]byte(batch), b.now)
				if err != nil {
					t.Fatal(err)
				}
				batch = batch[n:]
				if !lost && b.midLine && (len(test.cut) == 0 || writes >= test.cut[0]) {
					lost = true
					test.lose(t, b.path("1200"))
					b.now = b.now.Add(time.Second)
				}
			}
		}
		if got, err := os.ReadFile(b.path("1200")); err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

// A file that an archive removes while it is opened is opened anew at once.
func TestRemovedWhileOpened(t *testing.T) {
	t.Parallel()
	disk := &vanishing{System: files.Disk{}, times: 3}
	b := newBench(t, func(c *Config, _ string) { c.Files = disk })
	b.write("one\n")
	b.want("1200", "one\n")
	if len(b.said) > 0 || disk.times > 0 {
		t.Errorf("said %q; %d times to go", b.said, disk.times)
	}
}

// vanishing is a file system on which files are removed when they are opened, so often.
type vanishing struct {
	files.System
	times int
}

func (v *vanishing) Open(path string, create bool, mode uint32) (files.File, error) {
	f, err := v.System.Open(path, create, mode)
	if err != nil || v.times == 0 {
		return f, err
	}
	v.times--
	return f, v.Remove(path)
}
