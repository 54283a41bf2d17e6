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
