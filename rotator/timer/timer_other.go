//go:build !linux

// Package timer wakes a goroutine after a time, or when it is set to fire at once.
package timer

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is how often a timer that is set looks at the time.
const lookEvery = 50 * time.Millisecond

// A Timer wakes the goroutine that waits for it, after a time. Setting it anew puts it
// off.
type Timer struct {
	due     atomic.Int64 // in nanoseconds since start; 0 when it is not set
	start   time.Time
	changed chan struct{}
}

// Open makes the timer, which is not set then.
func (t *Timer) Open(bool) error {
	t.start, t.changed = time.Now(), make(chan struct{}, 1)
	return nil
}

// Close does nothing.
func (t *Timer) Close() {}

// Set makes the timer fire after a time.
func (t *Timer) Set(after time.Duration) {
	t.due.Store(int64(time.Since(t.start)+after) + 1)
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// Stop keeps the timer from firing.
func (t *Timer) Stop() { t.due.Store(0) }

// Wait waits until the timer fires.
func (t *Timer) Wait() {
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
		_, _ = unix.Poll(nil, int(min(max(rest, 0), lookEvery)/time.Millisecond)+1)
	}
}
