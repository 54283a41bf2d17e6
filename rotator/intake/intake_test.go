package intake

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newPipe returns a reader of a pipe and the pipe's other end.
func newPipe(t testing.TB, c Config) (*Reader, int) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	c.Poller = true
	c.Input = ends[0]
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(ends[0]); r.waiter.close() })
	return r, ends[1]
}

func write(t testing.TB, fd int, text string) {
	t.Helper()
	for len(text) > 0 {
		n, err := unix.Write(fd, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
}

// next returns the next batch of lines; nothing at the end of input.
func next(t testing.TB, r *Reader) string {
	t.Helper()
	for {
		lines, _, err := r.Next(time.Time{})
		if len(lines) > 0 || err == io.EOF {
			return string(lines)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rest returns all lines that are still to come.
func rest(t testing.TB, r *Reader) string {
	t.Helper()
	var all strings.Builder
	for {
		lines := next(t, r)
		if lines == "" {
			return all.String()
		}
		all.WriteString(lines)
	}
}

// wantNext fails the test unless those are the next lines.
func wantNext(t testing.TB, r *Reader, want string) {
	t.Helper()
	if got := next(t, r); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// wantEnd fails the test unless the input has ended.
func wantEnd(t testing.TB, r *Reader) {
	t.Helper()
	if lines, _, err := r.Next(time.Time{}); err != io.EOF {
		t.Fatalf("got %q, %v, want io.EOF", lines, err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		about  string
		writes []string
		want   []string
	}{
		{"a line", []string{"one\n"}, []string{"one\n", ""}},
		{"lines at once", []string{"one\ntwo\n"}, []string{"one\ntwo\n", ""}},
		{"a line in pieces", []string{"o", "n", "e\ntw", "o\n"}, []string{"one\n", "two\n", ""}},
		{"no last newline", []string{"one\ntwo"}, []string{"one\n", "two\n", ""}},
		{"nothing", nil, []string{"", ""}},
		{"only newlines", []string{"\n\n\n"}, []string{"\n\n\n", ""}},
		{"NUL and CR", []string{"a\x00b\r\n\xff\xfe\n"}, []string{"a\x00b\r\n\xff\xfe\n", ""}},
		{"a line longer than MaxLine", []string{strings.Repeat("x", 1500), strings.Repeat("y", 100), "\nz\n"},
			[]string{strings.Repeat("x", 1500), strings.Repeat("y", 100) + "\nz\n", ""}},
		{"a long last line that ends with a piece", []string{strings.Repeat("x", 1500)}, []string{strings.Repeat("x", 1500), "\n", ""}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			r, w := newPipe(t, Config{MaxLine: 1024})
			var got []string
			for _, text := range test.writes {
				write(t, w, text)
				if strings.Contains(text, "\n") || len(text) >= 1024 {
					got = append(got, next(t, r))
				} else if lines := r.read(); len(lines) > 0 {
					t.Fatalf("a line too early: %q", lines)
				}
			}
			if err := unix.Close(w); err != nil {
				t.Fatal(err)
			}
			for len(got) < len(test.want) {
				got = append(got, next(t, r))
			}
			for i, want := range test.want {
				if got[i] != want {
					t.Errorf("batch %d: got %q, want %q", i, got[i], want)
				}
			}
		})
	}
}

// Any chunking of the input, by any rhythm, gives the same bytes, in batches that
// end with a newline.
func TestChunking(t *testing.T) {
	t.Parallel()
	for _, linger := range []time.Duration{0, 2 * time.Millisecond, 20 * time.Millisecond} {
		for seed := range uint64(4) {
			random := rand.New(rand.NewPCG(seed, 1))
			var input []byte
			for len(input) < 3<<20 {
				line := make([]byte, random.IntN(1+1<<random.IntN(12)))
				for i := range line {
					line[i] = byte('a' + random.IntN(26))
				}
				input = append(append(input, line...), '\n')
			}
			checkChunks(t, input, linger, random)
		}
	}
}

func checkChunks(t *testing.T, input []byte, linger time.Duration, random *rand.Rand) {
	t.Helper()
	r, w := newPipe(t, Config{Linger: linger, MaxLine: 1 << 20})
	go func() {
		rest := input
		for len(rest) > 0 {
			n := min(len(rest), 1+random.IntN(1<<random.IntN(20)))
			n, err := unix.Write(w, rest[:n])
			if err != nil {
				t.Error(err)
				break
			}
			rest = rest[n:]
		}
		if err := unix.Close(w); err != nil {
			t.Error(err)
		}
	}()
	var got []byte
	for {
		lines, _, err := r.Next(time.Time{})
		if len(lines) > 0 && lines[len(lines)-1] != '\n' {
			t.Fatalf("a batch ends in %q", lines[max(0, len(lines)-20):])
		}
		got = append(got, lines...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(input) > 0 && input[len(input)-1] != '\n' {
		input = append(input, '\n')
	}
	if !bytes.Equal(got, input) {
		t.Fatalf("linger %v: got %d bytes that differ from the %d written", linger, len(got), len(input))
	}
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), uint64(1))
	f.Add(bytes.Repeat([]byte("0123456789\n"), 1000), uint64(2))
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		checkChunks(t, input, time.Duration(seed%3)*time.Millisecond, rand.New(rand.NewPCG(seed, 2)))
	})
}

func TestSleep(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Millisecond, MaxLine: 1024})
	write(t, w, "input does not end it\n")
	begun := time.Now()
	r.Sleep(30 * time.Millisecond)
	if slept := time.Since(begun); slept < 30*time.Millisecond {
		t.Errorf("slept %v, want 30ms", slept)
	}
	r.Interrupt()
	r.Sleep(time.Hour)
}

func TestInstantWithoutInput(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Millisecond, MaxLine: 1024})
	for range 3 {
		until := time.Now().Add(20 * time.Millisecond)
		at := time.Time{}
		for at.Before(until) { // elsewhere than on Linux it looks more often
			var lines []byte
			var err error
			if lines, at, err = r.Next(until); len(lines) > 0 || err != nil {
				t.Fatalf("got %q, %v, want neither", lines, err)
			}
		}
	}
	// An instant that is past is told once, and then input comes through.
	past := time.Now().Add(-time.Hour)
	if lines, _, err := r.Next(past); len(lines) > 0 || err != nil {
		t.Fatalf("got %q, %v, want the instant", lines, err)
	}
	write(t, w, "line\n")
	for range 10 {
		if lines, _, _ := r.Next(past); string(lines) == "line\n" {
			return
		}
	}
	t.Error("an instant in the past hides the input")
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Hour, MaxLine: 1024})
	done := make(chan string)
	for range 2 { // while waiting for input, and while lingering
		go func() {
			lines, _, _ := r.Next(time.Time{})
			done <- string(lines)
		}()
		r.Interrupt()
		if got := <-done; got != "" {
			t.Fatalf("got %q, want nothing", got)
		}
		write(t, w, "line\n")
	}
	r.EndHere()
	wantNext(t, r, "line\nline\n")
}

