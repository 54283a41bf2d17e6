package intake

import "time"

// minLinger is the shortest sleep that is worth its two system calls.
const minLinger = time.Millisecond

// A pace decides how long to linger, from what the last reads brought.
type pace struct {
	linger time.Duration // the most
	room   int           // how many bytes may gather in the input meanwhile

	// wait is how long to linger next.
	wait time.Duration
	// steady says that bytes come so often that the reader can sleep for the next
	// batch without waiting for its first byte.
	steady bool
	last   time.Time // of the last read
	seen   bool
}

// note records that a read brought n bytes, and whether more was waiting.
func (p *pace) note(n int, more bool) {
	now := time.Now()
	since := min(now.Sub(p.last), p.linger)
	p.steady = p.seen && !more && now.Sub(p.last) < 2*p.linger
	p.last, p.seen = now, true
	// At this rate the room is full after:
	p.wait = time.Duration(int64(since) * int64(p.room) / int64(n))
	p.wait = min(p.wait, p.linger)
	if more || p.wait < minLinger {
		p.wait, p.steady = 0, false
	}
}

// quiet reports whether nothing has come for so long that nothing is likely to follow
// what has come now.
func (p *pace) quiet(now time.Time) bool { return now.Sub(p.last) > 2*p.linger }
