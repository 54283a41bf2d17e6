package relay

import (
	"slices"
	"time"
)

// next reads a batch, when all other outputs have room for it, and gives them what is
// theirs. It returns what is left for the copier.
func (s *stream) next(until time.Time) (lines []byte, at time.Time, err error) {
	if len(s.Others) > 0 {
		now := time.Now()
		waiting, full := s.observe(now)
		second := now.Add(time.Second)
		if (waiting || full) && (until.IsZero() || until.After(second)) {
			until = second
		}
		if full {
			s.Reader.Sleep(until.Sub(now))
			return nil, time.Now(), nil
		}
	}
	lines, at, err = s.Reader.Next(until)
	if s.Reader.Silent() {
		s.endRecord()
	}
	return s.route(lines, at), at, err
}

// endRecord says that the record is over which the stream has ended with. In the other
// outputs it may be that of another stream, so they are told when all are silent.
func (s *stream) endRecord() {
	switch {
	case s.Editor != nil:
		s.Editor.End()
	case s.Router != nil:
		s.Router.End()
	}
	s.Output.EndRecord()
	s.silent.Store(true)
	if slices.ContainsFunc(s.streams, func(other *stream) bool { return !other.silent.Load() }) {
		return
	}
	for _, o := range s.Others {
		o.EndRecord()
		o.Wake()
	}
}

// route gives the other outputs what is theirs of a batch, and returns what is left, all of
// it as it is to be written.
func (s *stream) route(lines []byte, at time.Time) []byte {
	if s.Router == nil && s.Editor == nil || len(lines) == 0 {
		return lines
	}
	s.silent.Store(false)
	s.routed = at
	switch {
	case s.Editor != nil:
		lines = s.Editor.Route(lines, at, s.Reader.Writers(), s.give)
	default:
		lines = s.Router.Route(lines, at, s.Reader.Writers(), s.give)
	}
	for _, o := range s.Others {
		o.Schedule()
	}
	return lines
}

// keep leaves the memory of the last batch to the copier.
func (s *stream) keep() {
	s.Reader.Keep()
	if s.Editor != nil {
		s.Editor.Keep()
	}
}

// observe looks at the other outputs. It reports whether lines wait in one of them, and
// whether one is full. One that has been full for lastTry, when nothing more can come than
// what waits in the input, is given up: nobody would ever read the rest.
func (s *stream) observe(now time.Time) (waiting, full bool) {
	for _, o := range s.Others {
		waiting = o.Observe(now) || waiting
		if !o.Full() {
			continue
		}
		if o.Stuck(now) >= lastTry && s.Reader.WritersGone() {
			o.Abandon()
			continue
		}
		full = true
	}
	return waiting, full
}
