package tests

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// inputMemory is the most that logreel may ever take, in kB, whatever it reads.
	inputMemory = 40 << 10
	inputLog    = "input.log"
	// inputChunk is how much is written at once, where that does not matter.
	inputChunk = 64 << 10
)

// inlets are the kinds of standard input that bytes can come by.
var inlets = []string{"pipe", "socket", "file"}

// openInlet returns what logreel is to read, and what the test writes into.
func openInlet(t *testing.T, kind string) (read, write *os.File) {
	t.Helper()
	var err error
	switch kind {
	case "pipe":
		read, write, err = os.Pipe()
	case "socket":
		var pair [2]int
		if pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
			// Ours is for the poller, so that a deadline can end a write.
			err = unix.SetNonblock(pair[1], true)
			read, write = os.NewFile(uintptr(pair[0]), "socket"), os.NewFile(uintptr(pair[1]), "socket")
		}
	case "file":
		path := filepath.Join(t.TempDir(), "input")
		write, err = os.Create(path)
		if err == nil {
			read, err = os.Open(path)
		}
	}
	must(t, err)
	t.Cleanup(func() {
		_ = read.Close() // if the test failed before
		_ = write.Close()
	})
	if kind != "file" {
		must(t, write.SetWriteDeadline(time.Now().Add(3*patience)))
	}
	return read, write
}

// swallow has logreel read an input to its end into inputLog, so many bytes a
// write. It returns the most memory it took before the end, in kB; 0 where the input
// is a file, whose end nobody holds back.
func (d *folder) swallow(inlet string, input io.Reader, chunk int) (kB int) {
	d.t.Helper()
	read, write := openInlet(d.t, inlet)
	pour := func() {
		d.t.Helper()
		// The structs hide shortcuts, which would choose another chunk.
		_, err := io.CopyBuffer(struct{ io.Writer }{write}, struct{ io.Reader }{input}, make([]byte, chunk))
		must(d.t, err)
	}
	if inlet == "file" {
		pour()
	}
	cmd := exec.Command(logreel, "--every=never", inputLog)
	cmd.Stdin = read
	p := d.launch(cmd)
	must(d.t, read.Close())
	if inlet != "file" {
		pour()
		kB = memory(p.pid(), "VmHWM")
	}
	must(d.t, write.Close())
	if said := p.wait(0); said != "" {
		d.t.Errorf("logreel said: %s", said)
	}
	return kB
}

