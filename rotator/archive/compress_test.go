package archive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/logreel/logreel/rotator/files"
)

// unpacked returns what is in a compressed file: by the program that users have, or by a
// library.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	program := "gzip"
	if strings.HasSuffix(path, ".zst") {
		program = "zstd"
	}
	if _, err := exec.LookPath(program); err == nil {
		cmd := exec.Command(program, "-dc", path)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s -dc %s: %v", program, path, err)
		}
		return string(out)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader
	if program == "gzip" {
		r, err = gzip.NewReader(bytes.NewReader(content))
	} else {
		r, err = zstd.NewReader(bytes.NewReader(content))
	}
	if err == nil {
		content, err = io.ReadAll(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// wantContent compares what is in a compressed file.
func (fx *fixture) wantContent(name, want string) {
	fx.t.Helper()
	if got := unpacked(fx.t, fx.path(name)); got != want {
		fx.t.Errorf("%s: got %d bytes, want %d: %.80q", name, len(got), len(want), got)
	}
}

// A compressed file has the content, the mode, the owner and the time of the original,
// which is gone.
func TestCompress(t *testing.T) { // not parallel: it forks
	noise := make([]byte, 5<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	contents := map[string]string{
		"empty": "", "a line": "one\n", "torn": "one\ntwo", "zeros": string(make([]byte, 3<<20)), "noise": string(noise),
		"lines": strings.Repeat("2026-11-20 12:00:00 GET /index.html 200\n", 30000), "a chunk": string(noise[:chunk]), "a chunk and one": string(noise[:chunk+1]),
	}
	for _, format := range formats {
		for name, content := range contents {
			t.Run(format.Name+" "+name, func(t *testing.T) {
				fx := newFixture(t, daily)
				fx.Compress = format
				fx.write("2026-11-21.log", "live\n")
				fx.write(yesterday, content)
				uid, gid := os.Getuid(), os.Getgid()
				if uid == 0 {
					uid, gid = 1234, 2345
				}
				if err := errors.Join(os.Chown(fx.path(yesterday), uid, gid), os.Chmod(fx.path(yesterday), 0o604)); err != nil {
					t.Fatal(err)
				}
				fx.run().want(yesterday+format.Ending, "2026-11-21.log")
				whole := content // what a crash has torn is ended
				if content != "" && !strings.HasSuffix(content, "\n") {
					whole += "\n"
				}
				fx.wantContent(yesterday+format.Ending, whole)
				info, err := files.Disk{}.Stat(fx.path(yesterday+format.Ending), false)
				if err != nil || info.Mode != 0o604 || info.UID != uid || info.GID != gid || !info.Modified.Equal(written) {
					t.Errorf("got %+v, %v", info, err)
				}
				if name == "lines" && info.Size > int64(len(content)/50) {
					t.Errorf("%d bytes are compressed to %d", len(content), info.Size)
				}
				fx.wantQuiet()
				before, err := os.Stat(fx.path(yesterday + format.Ending))
				if err != nil {
					t.Fatal(err)
				}
				after, err := os.Stat(fx.run().path(yesterday + format.Ending))
				if err != nil || !os.SameFile(before, after) {
					t.Errorf("one more pass made it anew: %v", err)
				}
			})
		}
	}
}

// Lines that come later are appended to the compressed file; one of another format stays.
func TestLateLines(t *testing.T) { // not parallel: it forks
	for _, format := range formats {
		fx := newFixture(t, daily)
		fx.Compress = format
		want := ""
		for n := range 3 {
			line := fmt.Sprintf("line %d\n", n)
			fx.write(yesterday, line)
			late := written.Add(time.Duration(n) * time.Hour)
			if err := os.Chtimes(fx.path(yesterday), late, late); err != nil {
				t.Fatal(err)
			}
			want += line
			fx.run().want(yesterday + format.Ending)
			fx.wantContent(yesterday+format.Ending, want)
			if info, err := os.Stat(fx.path(yesterday + format.Ending)); err != nil || !info.ModTime().Equal(late) {
				t.Errorf("changed at %v, %v; want %v", info.ModTime(), err, late)
			}
		}
		other := formats[0]
		if format == other {
			other = formats[1]
		}
		fx.Compress = other
		fx.write(yesterday, "other\n")
		fx.run().want(yesterday+format.Ending, yesterday+other.Ending)
		fx.wantContent(yesterday+format.Ending, want)
		fx.wantContent(yesterday+other.Ending, "other\n")
		fx.wantQuiet()
	}
}

// A pass goes on where another was killed.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	const archive, temporary, done = yesterday + ".gz", "." + yesterday + ".gz.tmp", "." + yesterday + ".gz.done"
	first, both := packed(t, "1\n"), packed(t, "1\n")+packed(t, "2\n")
	for _, test := range []struct {
		name string
		is   map[string]string
		want string
	}{
		{"killed while it was compressed", map[string]string{yesterday: "1\n2\n", temporary: both[:30]}, "1\n2\n"},
		{"and there was one", map[string]string{archive: first, yesterday: "2\n", temporary: both[:30]}, "1\n2\n"},
		{"killed when it was complete", map[string]string{archive: first, yesterday: "2\n", temporary: both}, "1\n2\n"},
		{"killed before it had its name", map[string]string{archive: first, done: "2\n", temporary: both}, "1\n2\n"},
		{"and lines came", map[string]string{archive: first, done: "2\n", temporary: both, yesterday: "3\n"}, "1\n2\n3\n"},
		{"killed before the original was removed", map[string]string{archive: both, done: "2\n"}, "1\n2\n"},
		{"and lines came that look the same", map[string]string{archive: both, done: "2\n", yesterday: "2\n"}, "1\n2\n2\n"},
		{"and another pass was about to compress them", map[string]string{archive: both, done: "2\n", temporary: "", yesterday: "3\n"}, "1\n2\n3\n"},
		{"the same lines in both, which is no leftover", map[string]string{archive: both, yesterday: "2\n"}, "1\n2\n2\n"},
	} {
		fx := newFixture(t, daily)
		fx.Compress = FormatNamed("gzip")
		for name, content := range test.is {
			fx.write(name, content)
		}
		fx.run().want(archive)
		if got := strings.Join(logged(t, fx.path(archive)), ""); got != strings.TrimSuffix(test.want, "\n") {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		fx.wantQuiet()
	}
}

// An original whose compressed file somebody has removed, complete or not, is the file
// again; beside a new one it stays, and that is said.
func TestOriginalAlone(t *testing.T) {
	t.Parallel()
	const temporary, done = "." + yesterday + ".gz.tmp", "." + yesterday + ".gz.done"
	for _, empty := range []bool{false, true} {
		fx := newFixture(t, daily)
		fx.Compress = stored
		fx.write(done, "1\n")
		if empty {
			fx.write(temporary, "")
		}
		fx.run().want(yesterday + ".gz")
		fx.wantQuiet()
		if got := strings.Join(logged(t, fx.path(yesterday+".gz")), ""); got != "1" {
			t.Errorf("got %q", got)
		}
	}
	fx := newFixture(t, daily)
	fx.KeepCount = 100
	fx.write(done, "1\n")
	fx.write(yesterday, "2\n")
	fx.run().want(done, yesterday)
	fx.wantSaid("the only copy of what was written is", done)
	if err := errors.Join(os.Remove(fx.path(yesterday)), os.Link(fx.path(done), fx.path(yesterday))); err != nil { // and killed
		t.Fatal(err)
	}
	fx.said = nil
	fx.run().want(yesterday)
	fx.wantQuiet()
}

// What another pass is at work with is left to it.
func TestLeftoversInUse(t *testing.T) {
	t.Parallel()
	const archive, temporary, done = yesterday + ".gz", "." + yesterday + ".gz.tmp", "." + yesterday + ".gz.done"
	for _, inUse := range []string{temporary, done} {
		fx := newFixture(t, daily)
		fx.Compress = FormatNamed("gzip")
		fx.write(temporary, packed(t, "1\n"))
		fx.write(done, "1\n")
		h := fx.hold(inUse)
		before := fx.tree()
		fx.run().want(before...)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		fx.run().want(archive)
		fx.wantQuiet()
	}
}

// Nothing is appended to what is not a compressed file.
func TestOtherFormat(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.Compress = FormatNamed("gzip")
	fx.write(yesterday+".gz", "not gzip at all\n")
	fx.write(yesterday, "line\n")
	fx.run().want(yesterday, yesterday+".gz")
	if readAll(t, fx.path(yesterday)) != "line" || readAll(t, fx.path(yesterday+".gz")) != "not gzip at all" {
		t.Error("a file was changed")
	}
	fx.wantSaid("warning: compress", yesterday+".gz is not in the format of gzip", "left as it is")
}

// What is in the way stays.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{yesterday + ".gz/", yesterday + ".gz -> target", yesterday + ".gz -> nowhere", "." + yesterday + ".gz.tmp/", "." + yesterday + ".gz.tmp -> target"} {
		fx := newFixture(t, daily)
		fx.Compress = FormatNamed("gzip")
		fx.put("target", name, yesterday)
		before := fx.tree()
		fx.run().want(before...)
		fx.wantSaid("warning: compress", "left as it is")
		if readAll(t, fx.path("target")) != "123456789" {
			t.Errorf("%s: the target was changed", name)
		}
	}
}

// A temporary file that another pass is writing is left to it, and so is the original.
func TestTemporaryInUse(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.Compress = FormatNamed("zstd")
	temporary := "." + yesterday + ".zst.tmp"
	fx.put(yesterday, temporary)
	f, err := files.Disk{}.Temporary(fx.path(temporary))
	if err == nil {
		err = f.Lock(true)
	}
	if err != nil {
		t.Fatal(err)
	}
	fx.run().want(temporary, yesterday)
	fx.wantQuiet()
	if readAll(t, fx.path(temporary)) != "123456789" {
		t.Error("the temporary file was changed")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	fx.run().want(yesterday + ".zst")
}

// When a pass is to end, compressing ends at once, and leaves nothing behind.
func TestStopCompressing(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"create", "read", "write", "chmod"} {
		fx := newFixture(t, daily)
		stop, stopped := make(chan struct{}), false
		fx.Compress, fx.Stop = FormatNamed("gzip"), stop
		fx.write("2026-11-19.log", strings.Repeat("line\n", 1<<20))
		fx.put(yesterday)
		fx.Files = &faultyDisk{at: func(_ int, o string) error {
			if o == op && !stopped {
				stopped = true
				close(stop)
			}
			return nil
		}}
		fx.run()
		if names := fx.tree(); op != "chmod" && !slices.Equal(names, []string{"2026-11-19.log", yesterday}) || op == "chmod" && !slices.Equal(names, []string{"2026-11-19.log.gz", yesterday}) {
			t.Errorf("stopped at %s: there are %q", op, names)
		}
		fx.wantQuiet()
	}
}

// Passes of several goroutines and processes at once, while lines come for the files that
// they compress, lose and double none.
func TestManyPassesAtOnce(t *testing.T) { // not parallel: it forks
	const writers, rounds, days = 3, 400, 2
	fx := newFixture(t, daily)
	fx.Compress = FormatNamed("gzip")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var end []func()
	for range 2 {
		cmd := exec.Command(self, "passes", fx.Pattern.String(), "gzip", "")
		cmd.Stderr = os.Stderr
		input, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		end = append(end, func() {
			if err := errors.Join(input.Close(), cmd.Wait()); err != nil {
				t.Error(err)
			}
		})
	}
	stop := make(chan struct{})
	var passes, writing sync.WaitGroup
	for range 2 {
		passes.Go(func() {
			for c := fx.Config; ; {
				select {
				case <-stop:
					return
				default:
					Run(c)
				}
			}
		})
	}
	day := func(n int) string { return fmt.Sprintf("2026-11-%02d.log", 20-n%days) }
	for w := range writers {
		writing.Go(func() {
			for n := range rounds {
				l := &late{t: t, path: fx.path(day(n))}
				for l.file == nil {
					l.open()
				}
				l.write(fmt.Sprintf("%s: line %d of %d\n", day(n), n, w))
			}
		})
	}
	writing.Wait()
	close(stop)
	passes.Wait()
	for _, f := range end {
		f()
	}
	fx.run().run()
	for d := range days {
		var want []string
		for w := range writers {
			for n := range rounds {
				if n%days == d {
					want = append(want, fmt.Sprintf("%s: line %d of %d", day(n), n, w))
				}
			}
		}
		got := strings.Split(strings.TrimSuffix(unpacked(t, fx.path(day(d)+".gz")), "\n"), "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %d lines, want %d", day(d), len(got), len(want))
		}
	}
	fx.want(day(0)+".gz", day(1)+".gz")
}
