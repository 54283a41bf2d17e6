package intake

import (
	"time"

	"github.com/logreel/logreel/rotator/record"
)

// A silence is a time in which nothing was written, as far as that was seen: the input was
// looked at, at most record.MaxQuiet and a half after the last read, and was empty. Time that
// merely passes says nothing. While this process is stopped lines may gather in the input,
// and while all of the container or the machine is, nobody can write any.
type silence struct {
	// listens says that somebody wants to know.
	listens bool
	// resumed is when this process was found not to have looked.
	resumed time.Time
	// over says that the silence is long enough to end a record.
	over bool
}

// due returns how long it is until the input is to be looked at; a negative time for never.
func (s *silence) due(read, now time.Time) time.Duration {
	if !s.listens || s.over || read.IsZero() {
		return -1
	}
	return max(0, s.end(read).Sub(now))
}

// end returns when the silence will be long enough.
func (s *silence) end(read time.Time) time.Time {
	if s.resumed.After(read) {
		read = s.resumed
	}
	return read.Add(record.MaxQuiet)
}

// note notes that the input is empty, which was looked at after now.
func (s *silence) note(read, now time.Time) {
	if now.Sub(s.end(read)) > record.MaxQuiet/2 {
		s.resumed = now
	} else {
		s.over = true
	}
}

// Silent reports whether nothing had been written for record.MaxQuiet before what Next
// returned last. It is told only with Config.LastStart.
func (r *Reader) Silent() bool { return r.silence.over }

// listen looks whether there is a silence, after a wait that has brought no input.
func (r *Reader) listen(now time.Time) {
	if r.silence.due(r.linger.last, now) == 0 && !r.look().input {
		r.silence.note(r.linger.last, now)
	}
}
