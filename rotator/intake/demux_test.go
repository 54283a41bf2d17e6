//go:build linux

package intake

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// testDemux returns a demux that no socket feeds.
func testDemux(most int) *demux {
	return &demux{fd: -1, now: time.Now(), longestWait: longestWait, most: most, longest: most, writers: map[int32]*writer{}}
}

// take has the demultiplexer take a writer's bytes, and appends what is ready then to out.
func take(c *demux, out []byte, pid int32, text string) []byte {
	c.take(pid, []byte(text), false)
	return drain(c, out)
}

// drain appends what is ready to out, which comes in pieces.
func drain(c *demux, out []byte) []byte {
	var piece [1000]byte
	for c.waits() {
		out = append(out, c.drain(piece[:0])...)
	}
	return out
}

// checkList fails unless a list is as long as it says, and wastes no memory.
func checkList(t *testing.T, c *chunks) {
	t.Helper()
	length, count := 0, 0
	for b := c.first; b != nil; b = b.next {
		length += b.end - b.begin
		count++
		if b.begin >= b.end || (b.next == nil) != (b == c.last) {
			t.Fatalf("chunk %d has bytes %d to %d; the last one is %p, the next %p of %p", count, b.begin, b.end, c.last, b.next, b)
		}
	}
	if length != c.length || count > length/chunkSize+length/copyLimit+2 {
		t.Fatalf("%d bytes in %d chunks are counted as %d bytes", length, count, c.length)
	}
}

// checkKept holds the demultiplexer against what is true of it at any time.
func checkKept(t *testing.T, c *demux) {
	t.Helper()
	checkList(t, &c.held)
	kept := c.held.length
	for pid, w := range c.writers {
		checkList(t, &w.rest)
		checkList(t, &w.record)
		kept += w.record.length + w.rest.length
		switch rest := w.rest.appendTo(nil); {
		case w.pid != pid:
			t.Fatalf("process %d is kept as %d", w.pid, pid)
		case bytes.IndexByte(rest, '\n') >= 0:
			t.Fatalf("process %d has a whole line among its rest %.60q", pid, rest)
		case w.record.length > maxRecord || c.lastStart == nil && w.record.length > 0:
			t.Fatalf("process %d is kept with a record of %d bytes", pid, w.record.length)
		case len(rest)+w.record.length == 0 && w != c.streaming:
			t.Fatalf("process %d is kept with nothing", pid)
		}
	}
	switch {
	case c.rests() != kept || c.waits():
		t.Fatalf("%d bytes are counted, %d are kept, and %d not drained", c.rests(), kept, c.ready.length)
	case kept > 2*c.most || len(c.writers) > maxWriters:
		t.Fatalf("%d bytes of %d writers are kept", kept, len(c.writers))
	case c.streaming == nil && c.held.length > 0:
		t.Fatalf("%d bytes wait for nobody", c.held.length)
	case c.streaming != nil && c.writers[c.streaming.pid] != c.streaming:
		t.Fatalf("the streaming writer %d is not among the writers", c.streaming.pid)
	}
}

// checkPrompt fails unless all that can be passed on has been: whole lines at once, and
// of an unfinished one no more than is needed.
func checkPrompt(t *testing.T, c *demux, out []byte, scripts []*script) {
	t.Helper()
	if c.streaming != nil {
		return // whole lines wait
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		t.Fatalf("the output ends in %.60q, and nobody's line is open", out[max(0, len(out)-60):])
	}
	for i, s := range scripts {
		kept := []byte(nil)
		if w := c.writers[int32(i+1)]; w != nil {
			kept = w.rest.appendTo(nil)
		}
		if !bytes.Equal(kept, s.tail()) {
			t.Fatalf("of writer %c %.60q is kept, want %.60q", s.name, kept, s.tail())
		}
	}
}

// checkDemux has the writers say what they have in turns that next gives, until there
// are no more turns, and holds the output against what each one said.
func checkDemux(t *testing.T, scripts []*script, next func() (who, n int, more bool)) {
	t.Helper()
	// The longest line comes in pieces now and then, and none is ended early.
	c := testDemux(25 * MinMaxLine)
	var out []byte
	for {
		who, n, more := next()
		if !more {
			break
		}
		if text := scripts[who].say(n); len(text) > 0 {
			out = take(c, out, int32(who+1), string(text))
		}
		checkKept(t, c)
		checkPrompt(t, c, out, scripts)
	}
	c.endAll()
	out = drain(c, out)
	checkKept(t, c)
	if c.unfinished() || c.rests() != 0 {
		t.Fatalf("%d writers and %d bytes are left after the end", len(c.writers), c.rests())
	}
	parts := byName(out)
	for _, s := range scripts {
		compareScript(t, s, parts)
	}
}

