package intake

import "time"

// minLinger is the shortest sleep that is worth its two system calls.
const minLinger = time.Millisecond

// slowRate is about 2,000 lines/s, in bytes.
const slowRate = 256 << 10

// A linger is how long to wait for more before a read, as the last reads suggest. Further
// outputs gather what they are given for a little longer; see package output.
type linger struct {
	most time.Duration
	// slow is the most for a slow stream, of fewer bytes a second than slowRate; 0 for most.
	slow time.Duration
	room int // how many bytes may gather in the input meanwhile

	// wait is how long to linger next.
	wait time.Duration
	// steady says that bytes come so often that the reader can sleep for the next
	// batch without waiting for its first byte.
	steady bool
	last   time.Time // of the last read
	seen   bool
}

// note records that a read brought n bytes, and whether more was waiting.
func (l *linger) note(n int, more bool) {
	now := time.Now()
	since := min(now.Sub(l.last), l.most)
	l.steady = l.seen && !more && now.Sub(l.last) < 2*l.most
	l.last, l.seen = now, true
	// At this rate the room is full after:
	l.wait = time.Duration(int64(since) * int64(l.room) / int64(n))
	l.wait = min(l.wait, l.most)
	if l.slow > 0 && int64(n)*int64(time.Second) < slowRate*int64(since) {
		l.wait = min(l.wait, l.slow)
	}
	if more || l.wait < minLinger {
		l.wait, l.steady = 0, false
	}
}

// quiet reports whether nothing has come for so long that nothing is likely to follow
// what has come now.
func (l *linger) quiet(now time.Time) bool { return now.Sub(l.last) > 2*l.most }
