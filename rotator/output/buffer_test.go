package output

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/output/outputtest"
)

// Whatever goes in comes out, once and in order, or is counted by a line that says
// so, and the memory is bounded. The fuzzer's bytes are what happens: lines of some
// length are lent or pushed, some bytes are taken out.
func FuzzBuffer(f *testing.F) {
	f.Add(uint16(100), true, []byte("\x10\x21\x32\x43\xf0\x54\x65"))
	f.Add(uint16(0), true, []byte("\x13\x24\x35\xf0\x46"))
	f.Add(uint16(300), false, []byte("\xff\xee\xdd\x00\x11\x92\x83\x74"))
	f.Fuzz(func(t *testing.T, limit uint16, drop bool, events []byte) {
		b := buffer{limit: int(limit), drop: drop}
		var in, out strings.Builder
		var spill []byte
		n := 0
		take := func(most int) {
			lines, _ := b.front()
			lines = lines[:min(len(lines), most)]
			out.Write(lines)
			b.advance(len(lines))
		}
		for i, event := range events {
			at := time.Unix(int64(i/3), 0)
			size := int(event >> 2)
			switch event & 3 {
			case 0:
				take(size * 4)
			case 1, 2: // a line, of which some come in pieces
				text := append(bytes.Repeat([]byte{byte('a' + n%26)}, size), '\n')
				n++
				if event&64 != 0 {
					text = text[:len(text)-1]
				}
				spill = b.push(spill, at)
				if len(spill) > 0 || b.full() || len(text) == 0 {
					continue // nothing is read then
				}
				in.Write(text)
				spill = b.push(text, at)
			case 3: // the copier has the reader back
				if front, _ := b.front(); len(front) > 0 {
					continue
				}
				b.release()
				text := append(bytes.Repeat([]byte{byte('A' + n%26)}, size), '\n')
				n++
				b.lend(spill, at)
				spill = nil
				for front, _ := b.front(); len(front) > 0; front, _ = b.front() {
					take(100)
				}
				in.Write(text)
				b.lend(text, at)
			}
			if b.size > b.limit+slack {
				t.Fatalf("%d bytes in a buffer of %d", b.size, b.limit)
			}
		}
		for front, _ := b.front(); len(front) > 0 || len(spill) > 0; front, _ = b.front() {
			take(1 << 20)
			if front, _ := b.front(); len(front) == 0 {
				b.lend(spill, time.Time{})
				spill = nil
			}
		}
		if b.skipping || b.open { // the intake ends the last line
			in.WriteString("\n")
			b.lend(newline, time.Time{})
		}
		b.settle()
		for front, _ := b.front(); len(front) > 0; front, _ = b.front() {
			take(1 << 20)
		}
		if !drop {
			outputtest.Check(t, out.String(), in.String())
			return
		}
		outputtest.CheckDropped(t, out.String(), in.String())
	})
}
