package tests

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	// bulkChunk is how much one write brings.
	bulkChunk = 64 << 10
	// bulkBursts is how often the stream is let go. Each burst runs into the end of
	// a second, so that the switch comes while it flows at full speed, on a fast
	// machine and with little to write too.
	bulkBursts = 4
	bulkLead   = 20 * time.Millisecond
)

// A bulk is an endless stream of lines, the same every time, cut into chunks that
// do not end where lines do. It is made again to compare it with what was written:
// that costs the writer less than a sum of it, and tells where the two differ.
type bulk struct {
	text   []byte // lines, twice over so that a chunk may begin anywhere in the first half
	offset int
	chunk  []byte
	count  int
}

func newBulk() *bulk {
	random := rand.New(rand.NewPCG(1, 2))
	var text []byte
	for len(text) < 4<<20 {
		// Room for a number; short lines are the most, and some are long.
		for range 20 + random.IntN(1<<random.IntN(12)) {
			text = append(text, byte('a'+random.IntN(26)))
		}
		text = append(text, '\n')
	}
	return &bulk{text: append(text, text...), chunk: make([]byte, bulkChunk)}
}

// next returns the next chunk, valid until the call after. A number in its second
// line makes it unlike any other.
func (b *bulk) next() []byte {
	copy(b.chunk, b.text[b.offset:])
	b.offset = (b.offset + bulkChunk) % (len(b.text) / 2)
	b.count++
	line := bytes.IndexByte(b.chunk, '\n') + 1
	copy(b.chunk[line:], fmt.Appendf(nil, "%012d", b.count))
	return b.chunk
}

func TestBulk(t *testing.T) {
	chunks := 2_000_000_000 / bulkChunk
	if testing.Short() {
		chunks /= 10
	}
	dir := t.TempDir()
	reader := startReader(t, dir)

	written, flowed := newBulk(), time.Duration(0)
	for burst := range bulkBursts {
		now := time.Now()
		time.Sleep(now.Truncate(time.Second).Add(time.Second - bulkLead).Sub(now))
		begin := time.Now()
		for written.count < chunks*(burst+1)/bulkBursts {
			if _, err := reader.input.Write(written.next()); err != nil {
				t.Fatalf("after %d chunks: %v; logreel said: %s", written.count, err, &reader.said)
			}
		}
		flowed += time.Since(begin)
	}
	begin := time.Now()
	reader.end(t)
	flowed += time.Since(begin)

	size, files := compareBulk(t, dir, written.count)
	cpu := reader.cmd.ProcessState.UserTime() + reader.cmd.ProcessState.SystemTime()
	t.Logf("%d bytes, %.2f GB/s, %.2f CPU seconds, %d files",
		size, float64(size)/1e9/flowed.Seconds(), cpu.Seconds(), files)
	if files <= bulkBursts/2 {
		t.Errorf("%d files, so hardly a switch while the stream flowed", files)
	}
}

// compareBulk compares the files in the order of their names with so many chunks
// of the stream, and removes those it has read.
func compareBulk(t *testing.T, dir string, chunks int) (size int64, files int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, rest, got := newBulk(), []byte(nil), make([]byte, bulkChunk)
	last := byte('\n')
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for {
			n, err := f.Read(got)
			for text := got[:n]; len(text) > 0; {
				switch {
				case len(rest) > 0:
				case want.count < chunks:
					rest = want.next()
				default:
					// The last chunk ends inside a line, which logreel ends.
					rest = []byte{'\n'}
				}
				both := min(len(text), len(rest))
				if !bytes.Equal(text[:both], rest[:both]) {
					t.Fatalf("%s differs from what was written, in the %d bytes from byte %d of all on", path, both, size)
				}
				text, rest, last = text[both:], rest[both:], text[both-1]
				size += int64(both)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if last != '\n' {
			t.Errorf("%s ends in %q", path, last)
		}
	}
	if want := int64(chunks)*bulkChunk + 1; size != want {
		t.Errorf("the files hold %d bytes, want %d", size, want)
	}
	return size, len(entries)
}
