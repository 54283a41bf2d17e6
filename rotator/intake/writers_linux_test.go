package intake

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Each byte that is passed on is credited to who wrote it, whatever waits for what.
func TestWritersOfBytes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		d := testDemux(40 + random.IntN(200))
		d.names, d.cut = true, map[int32]bool{}
		if round%2 == 0 {
			d.lastStart = func(text []byte) int { return bytes.LastIndexByte(text[:len(text)-1], '\n') + 1 }
			d.largestMessage = 64
		}
		var out []byte
		var wrote []written
		drain := func() {
			for d.waits() {
				n := len(out)
				out = d.drain(append(make([]byte, 0, n+1+random.IntN(30)), out...))
				wrote = d.drained(wrote, len(out)-n)
			}
		}
		for range 300 {
			pid := int32(1 + random.IntN(5))
			text := bytes.Repeat([]byte{byte('a' + pid)}, random.IntN(60))
			for i := range text {
				if random.IntN(12) == 0 {
					text[i] = '\n'
				}
			}
			if len(text) > 0 {
				d.take(pid, text, random.IntN(4) == 0)
			}
			if random.IntN(3) == 0 {
				drain()
			}
		}
		d.endAll()
		drain()
		at := 0
		for _, w := range wrote {
			for _, c := range out[at : at+w.length] {
				if c != '\n' && c != byte('a'+w.pid) {
					t.Fatalf("round %d: a byte %q is credited to %d", round, c, w.pid)
				}
			}
			at += w.length
		}
		if at != len(out) || len(d.readyBy)+len(d.heldBy) > 0 {
			t.Fatalf("round %d: %d bytes of %d are credited, and %d more are to be", round, at, len(out), len(d.readyBy)+len(d.heldBy))
		}
	}
}

// What follows a line that was cut in two is marked, once.
func TestWritersOfRests(t *testing.T) {
	t.Parallel()
	d := testDemux(20)
	d.names, d.cut = true, map[int32]bool{}
	text := string(bytes.Repeat([]byte("x"), 30))
	out := take(d, nil, 1, text)       // passed on in pieces
	out = take(d, out, 2, text+"\n")   // waits
	out = take(d, out, 3, text+"\n")   // too much: the first one is cut
	out = take(d, out, 1, "rest\n1\n") // of it
	wrote := d.drained(nil, len(out))
	want := []written{{1, 31, false}, {2, 31, false}, {3, 31, false}, {1, 7, true}}
	if !slices.Equal(wrote, want) {
		t.Errorf("%q was written by %v, want %v", out, wrote, want)
	}
}

// The lines of a batch are counted where they begin, be the batch cut in a line or not.
func TestWritersOfLines(t *testing.T) {
	t.Parallel()
	r := &Reader{config: Config{Writers: true}}
	for _, test := range []struct {
		batch string
		wrote []written
		open  bool
		want  []int
	}{
		{"a\nb\nc\n", []written{{1, 4, false}, {2, 2, false}}, false, []int{2, 1}},
		{"a\nbbb", []written{{1, 5, false}, {1, 9, false}}, false, []int{2}},
		{"bb\nc\n", nil, true, []int{1}},
		{"bbbb", nil, false, []int{1}},
		{"\n\n", []written{{1, 1, false}, {2, 1, false}}, true, []int{0, 1}},
	} {
		r.wrote = append(r.wrote, test.wrote...)
		r.noteWriters([]byte(test.batch), test.open)
		var got []int
		for _, w := range r.writers {
			got = append(got, w.Lines)
		}
		if len(got) != len(test.want) {
			t.Errorf("%q: %v, want %v", test.batch, r.writers, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%q: %v, want %v", test.batch, r.writers, test.want)
			}
		}
	}
	if len(r.wrote) > 0 {
		t.Errorf("%v are left", r.wrote)
	}
}
