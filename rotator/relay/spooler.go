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
func (s *stream) offerReader() {
	now := time.Since(s.started)
	s.handover.since.Store(int64(now))
	s.handover.reader.Store(offered)
	if s.handover.set == 0 || now-s.handover.set >= stall/2 {
		s.handover.set = now
		s.handover.timer.Set(stall)
	}
}

// silence stops the timer, which would fire for nothing before it is put off again.
func (s *stream) silence() {
	if s.handover.set != 0 {
		s.handover.set = 0
		s.handover.timer.Stop()
	}
}

// callSpooler lets the spooler read on, since writing has failed.
func (s *stream) callSpooler() {
	if s.handover.reader.CompareAndSwap(offered, withSpooler) {
		s.handover.timer.Set(0)
	}
}

// takeBack takes the reader back. It reports whether it came from the spooler, which
// may have left lines in the buffer.
func (s *stream) takeBack() (relieved bool) {
	if s.handover.reader.CompareAndSwap(offered, withCopier) {
		return false
	}
	s.handover.wanted.Store(true)
	s.Reader.Interrupt()
	<-s.handover.back
	s.handover.wanted.Store(false)
	return true
}

// spooler takes the reader whenever the disk keeps the copier for too long, until the
// copier has ended. If it gives up before that, it sends the result itself, with how many
// lines are lost: the copier may hang, and cannot.
func (s *stream) spooler(results chan<- result) {
	for {
		s.handover.timer.Wait()
		kept := time.Since(s.started) - time.Duration(s.handover.since.Load())
		switch s.handover.reader.Load() {
		case closed:
			s.handover.timer.Close()
			return
		case withCopier:
			continue
		case offered:
			if kept < stall/2 {
				s.handover.timer.Set(stall - kept)
				continue
			}
			if !s.handover.reader.CompareAndSwap(offered, withSpooler) {
				continue
			}
		}
		if !s.spool() {
			results <- s.giveUp()
			return
		}
		// Stored first: a timer that was set before may fire again at once.
		s.handover.reader.Store(withCopier)
		s.handover.back <- struct{}{}
	}
}

// spool reads into the buffer until the copier wants the reader back. It reports
// false when the input has ended and the disk has done nothing for lastTry.
func (s *stream) spool() bool {
	s.keep()
	s.Output.Spool()
	var quiet time.Time // since when nothing is written, and nothing more can come
	for !s.handover.wanted.Load() {
		now := time.Now()
		more := s.readOn(now)
		s.takeSignals()
		switch moved := s.Output.Watch(now); {
		case more || moved:
			quiet = time.Time{}
		case quiet.IsZero():
			quiet = now
		case now.Sub(quiet) >= lastTry:
			return false
		}
	}
	s.Output.EndSpool()
	return true
}

// readOn reads once, if there is room, or else waits for a while. It reports whether
// more may come.
func (s *stream) readOn(now time.Time) bool {
	s.spill = s.Output.Push(s.spill, s.spillAt)
	if s.ended == nil && len(s.spill) == 0 && !s.Output.Full() {
		// Boundaries lie on whole seconds, and what comes before one is filed before it.
		lines, at, err := s.next(s.untilGrace(now.Truncate(time.Second).Add(time.Second)))
		s.spill, s.spillAt, s.ended = s.Output.Push(lines, at), at, err
		return true
	}
	s.Reader.Sleep(time.Second)
	return s.ended == nil && !s.Reader.WritersGone()
}

// giveUp counts what will not be written: what is in the buffer, and what there was
// no room to read.
func (s *stream) giveUp() result {
	lost := s.Output.GiveUp() + bytes.Count(s.spill, newline)
	for s.ended == nil {
		var lines []byte
		lines, _, s.ended = s.next(time.Time{})
		lost += bytes.Count(lines, newline)
	}
	return result{lost: lost}
}
