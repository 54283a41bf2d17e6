//go:build !linux

package relay

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// timerLook is how often a timer that is set looks at the time.
const timerLook = 50 * time.Millisecond

// A timer wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off. It is not a timer of the runtime, which would need more descriptors.
type timer struct {
	due     atomic.Int64 // in nanoseconds since start; 0 when it is not set
	start   time.Time
	changed chan struct{}
}

func (t *timer) open(bool) error {
	t.start, t.changed = time.Now(), make(chan struct{}, 1)
	return nil
}

func (t *timer) close() {}

// set makes the timer fire after a time.
func (t *timer) set(after time.Duration) {
	t.due.Store(int64(time.Since(t.start)+after) + 1)
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// stop keeps the timer from firing.
func (t *timer) stop() { t.due.Store(0) }

// wait waits until the timer fires.
func (t *timer) wait() {
	for {
		due := t.due.Load()
		if due == 0 {
			<-t.changed
			continue
		}
		rest := time.Duration(due) - time.Since(t.start)
		if rest <= 0 && t.due.CompareAndSwap(due, 0) {
			return
		}
		_, _ = unix.Poll(nil, int(min(max(rest, 0), timerLook)/time.Millisecond)+1)
	}
}
