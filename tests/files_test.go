package tests

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// A folder is a directory of a test's own. Whatever its methods are told of is named from
// there.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	return &folder{t, t.TempDir()}
}

// newLogs returns a folder with a directory logs in it, for a test that does something to
// that directory.
func newLogs(t *testing.T) *folder {
	t.Helper()
	d := newFolder(t)
	d.makeDir("logs")
	return d
}

// newBlocked returns a folder with a file where the directory logs should be: what
// belongs there cannot be written until the file is removed.
func newBlocked(t *testing.T) *folder {
	t.Helper()
	d := newFolder(t)
	d.put("logs", "")
	return d
}

// roomyFolder has room for so many bytes: in memory where there is plenty, since a disk
// would be slower than all the rest.
func roomyFolder(t *testing.T, size uint64) *folder {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &st); err != nil || st.Bavail*uint64(st.Bsize) < 4*size {
		return newFolder(t)
	}
	dir, err := os.MkdirTemp("/dev/shm", "logreel-tests-")
	must(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &folder{t, dir}
}

// must fails the test at once for any of the errors.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// at returns the path of what has that name.
func (d *folder) at(name string) string { return filepath.Join(d.dir, name) }

// put makes a file, or gives it another text.
func (d *folder) put(name, text string) {
	d.t.Helper()
	must(d.t, os.WriteFile(d.at(name), []byte(text), 0o755))
}

// create makes a file for what somebody else writes.
func (d *folder) create(name string) *os.File {
	d.t.Helper()
	f, err := os.Create(d.at(name))
	must(d.t, err)
	d.t.Cleanup(func() { f.Close() })
	return f
}

func (d *folder) makeDir(name string) {
	d.t.Helper()
	must(d.t, os.Mkdir(d.at(name), 0o755))
}

func (d *folder) move(from, to string) {
	d.t.Helper()
	must(d.t, os.Rename(d.at(from), d.at(to)))
}

// remove removes what has the name, and all that is in it.
func (d *folder) remove(name string) {
	d.t.Helper()
	_, err := os.Lstat(d.at(name))
	must(d.t, err, os.RemoveAll(d.at(name)))
}

func (d *folder) chmod(name string, mode os.FileMode) {
	d.t.Helper()
	must(d.t, os.Chmod(d.at(name), mode))
}

// mode returns the permissions of what has the name, such as 0640.
func (d *folder) mode(name string) string {
	d.t.Helper()
	info, err := os.Stat(d.at(name))
	must(d.t, err)
	return fmt.Sprintf("%04o", info.Mode().Perm())
}

func (d *folder) exists(name string) bool {
	_, err := os.Stat(d.at(name))
	return err == nil
}

// awaitFile waits until there is something of that name.
func (d *folder) awaitFile(name string) {
	d.t.Helper()
	eventually(d.t, name, func() bool { return d.exists(name) })
}

// glob returns the names that match a pattern, in order.
func (d *folder) glob(pattern string) []string {
	d.t.Helper()
	found, err := filepath.Glob(d.at(pattern))
	must(d.t, err)
	for i, path := range found {
		found[i], err = filepath.Rel(d.dir, path)
		must(d.t, err)
	}
	return found
}

// names returns what is in a directory, in order.
func (d *folder) names(dir string) (names []string) {
	d.t.Helper()
	entries, err := os.ReadDir(d.at(dir))
	must(d.t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// read returns the text of a file.
func (d *folder) read(name string) string {
	d.t.Helper()
	return readFile(d.t, d.at(name))
}

// content returns what the files hold that match a pattern, in the order of names.
func (d *folder) content(pattern string) string {
	d.t.Helper()
	var all strings.Builder
	for _, name := range d.glob(pattern) {
		all.WriteString(d.read(name))
	}
	return all.String()
}

// expect fails the test unless that is what the files hold that match a pattern.
func (d *folder) expect(pattern, want string) {
	d.t.Helper()
	got := d.content(pattern)
	if got == want {
		return
	}
	if len(got)+len(want) > 10_000 {
		same := 0
		for same < min(len(got), len(want)) && got[same] == want[same] {
			same++
		}
		d.t.Errorf("%s: got %d bytes, want %d; from byte %d on they differ: got %.40q, want %.40q", pattern, len(got), len(want), same, got[same:], want[same:])
		return
	}
	d.t.Errorf("%s: got %q, want %q", pattern, got, want)
}

// keepOpen opens a file, to read it when its name is gone.
func (d *folder) keepOpen(name string) (read func() string) {
	d.t.Helper()
	f, err := os.Open(d.at(name))
	must(d.t, err)
	d.t.Cleanup(func() { f.Close() })
	return func() string {
		d.t.Helper()
		text, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<40))
		must(d.t, err)
		return string(text)
	}
}

// unpack calls f with each line of a file, be it compressed or not.
func (d *folder) unpack(name string, f func(line string)) {
	d.t.Helper()
	packed := []byte(d.read(name))
	in, err := io.Reader(bytes.NewReader(packed)), error(nil)
	switch filepath.Ext(name) {
	case ".gz":
		in, err = gzip.NewReader(in) // not the one that logreel compresses with
	case ".zst":
		in, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	}
	must(d.t, err)
	s := bufio.NewScanner(in)
	for s.Scan() {
		f(s.Text())
	}
	if err := s.Err(); err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
}

// count returns how often each line is in the files and archives of a directory. It fails
// the test for anything else that is there.
func (d *folder) count(dir string) map[string]int {
	d.t.Helper()
	lines := map[string]int{}
	for _, name := range d.names(dir) {
		if strings.HasPrefix(name, ".") {
			d.t.Errorf("%s is left", name)
			continue
		}
		d.unpack(filepath.Join(dir, name), func(line string) { lines[line]++ })
	}
	return lines
}

// inOrder returns the files in the order in which they were written: by period, and within
// it by number.
func (d *folder) inOrder() []string {
	d.t.Helper()
	split := func(name string) (base string, number int) {
		base, digits, found := strings.Cut(name, ".log")
		if !found || digits == "" {
			return base, 0
		}
		number, err := strconv.Atoi(strings.TrimPrefix(digits, "."))
		if err != nil {
			d.t.Fatalf("unexpected file %s", name)
		}
		return base, number
	}
	names := d.names(".")
	slices.SortFunc(names, func(a, b string) int {
		baseA, a1 := split(a)
		baseB, b1 := split(b)
		return cmp.Or(cmp.Compare(baseA, baseB), cmp.Compare(a1, b1))
	})
	return names
}

// eachLine calls f with every line of a file, and with the rest after the last one.
func (d *folder) eachLine(name string, f func(line []byte)) {
	d.t.Helper()
	file, err := os.Open(d.at(name))
	must(d.t, err)
	defer file.Close()
	for r := bufio.NewReaderSize(file, 256<<10); ; {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			f(line)
		}
		if err == io.EOF {
			return
		}
		if err != bufio.ErrBufferFull {
			must(d.t, err)
		}
	}
}

// tally reports the first few of what may be wrong in very many places.
type tally struct {
	t     *testing.T
	wrong int
}

func (w *tally) errorf(format string, args ...any) {
	w.t.Helper()
	if w.wrong++; w.wrong <= 5 {
		w.t.Errorf(format, args...)
	}
}

func (w *tally) end() {
	w.t.Helper()
	if w.wrong > 5 {
		w.t.Errorf("… %d such in all", w.wrong)
	}
}

// readFile returns the text of a file anywhere.
func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}
