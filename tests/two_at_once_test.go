package tests

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const (
	// twinsFor is how long two write at once, twinsRoom how many bytes each at the
	// most: a machine that is fast fills the disk.
	twinsFor    = 2500 * time.Millisecond
	twinsRoom   = 400_000_000
	longestTwin = 60_000
)

// A twin is a writer of lines that tell who wrote them and which they are, as far as
// their length has room for it.
type twin struct {
	name    byte
	count   int
	lengths *rand.Rand
	text    []byte
	line    []byte
}

func newTwin(name byte) *twin {
	return &twin{name: name, lengths: rand.New(rand.NewPCG(uint64(name), 0)), text: newLetters()}
}

// next returns the next line, valid until the call after. Most are short.
func (w *twin) next() []byte {
	length := min(1+w.lengths.IntN(1<<w.lengths.IntN(w.lengths.IntN(17)+1)), longestTwin)
	w.line = fmt.Appendf(w.line[:0], "%c%d ", w.name, w.count)
	w.line = append(w.line, w.text[w.count%1000:w.count%1000+length]...)
	w.count++
	return append(w.line[:length], '\n')
}

// feedTwin writes flat out, one write a line. It returns how many.
func feedTwin(w *twin, f io.Writer) (lines int, err error) {
	begun := time.Now()
	for written := 0; written < twinsRoom && time.Since(begun) < twinsFor; {
		n, err := f.Write(w.next())
		if err != nil {
			return w.count, err
		}
		written += n
	}
	return w.count, nil
}

// Two logreels write the same files at once, as while a server reloads: every line is
// whole, none is missing, and each one's are in order. It is serial, since it takes
// all processors.
func TestTwoAtOnce(t *testing.T) {
	for _, test := range []struct {
		about, size string
		files       int // at the least
	}{
		{"by time", "", 2},
		{"by size too", "1M", 50},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Setenv("LOGREEL_SIZE", test.size)
			d := roomyFolder(t, 2*twinsRoom)
			var feeders sync.WaitGroup
			var logreels [2]*process
			var counts [2]int
			var errs [2]error
			for i := range logreels {
				logreels[i] = d.startPlain(everySecond)
				feeders.Go(func() { counts[i], errs[i] = feedTwin(newTwin("AB"[i]), logreels[i].input) })
			}
			feeders.Wait()
			for i, p := range logreels {
				p.endSilent()
				must(t, errs[i])
			}
			files := d.checkTwins(counts)
			t.Logf("%d and %d lines, %d files", counts[0], counts[1], files)
			if files < test.files {
				t.Errorf("%d files, want at least %d", files, test.files)
			}
		})
	}
}

// checkTwins compares the files with what the twins wrote, and returns how many files
// there are.
func (d *folder) checkTwins(counts [2]int) (files int) {
	d.t.Helper()
	want := [2]*twin{newTwin('A'), newTwin('B')}
	expected := [2][]byte{want[0].next(), want[1].next()}
	wrong := &tally{t: d.t}
	names := d.inOrder()
	for _, name := range names {
		number := 0
		d.eachLine(name, func(line []byte) {
			number++
			for i, w := range want {
				if bytes.Equal(line, expected[i]) {
					expected[i] = w.next()
					return
				}
			}
			wrong.errorf("%s:%d: %d bytes %.60q, want %.30q or %.30q", name, number, len(line), line, expected[0], expected[1])
		})
	}
	wrong.end()
	for i, w := range want {
		if got := w.count - 1; got != counts[i] {
			d.t.Errorf("twin %c: %d lines in order, want %d", w.name, got, counts[i])
		}
	}
	return len(names)
}
