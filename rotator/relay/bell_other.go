//go:build !linux

package relay

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// bellLook is how often a bell that is set looks at the time.
const bellLook = 50 * time.Millisecond

// A bell wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off. It is not a timer of the runtime, which would need more descriptors.
type bell struct {
	due   atomic.Int64 // in nanoseconds since start; 0 when it is not set
	start time.Time
	set   chan struct{}
}

func (b *bell) open(bool) error {
	b.start, b.set = time.Now(), make(chan struct{}, 1)
	return nil
}

func (b *bell) close() {}

// ring rings the bell after a time.
func (b *bell) ring(after time.Duration) {
	b.due.Store(int64(time.Since(b.start)+after) + 1)
	select {
	case b.set <- struct{}{}:
	default:
	}
}

// stop keeps the bell from ringing.
func (b *bell) stop() { b.due.Store(0) }

// wait waits until the bell rings.
func (b *bell) wait() {
	for {
		due := b.due.Load()
		if due == 0 {
			<-b.set
			continue
		}
		rest := time.Duration(due) - time.Since(b.start)
		if rest <= 0 && b.due.CompareAndSwap(due, 0) {
			return
		}
		_, _ = unix.Poll(nil, int(min(max(rest, 0), bellLook)/time.Millisecond)+1)
	}
}
