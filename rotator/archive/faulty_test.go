package archive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	fast "github.com/klauspost/compress/gzip"

	"github.com/logreel/logreel/rotator/files"
)

// A faultyDisk is the real file system, on which something happens before an operation:
// an error, or the work of another process. Nothing is synced, since nothing crashes.
type faultyDisk struct {
	files.Disk
	// at is called with the number of an operation, from 1, and returns what it fails
	// with.
	at    func(n int, op string) error
	count int
	ops   []string
	dead  bool
	open  []*faultyFile
}

// before counts an operation.
func (d *faultyDisk) before(op, path string) error {
	if d.dead {
		return errKilled
	}
	d.count++
	d.ops = append(d.ops, op)
	err := d.at(d.count, op)
	if err == nil || err == errShort {
		return err
	}
	if err == errKilled && op != "write" {
		d.kill()
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// kill does to open files what the end of a process does.
func (d *faultyDisk) kill() {
	d.dead = true
	for _, f := range d.open {
		_ = f.File.Close()
	}
	d.open = nil
}

func (d *faultyDisk) opened(path string, f files.File, err error) (files.File, error) {
	if err != nil {
		return nil, err
	}
	file := &faultyFile{f, d, path}
	d.open = append(d.open, file)
	return file, nil
}

func (d *faultyDisk) Read(path string) (files.File, error) {
	if err := d.before("open", path); err != nil {
		return nil, err
	}
	f, err := d.Disk.Read(path)
	return d.opened(path, f, err)
}

func (d *faultyDisk) ReadToLock(path string) (files.File, error) {
	if err := d.before("open", path); err != nil {
		return nil, err
	}
	f, err := d.Disk.ReadToLock(path)
	return d.opened(path, f, err)
}

func (d *faultyDisk) Temporary(path string) (files.File, error) {
	if err := d.before("create", path); err != nil {
		return nil, err
	}
	f, err := d.Disk.Temporary(path)
	return d.opened(path, f, err)
}

func (d *faultyDisk) Stat(path string, follow bool) (files.Info, error) {
	if err := d.before("stat", path); err != nil {
		return files.Info{}, err
	}
	return d.Disk.Stat(path, follow)
}

func (d *faultyDisk) Names(dir string) ([]string, error) {
	if err := d.before("list", dir); err != nil {
		return nil, err
	}
	return d.Disk.Names(dir)
}

func (d *faultyDisk) Readlink(path string) (string, error) {
	if err := d.before("readlink", path); err != nil {
		return "", err
	}
	return d.Disk.Readlink(path)
}

func (d *faultyDisk) Symlink(target, path string) error {
	if err := d.before("symlink", path); err != nil {
		return err
	}
	return d.Disk.Symlink(target, path)
}

func (d *faultyDisk) Rename(from, to string) error {
	if err := d.before("rename", from); err != nil {
		return err
	}
	return d.Disk.Rename(from, to)
}

func (d *faultyDisk) Remove(path string) error {
	if err := d.before("remove", path); err != nil {
		return err
	}
	return d.Disk.Remove(path)
}

func (d *faultyDisk) Rmdir(path string) error {
	if err := d.before("rmdir", path); err != nil {
		return err
	}
	return d.Disk.Rmdir(path)
}

func (d *faultyDisk) SyncDir(path string) error { return d.before("syncdir", path) }

func (d *faultyDisk) SetTimes(path string, accessed, modified time.Time) error {
	if err := d.before("utimes", path); err != nil {
		return err
	}
	return d.Disk.SetTimes(path, accessed, modified)
}

func (d *faultyDisk) Space(path string) (size, free int64, err error) {
	if err := d.before("statfs", path); err != nil {
		return 0, 0, err
	}
	return d.Disk.Space(path)
}

type faultyFile struct {
	files.File
	disk *faultyDisk
	path string
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.disk.before("read", f.path); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// Write writes half when it is cut short, or the process killed meanwhile.
func (f *faultyFile) Write(p []byte) (int, error) {
	err := f.disk.before("write", f.path)
	half := p[:(len(p)+1)/2]
	switch {
	case err == errShort:
		return f.File.Write(half)
	case errors.Is(err, errKilled) && !f.disk.dead:
		_, writeErr := f.File.Write(half)
		f.disk.kill()
		return 0, errors.Join(err, writeErr)
	case err != nil:
		return 0, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Truncate() error {
	if err := f.disk.before("truncate", f.path); err != nil {
		return err
	}
	return f.File.Truncate()
}

func (f *faultyFile) Sync() error { return f.disk.before("sync", f.path) }

func (f *faultyFile) Chmod(mode uint32) error {
	if err := f.disk.before("chmod", f.path); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

func (f *faultyFile) Chown(uid, gid int) error {
	if err := f.disk.before("chown", f.path); err != nil {
		return err
	}
	return f.File.Chown(uid, gid)
}

func (f *faultyFile) SetTimes(accessed, modified time.Time) error {
	if err := f.disk.before("utimes", f.path); err != nil {
		return err
	}
	return f.File.SetTimes(accessed, modified)
}

func (f *faultyFile) Info() (files.Info, error) {
	if err := f.disk.before("fstat", f.path); err != nil {
		return files.Info{}, err
	}
	return f.File.Info()
}

func (f *faultyFile) Lock(alone bool) error {
	if err := f.disk.before("lock", f.path); err != nil {
		return err
	}
	return f.File.Lock(alone)
}

// Close closes all the same when it fails, as the system call does.
func (f *faultyFile) Close() error {
	if f.disk.dead {
		return errKilled
	}
	err := f.disk.before("close", f.path)
	if f.disk.dead {
		return err
	}
	f.disk.open = slices.DeleteFunc(f.disk.open, func(other *faultyFile) bool { return other == f })
	return errors.Join(err, f.File.Close())
}

// stored is gzip that takes next to no time.
var stored = &Format{
	Name: "gzip", Ending: ".gz", reader: formats[0].reader,
	writer: func(w io.Writer) (io.WriteCloser, error) { return fast.NewWriterLevel(w, fast.StatelessCompression) },
}

// logged returns the lines of a file, compressed or not, by the standard library.
func logged(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && strings.HasSuffix(path, ".gz") {
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(content)); err == nil {
			content, err = io.ReadAll(r)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(content), "\n"), "\n")
}

// packed returns a text compressed.
func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := stored.writer(&b)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// everyOperation makes passes of which operation n fails, for every n. It returns how
// many there are.
func everyOperation(t *testing.T, pass func(n int) *faultyDisk) int {
	t.Helper()
	for n := 1; !t.Failed(); n++ {
		if disk := pass(n); disk.count < n {
			return n - 1
		}
	}
	return 0
}

func fine(int, string) error { return nil }