// expectText fails the test unless a file holds what is wanted, without having either in
// memory, and removes it.
func (d *folder) expectText(name string, want io.Reader) {
	d.t.Helper()
	f, err := os.Open(d.at(name))
	must(d.t, err)
	defer f.Close()
	d.remove(name)
	a, b := make([]byte, inputChunk), make([]byte, inputChunk)
	for at := 0; ; at += len(a) {
		n, err := io.ReadFull(f, a)
		m, wantErr := io.ReadFull(want, b)
		if !bytes.Equal(a[:n], b[:m]) {
			same := 0
			for same < min(n, m) && a[same] == b[same] {
				same++
			}
			d.t.Fatalf("from byte %d on: got %.40q, want %.40q", at+same, a[same:n], b[same:m])
		}
		if err != nil || wantErr != nil {
			ended := func(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
			if !ended(err) || !ended(wantErr) {
				d.t.Fatal(err, wantErr)
			}
			return
		}
	}
}

// What is no text, and what is no line, goes into the file as it came.
func TestInput(t *testing.T) {
	t.Parallel()
	// The sizes around those of the buffers, as lines and as a last line without an end.
	var sizes strings.Builder
	for _, size := range []int{4 << 10, 64 << 10, 256 << 10, 1 << 20} {
		for _, n := range []int{size - 1, size, size + 1} {
			sizes.WriteString(strings.Repeat("x", n-1) + "\n" + strings.Repeat("y", n) + "\n")
		}
	}
	letters := &letters{text: newLetters()}
	few := make([]byte, 4000)
	_, _ = letters.Read(few) // always full
	for i := 0; i < len(few); i += 1 + i/10 {
		few[i] = '\n'
	}
	tests := []struct {
		about, input string
		chunk        int
	}{
		{"nothing", "", inputChunk},
		{"a newline alone", "\n", inputChunk},
		{"NUL bytes", "\x00\x00a\x00b\n\x00\n" + strings.Repeat("\x00", 100_000) + "\n", inputChunk},
		{"CR LF", "one\r\ntwo\r\r\n\r\n\rthree\n\r", inputChunk},
		{"invalid UTF-8", "\xff\xfe\n\xc3\n\xa4\xed\xa0\x80\xf8\x88\x80\x80\x80\n\x80\n", inputChunk},
		{"what a terminal or a format would obey", "\x1b[2J\x1b]0;title\a%s%n%d\\n\x04\x1a\x11\x13\n", inputChunk},
		{"a last line without an end", "one\ntwo", inputChunk},
		{"one byte a write", string(few), 1},
		{"empty lines", strings.Repeat("\n", 200_000), inputChunk},
		{"sizes of buffers", sizes.String(), inputChunk},
		{"sizes of buffers, cut elsewhere", sizes.String(), 61_001},
		{"a last line as long as the largest buffer", strings.Repeat("z", 1<<20), inputChunk},
		{"a last line of several such buffers", "short\n" + strings.Repeat("z", 3<<20), inputChunk},
	}
	for _, test := range tests {
		for _, inlet := range inlets {
			t.Run(test.about+", "+inlet, func(t *testing.T) {
				t.Parallel()
				d := newFolder(t)
				d.swallow(inlet, strings.NewReader(test.input), test.chunk)
				want := test.input
				if want == "" {
					if d.exists(inputLog) {
						t.Error("there is a file without a line")
					}
					return
				}
				if !strings.HasSuffix(want, "\n") {
					want += "\n"
				}
				d.expectText(inputLog, strings.NewReader(want))
			})
		}
	}
}

// letters are an endless text without a newline, the same every time. It repeats
// itself, but not in the rhythm of any buffer.
type letters struct {
	text []byte
	at   int
}

func newLetters() []byte {
	random := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 999_983) // a prime
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	return text
}

func (l *letters) Read(p []byte) (int, error) {
	n := copy(p, l.text[l.at:])
	l.at = (l.at + n) % len(l.text)
	return n, nil
}

// longLines returns lines of so many letters each, joined by newlines.
func longLines(text []byte, lengths []int64) io.Reader {
	var parts []io.Reader
	source := &letters{text: text}
	for i, length := range lengths {
		if i > 0 {
			parts = append(parts, strings.NewReader("\n"))
		}
		parts = append(parts, io.LimitReader(source, length))
	}
	return io.MultiReader(parts...)
}

// A line that no memory could hold passes through little of it.
func TestInputLongLines(t *testing.T) {
	t.Parallel()
	huge, long := int64(1_000_000_000), int64(100_000_000)
	if testing.Short() {
		huge, long = huge/10, long/10
	}
	var mixed []int64
	for _, length := range []int64{long, long, 1, long} {
		for n := range int64(500) {
			mixed = append(mixed, n%200)
		}
		mixed = append(mixed, length)
	}
	text := newLetters()
	for _, test := range []struct {
		about, inlet string
		lengths      []int64
	}{
		{"no newline at all", "pipe", []int64{huge}},
		{"long lines among short ones", "pipe", mixed},
		{"long lines among short ones", "socket", mixed},
	} {
		t.Run(test.about+", "+test.inlet, func(t *testing.T) { // one after the other, for the room they take
			d := roomyFolder(t, uint64(huge))
			begun := time.Now()
			kB := d.swallow(test.inlet, longLines(text, test.lengths), inputChunk)
			t.Logf("%d kB at most, in %v", kB, time.Since(begun).Round(time.Millisecond))
			if kB >= inputMemory {
				t.Errorf("it took %d kB, want less than %d", kB, inputMemory)
			}
			d.expectText(inputLog, io.MultiReader(longLines(text, test.lengths), strings.NewReader("\n")))
		})
	}
}
