package relay

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/logreel/logreel/rotator/timer"
)

const (
	// stall is how long the disk may keep the copier before the spooler reads on:
	// a pipe of 1 MiB holds a busy log for longer.
	stall = 100 * time.Millisecond
	// lastTry is how long to go on trying after the end of input and the last success.
	lastTry = 10 * time.Second
)

// Who has the reader.
const (
	withCopier int32 = iota
	offered          // nobody: whoever is first takes it
	withSpooler
	closed // nobody any more
)

// A handover is where the copier and the spooler give the reader to each other.
type handover struct {
	reader atomic.Int32 // who has it
	// since is when the copier last offered it, in nanoseconds after the start.
	since atomic.Int64
	// wanted says that the copier has written everything and wants it back.
	wanted atomic.Bool
	// back is where the spooler says that it has let go.
	back chan struct{}
	// timer wakes the spooler; set is when the copier last set it.
	timer timer.Timer
	set   time.Duration
}

// offerReader lets go of the reader before the copier turns to the disk. The timer is put
// off just often enough not to fire in a steady stream: a system call for every batch
// would be a good part of what the batch costs.
func (r *relay) offerReader() {
	now := time.Since(r.started)
	r.handover.since.Store(int64(now))
	r.handover.reader.Store(offered)
	if r.handover.set == 0 || now-r.handover.set >= stall/2 {
		r.handover.set = now
		r.handover.timer.Set(stall)
	}
}

// silence stops the timer, which would fire for nothing before it is put off again.
func (r *relay) silence() {
	if r.handover.set != 0 {
		r.handover.set = 0
		r.handover.timer.Stop()
	}
}

// callSpooler lets the spooler read on, since writing has failed.
func (r *relay) callSpooler() {
	if r.handover.reader.CompareAndSwap(offered, withSpooler) {
		r.handover.timer.Set(0)
	}
}

// takeBack takes the reader back. It reports whether it came from the spooler, which
// may have left lines in the buffer.
func (r *relay) takeBack() (relieved bool) {
	if r.handover.reader.CompareAndSwap(offered, withCopier) {
		return false
	}
	r.handover.wanted.Store(true)
	r.Reader.Interrupt()
	<-r.handover.back
	r.handover.wanted.Store(false)
	return true
}

// spooler takes the reader whenever the disk keeps the copier for too long, until the
// copier has ended. If it gives up before that, it sends the result itself, with how many
// lines are lost: the copier may hang, and cannot.
func (r *relay) spooler(results chan<- result) {
	for {
		r.handover.timer.Wait()
		kept := time.Since(r.started) - time.Duration(r.handover.since.Load())
		switch r.handover.reader.Load() {
		case closed:
			r.handover.timer.Close()
			return
		case withCopier:
			continue
		case offered:
			if kept < stall/2 {
				r.handover.timer.Set(stall - kept)
				continue
			}
			if !r.handover.reader.CompareAndSwap(offered, withSpooler) {
				continue
			}
		}
		if !r.spool() {
			results <- r.giveUp()
			return
		}
		// Stored first: a timer that was set before may fire again at once.
		r.handover.reader.Store(withCopier)
		r.handover.back <- struct{}{}
	}
}

// spool reads into the buffer until the copier wants the reader back. It reports
// false when the input has ended and the disk has done nothing for lastTry.
func (r *relay) spool() bool {
	r.Reader.Keep()
	r.Output.Spool()
	var quiet time.Time // since when nothing is written, and nothing more can come
	for !r.handover.wanted.Load() {
		now := time.Now()
		more := r.readOn(now)
		r.takeSignals()
		switch moved := r.Output.Watch(now); {
		case more || moved:
			quiet = time.Time{}
		case quiet.IsZero():
			quiet = now
		case now.Sub(quiet) >= lastTry:
			return false
		}
	}
	r.Output.EndSpool()
	return true
}

// readOn reads once, if there is room, or else waits for a while. It reports whether
// more may come.
func (r *relay) readOn(now time.Time) bool {
	r.spill = r.Output.Push(r.spill, r.spillAt)
	if r.ended == nil && len(r.spill) == 0 && !r.Output.Full() {
		// Boundaries lie on whole seconds, and what comes before one is filed before it.
		lines, at, err := r.next(r.untilGrace(now.Truncate(time.Second).Add(time.Second)))
		r.spill, r.spillAt, r.ended = r.Output.Push(lines, at), at, err
		return true
	}
	r.Reader.Sleep(time.Second)
	return r.ended == nil && !r.Reader.WritersGone()
}

// giveUp counts what will not be written: what is in the buffer, and what there was
// no room to read.
func (r *relay) giveUp() result {
	lost := r.Output.GiveUp() + bytes.Count(r.spill, newline)
	for r.ended == nil {
		var lines []byte
		lines, _, r.ended = r.next(time.Time{})
		lost += bytes.Count(lines, newline)
	}
	return result{lost: lost}
}