// An interruption or an instant that comes while the reader looks at the input
// without waiting is not lost, though nothing is there to read.
func TestNothingIsLostWhileLooking(t *testing.T) {
	t.Parallel()
	for _, look := range []func(r *Reader){
		func(r *Reader) { r.linger.steady, r.linger.last = true, time.Now().Add(-time.Hour) },
		func(r *Reader) { r.WritersGone() },
	} {
		r, _ := newPipe(t, Config{Linger: time.Millisecond, MaxLine: 1024})
		r.Interrupt()
		look(r)
		if lines, _, err := r.Next(time.Time{}); len(lines) > 0 || err != nil {
			t.Errorf("got %q, %v, want neither", lines, err)
		}
	}
}

// Finish reads what is waiting and no more, though the writer is still there.
func TestFinish(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Hour, MaxLine: 1024})
	write(t, w, "one\ntwo")
	r.EndHere()
	write(t, w, "late\n")
	wantNext(t, r, "one\n")
	wantNext(t, r, "two\n")
	wantEnd(t, r)
}

func TestWritersGone(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{MaxLine: 1024})
	write(t, w, "line\n")
	if r.WritersGone() {
		t.Error("gone too early")
	}
	if got := r.Waiting(); got != 5 {
		t.Errorf("got %d bytes waiting, want 5", got)
	}
	if err := unix.Close(w); err != nil {
		t.Fatal(err)
	}
	// A process that another test starts holds a copy of it until it has begun.
	for deadline := time.Now().Add(10 * time.Second); !r.WritersGone(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not gone after the last writer closed")
		}
	}
}

