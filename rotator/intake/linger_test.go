package intake

import (
	"testing"
	"time"
)

// A slow stream is lingered over for less, if that is wanted.
func TestSlowLinger(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		slow  time.Duration
		bytes int // in the longest time that counts
		want  time.Duration
	}{
		{0, 100, 25 * time.Millisecond},
		{10 * time.Millisecond, 100, 10 * time.Millisecond},
		{10 * time.Millisecond, 6000, 10 * time.Millisecond},
		{10 * time.Millisecond, 7000, 25 * time.Millisecond},
		{10 * time.Millisecond, 60_000, 25 * time.Millisecond},
	} {
		l := linger{most: 25 * time.Millisecond, slow: test.slow, room: 256 << 10}
		l.last = time.Now().Add(-time.Second)
		if l.note(test.bytes, false); l.wait != test.want {
			t.Errorf("%d bytes: %v, want %v", test.bytes, l.wait, test.want)
		}
	}
}

// Where nothing follows, nothing is waited for.
func TestQuietLineIsReadAtOnce(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Hour, MaxLine: 1024})
	write(t, w, "line\n")
	wantNext(t, r, "line\n")
}

// A line that was written before the instant is read when the instant comes, and
// filed under the time before it, however long the linger would last.
func TestLingerEndsAtTheInstant(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{Linger: time.Minute, MaxLine: 1024})
	write(t, w, "first\n")
	wantNext(t, r, "first\n")
	until := time.Now().Add(500 * time.Millisecond)
	write(t, w, "before\n")
	lines, at, err := r.Next(until)
	if string(lines) != "before\n" || err != nil {
		t.Fatalf("got %q, %v", lines, err)
	}
	if !at.Before(until) {
		t.Errorf("filed under %v, which is not before %v", at, until)
	}
	if now := time.Now(); now.Before(until) || now.Sub(until) > 10*time.Second {
		t.Errorf("read %v after the instant", now.Sub(until))
	}
	// The instant itself is told next, once.
	if lines, at, err := r.Next(until); len(lines) > 0 || err != nil || at.Before(until) {
		t.Errorf("got %q at %v, %v, want the instant", lines, at, err)
	}
}

// Without an instant of the caller the boundary bounds the linger all the same.
func TestLingerEndsAtTheBoundary(t *testing.T) {
	t.Parallel()
	var boundary time.Time
	r, w := newPipe(t, Config{Linger: time.Minute, MaxLine: 1024, Boundary: func(t time.Time) time.Time {
		if t.Before(boundary) {
			return boundary
		}
		return time.Time{}
	}})
	write(t, w, "first\n")
	wantNext(t, r, "first\n")
	boundary = time.Now().Add(500 * time.Millisecond)
	write(t, w, "before\n")
	lines, at, err := r.Next(time.Time{})
	if string(lines) != "before\n" || err != nil || !at.Before(boundary) {
		t.Errorf("got %q, %v, filed under %v, want a time before %v", lines, err, at, boundary)
	}
	if late := time.Since(boundary); late > 10*time.Second {
		t.Errorf("read %v after the boundary", late)
	}
}

// The linger is as long as the input's room allows at the rate of the last reads.
func TestLingerFollowsReads(t *testing.T) {
	t.Parallel()
	const most = 20 * time.Millisecond
	for _, test := range []struct {
		about   string
		ago     time.Duration
		n       int
		more    bool
		atLeast time.Duration
		atMost  time.Duration
		steady  bool
	}{
		{"quiet", time.Hour, 100, false, most, most, false},
		{"busy", 20 * time.Millisecond, 48 << 10, false, most, most, true},
		{"faster than the linger can hold", 20 * time.Millisecond, 512 << 10, false, 9 * time.Millisecond, 11 * time.Millisecond, true},
		{"bulk", 100 * time.Microsecond, 100 << 10, false, 0, 0, false},
		{"more is waiting", 20 * time.Millisecond, readSize, true, 0, 0, false},
		{"a burst after an hour", time.Hour, 512 << 10, false, 10 * time.Millisecond, 10 * time.Millisecond, false},
	} {
		l := linger{most: most, room: pipeSize / 4, seen: true, last: time.Now().Add(-test.ago)}
		l.note(test.n, test.more)
		if l.wait < test.atLeast || l.wait > test.atMost || l.steady != test.steady {
			t.Errorf("%s: waits %v, steady %v; want %v to %v, %v", test.about, l.wait, l.steady, test.atLeast, test.atMost, test.steady)
		}
	}
}