// Any interleaving of any pieces gives each line whole, and each writer's in order.
func TestDemuxInterleaved(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		scripts := []*script{}
		for i := range 1 + random.IntN(6) {
			// Some have lines that go beyond MaxLine several times.
			scripts = append(scripts, newScript(byte('a'+i), 30, 1+8*MinMaxLine*random.IntN(2), random))
		}
		turns, longest := 2000, 1<<random.IntN(13)
		checkDemux(t, scripts, func() (who, n int, more bool) {
			turns--
			return random.IntN(len(scripts)), 1 + random.IntN(longest), turns >= 0
		})
	}
}

// FuzzDemux takes two bytes a turn: who writes, and how much.
func FuzzDemux(f *testing.F) {
	f.Add([]byte("0a1b0c1d2e0f"), uint64(1))
	f.Add(bytes.Repeat([]byte{0, 255, 1, 255, 2, 3}, 40), uint64(2)) // long lines meet
	f.Fuzz(func(t *testing.T, turns []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 4))
		scripts := []*script{}
		for i := range 5 {
			scripts = append(scripts, newScript(byte('a'+i), 20, 1+4*MinMaxLine*(i%2), random))
		}
		checkDemux(t, scripts, func() (who, n int, more bool) {
			if len(turns) < 2 {
				return 0, 0, false
			}
			// From a byte to some kilobytes, by squares.
			who, n = int(turns[0])%len(scripts), 1+int(turns[1])*int(turns[1])/16
			turns = turns[2:]
			return who, n, true
		})
	})
}

// A whole line waits for another's line without end for a second: then that one is cut,
// and its rest is a line of its own.
func TestDemuxWaitsForASecond(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	long := strings.Repeat("x", MinMaxLine+1)
	begun := c.now
	after := func(d time.Duration, want string) {
		t.Helper()
		c.now = begun.Add(d)
		c.looked = c.now // for writers that are gone
		if due := c.due(c.now) == 0; due != (want != "") {
			t.Errorf("after %v: a look is due: %v", d, due)
		}
		c.look(c.now)
		if got := string(drain(c, nil)); got != want {
			t.Errorf("after %v: got %.60q, want %.60q", d, got, want)
		}
		checkKept(t, c)
	}
	after(0, "")
	take(c, nil, 1, long)
	c.now = begun.Add(lookForGone / 2)
	take(c, nil, 2, "two\nunfini")
	c.now = begun.Add(lookForGone)
	take(c, nil, 3, "three\n")
	after(lookForGone/2+longestWait-1, "")
	after(lookForGone/2+longestWait, "\ntwo\nthree\n")
	// Nothing waits for a whole line any more, and nobody is held up.
	if got := string(take(c, nil, 1, "rest")); got != "" {
		t.Errorf("got %q", got)
	}
	if got := string(take(c, nil, 2, "shed\n")); got != "unfinished\n" {
		t.Errorf("got %q", got)
	}
	if got := string(take(c, nil, 1, "\n")); got != "rest\n" {
		t.Errorf("got %q", got)
	}
}

// What was written before the kernel was asked to say who, is the beginning of the
// first line that has a name.
func TestDemuxNameless(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	for i, step := range []struct {
		pid        int32
		text, want string
	}{
		{0, "one\nbefo", "one\n"},
		{0, "re ", ""},
		{7, "and after\n", "before and after\n"},
		{8, "two", ""},
		{7, "three\n", "three\n"},
		{8, "\n", "two\n"},
	} {
		if got := string(take(c, nil, step.pid, step.text)); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
		checkKept(t, c)
	}
	// Nobody can look for one without a name: it is taken to live.
	c = testDemux(MinMaxLine)
	c.take(0, []byte("nameless"), false)
	if c.look(time.Now()); c.waits() {
		t.Errorf("%q was ended", drain(c, nil))
	}
	c.endAll()
	if got := string(drain(c, nil)); got != "nameless\n" {
		t.Errorf("got %q", got)
	}
}
