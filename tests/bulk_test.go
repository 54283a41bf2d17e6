package tests

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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
	p := startPlain(t, everySecond)

	written, flowed := newBulk(), time.Duration(0)
	for burst := range bulkBursts {
		now := time.Now()
		time.Sleep(now.Truncate(time.Second).Add(time.Second - bulkLead).Sub(now))
		begin := time.Now()
		for written.count < chunks*(burst+1)/bulkBursts {
			if _, err := p.input.Write(written.next()); err != nil {
				t.Fatalf("after %d chunks: %v", written.count, err)
			}
		}
		flowed += time.Since(begin)
	}
	begin := time.Now()
	p.endSilent()
	flowed += time.Since(begin)

	size, files := p.compareBulk(written.count)
	cpu := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	t.Logf("%d bytes, %.2f GB/s, %.2f CPU seconds, %d files",
		size, float64(size)/1e9/flowed.Seconds(), cpu.Seconds(), files)
	if files <= bulkBursts/2 {
		t.Errorf("%d files, so hardly a switch while the stream flowed", files)
	}
}

// compareBulk compares the files in the order of their names with so many chunks
// of the stream, and removes those it has read.
func (d *folder) compareBulk(chunks int) (size int64, files int) {
	d.t.Helper()
	want, rest, got := newBulk(), []byte(nil), make([]byte, bulkChunk)
	last := byte('\n')
	names := d.names(".")
	for _, name := range names {
		f, err := os.Open(d.at(name))
		must(d.t, err)
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
					d.t.Fatalf("%s differs from what was written, in the %d bytes from byte %d of all on", name, both, size)
				}
				text, rest, last = text[both:], rest[both:], text[both-1]
				size += int64(both)
			}
			if err == io.EOF {
				break
			}
			must(d.t, err)
		}
		must(d.t, f.Close())
		d.remove(name)
		if last != '\n' {
			d.t.Errorf("%s ends in %q", name, last)
		}
	}
	if want := int64(chunks)*bulkChunk + 1; size != want {
		d.t.Errorf("the files hold %d bytes, want %d", size, want)
	}
	return size, len(names)
}
