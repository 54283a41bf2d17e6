//go:build linux

package intake

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// When there is too much of unfinished lines, the longest is passed on while it comes,
// and what others write meanwhile waits for its end.
func TestDemuxLongLines(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	long := strings.Repeat("x", MinMaxLine)
	for i, step := range []struct {
		pid        int32
		text, want string
	}{
		{1, long, ""}, // one byte less than too much
		{2, "two\n", "two\n"},
		{1, "y", long + "y"},
		{2, "two\nthr", ""},
		{3, long[:500], ""},
		{1, "tail", "tail"},
		{2, "ee\n", ""},
		{1, "\none\nrest", "\none\ntwo\nthree\n"},
		{3, long, long[:500] + long}, // its turn
		{2, "four\n", ""},
		{3, "\n", "\nfour\n"},
		{1, "\n", "rest\n"},
	} {
		got := string(take(c, nil, step.pid, step.text))
		if got != step.want {
			t.Errorf("step %d: got %d bytes %.60q, want %d bytes %.60q", i, len(got), got, len(step.want), step.want)
		}
		checkKept(t, c)
	}
	if c.unfinished() || c.rests() != 0 {
		t.Errorf("%d writers and %d bytes are left", len(c.writers), c.rests())
	}
}

// Of more unfinished lines than can be kept, one at a time is ended before its end,
// the longest first. No byte is lost.
func TestDemuxTooManyWriters(t *testing.T) {
	t.Parallel()
	const writers = 3 * maxWriters
	c := testDemux(1 << 20)
	var out []byte
	for i := range writers {
		out = take(c, out, int32(i+1), fmt.Sprintf("%04d%s", i, strings.Repeat("-", writers-i)))
		checkKept(t, c)
	}
	if got, want := bytes.Count(out, newline), writers-maxWriters; got != want {
		t.Errorf("%d lines were ended, want %d", got, want)
	}
	c.endAll()
	out = drain(c, out)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != writers {
		t.Fatalf("got %d lines, want %d", len(lines), writers)
	}
	for i, line := range lines {
		// The first is the longest of all, and so on.
		if want := fmt.Sprintf("%04d%s", i, strings.Repeat("-", writers-i)); line != want {
			t.Fatalf("line %d is %.30q, want %.30q", i, line, want)
		}
	}
}

// Unfinished lines are kept up to a number of bytes.
func TestDemuxTooManyBytes(t *testing.T) {
	t.Parallel()
	const maxLine, piece = 1 << 20, 64 << 10
	c := testDemux(maxLine)
	scripts := []*script{}
	for i := range 26 {
		text := append(bytes.Repeat([]byte{byte('a' + i)}, maxLine-1), '\n')
		scripts = append(scripts, &script{name: byte('a' + i), text: text})
	}
	var out []byte
	for range maxLine / piece {
		for i, s := range scripts {
			out = take(c, out, int32(i+1), string(s.say(piece)))
			checkKept(t, c)
		}
	}
	c.endAll()
	out = drain(c, out)
	checkBytes(t, out, scripts)
	if lines := bytes.Count(out, newline); lines <= len(scripts) {
		t.Errorf("%d lines: none was ended before its end", lines)
	}
}

// checkBytes fails unless every line is of one writer alone, and all bytes are there.
func checkBytes(t *testing.T, out []byte, scripts []*script) {
	t.Helper()
	got := map[byte]int{}
	for line := range bytes.Lines(out) {
		if n := bytes.Count(line, line[:1]); n != len(line)-1 && line[0] != '\n' {
			t.Fatalf("a line of %d bytes has %d of writer %c", len(line), n, line[0])
		}
		got[line[0]] += len(bytes.TrimSuffix(line, newline))
	}
	for _, s := range scripts {
		if want := len(s.text) - 1; got[s.name] != want {
			t.Errorf("writer %c: got %d bytes, want %d", s.name, got[s.name], want)
		}
	}
}

// What others write during a line without end is kept up to a number of bytes; then
// that line is ended, and theirs come in the order in which they ended.
func TestDemuxTooMuchHeld(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	out := take(c, nil, 1, strings.Repeat("x", MinMaxLine+1))
	want := append(bytes.Clone(out), '\n')
	out = take(c, out, 9, "unfinished") // which is in nobody's way
	for i := 0; c.streaming != nil; i++ {
		line := fmt.Sprintf("%07d%s\n", i, strings.Repeat("h", 1000))
		want = append(want, line...)
		out = take(c, out, int32(2+i%3), line)
		checkKept(t, c)
	}
	if !bytes.Equal(out, want) || len(want) < c.most {
		t.Errorf("got %d bytes, want %d, which are to be more than %d", len(out), len(want), c.most)
	}
	// The long line goes on as one of its own.
	if out = take(c, take(c, nil, 1, "more\n"), 9, "\n"); string(out) != "more\nunfinished\n" {
		t.Errorf("got %.60q", out)
	}
}

// Memory that nobody has needed between two looks is given back, and none that is
// needed again and again.
func TestDemuxTrim(t *testing.T) {
	t.Parallel()
	c := testDemux(maxRests)
	const peak = 8 << 20
	use := func() {
		t.Helper()
		take(c, nil, 1, strings.Repeat("x", peak))
		if got := len(take(c, nil, 1, "\n")); got != peak+1 {
			t.Fatalf("got %d bytes, want %d", got, peak+1)
		}
	}
	for range 3 {
		use()
		if c.pool.trim() {
			t.Error("memory is given back that was needed since the last look")
		}
	}
	if !c.watches() {
		t.Error("nobody looks for memory that is not needed")
	}
	if !c.pool.trim() || c.watches() || c.pool.spare > keepChunks {
		t.Errorf("%d chunks are left", c.pool.spare)
	}
	spare := 0
	for b := c.pool.free; b != nil; b = b.next {
		spare++
	}
	if spare != c.pool.spare || c.pool.used != 0 {
		t.Errorf("%d free chunks are counted as %d; %d bytes are used", spare, c.pool.spare, c.pool.used)
	}
	use()
}

// What waits for a long line is returned in batches that need no larger buffer, all
// under the time at which that line ended, or at the end of input.
func TestDemuxBatches(t *testing.T) {
	t.Parallel()
	for _, finish := range []bool{false, true} {
		r, socket := newSocket(t, Config{MaxLine: 1024})
		long := strings.Repeat("x", maxRest+1)
		others := strings.Repeat(strings.Repeat("o", 999)+"\n", 5000)
		pid := int32(os.Getpid()) // which lives
		r.demux.take(pid, []byte(long), false)
		r.demux.take(pid+1, []byte(others), false)
		r.at = time.Now().Add(-time.Hour)
		if finish {
			r.EndHere()
		} else {
			r.demux.take(pid, newline, false)
			write(t, int(socket.Fd()), "not read before\n")
		}
		want, at := long+"\n"+others, r.at
		var got strings.Builder
		for got.Len() < len(want) {
			lines, read, err := r.Next(time.Time{})
			if err != nil {
				t.Fatalf("%v after %d bytes, want %d", err, got.Len(), len(want))
			}
			if len(lines) > readSize || len(r.buf) > readSize {
				t.Errorf("a batch of %d bytes in a buffer of %d", len(lines), len(r.buf))
			}
			if !finish && !read.Equal(at) {
				t.Errorf("a batch was read at %v, want %v", read, at)
			}
			got.Write(lines)
		}
		if got.String() != want {
			t.Errorf("finish %v: got %d bytes, want %d", finish, got.Len(), len(want))
		}
	}
}