// The descriptor's flags belong to whoever opened it: other processes share them.
func TestFlagsStay(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Millisecond, MaxLine: 1024})
	if err := unix.SetNonblock(r.config.Input, true); err != nil {
		t.Fatal(err)
	}
	write(t, w, "line\n")
	wantNext(t, r, "line\n")
	flags, err := unix.FcntlInt(uintptr(r.config.Input), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x, %v: O_NONBLOCK is gone", flags, err)
	}
}

// Where one read takes one write only, there is no linger: it would hold up whoever
// writes.
func TestPackets(t *testing.T) {
	t.Parallel()
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET, unix.SOCK_DGRAM} {
		pair, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
		if errors.Is(err, unix.EPROTONOSUPPORT) {
			continue // macOS has no SEQPACKET
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := New(Config{Input: pair[0], Linger: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if lingers := r.linger.wait > 0; lingers != (kind == unix.SOCK_STREAM) {
			t.Errorf("socket of type %d: lingers for %v", kind, r.linger.wait)
		}
		r.waiter.close()
		_, _ = unix.Close(pair[0]), unix.Close(pair[1])
	}
}

func TestFileAndSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "input")
	text := strings.Repeat("a line of a file\n", 100_000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		write(t, pair[1], text)
		_ = unix.Close(pair[1])
	}()
	for _, fd := range []int{file, pair[0]} {
		r, err := New(Config{Input: fd, Linger: time.Millisecond, MaxLine: 1024})
		if err != nil {
			t.Fatal(err)
		}
		if got := rest(t, r); got != text {
			t.Errorf("got %d bytes, want %d", len(got), len(text))
		}
		r.waiter.close()
		_ = unix.Close(fd)
	}
}

func TestReadError(t *testing.T) {
	t.Parallel()
	dir, err := unix.Open(t.TempDir(), unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Input: dir, MaxLine: 1024})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(time.Time{}); !errors.Is(err, unix.EISDIR) {
		t.Errorf("got %v, want EISDIR", err)
	}
}

// Nothing is allocated for a batch, whether it was waited for or was there.
func TestBatchAllocatesNothing(t *testing.T) { // not parallel: others allocate
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, linger := range []time.Duration{0, time.Millisecond} {
		r, w := newPipe(t, Config{Linger: linger, MaxLine: 1024})
		var err error
		if n := testing.AllocsPerRun(100, func() {
			_, errWrite := unix.Write(w, []byte("line\n"))
			_, _, errNext := r.Next(time.Time{})
			err = errors.Join(err, errWrite, errNext)
		}); n > 0 || err != nil {
			t.Errorf("linger %v: %v allocations, %v", linger, n, err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	r, w := newPipe(b, Config{MaxLine: 1 << 20})
	line := []byte(strings.Repeat("x", 119) + "\n")
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := unix.Write(w, line); err != nil {
			b.Fatal(err)
		}
		if _, _, err := r.Next(time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}
