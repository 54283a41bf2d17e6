package output

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/messages"
)

// A sink is where an output's lines go: the files of a rotator, or standard output.
type sink interface {
	Start()
	Write(lines []byte, at time.Time) (int, error)
	EndRecord()
	Tick(at time.Time, more bool)
	Until() time.Time
	Reopen(at time.Time)
	Switch(at time.Time) error
	Status() rotator.Status
	Close() error
}

// A stdout is a sink that writes to standard output. When that fails, it goes on without.
type stdout struct {
	out      io.Writer // nil when it has failed
	only     bool      // the lines are nowhere else, so that a reader who is slow is waited for
	messages messages.Printer
	written  int64
}

func (s *stdout) Write(lines []byte, _ time.Time) (int, error) {
	if s.out == nil {
		return len(lines), nil
	}
	n, err := s.out.Write(lines)
	s.written += int64(n)
	switch {
	case s.only && errors.Is(err, os.ErrDeadlineExceeded):
		return n, err
	case err != nil:
		s.messages.Warn("standard output: %v; going on without it", err)
		s.out = nil
	}
	return len(lines), nil
}

func (s *stdout) Status() rotator.Status {
	return rotator.Status{Live: "standard output", Size: s.written, Written: s.written}
}

func (*stdout) Start()                 {}
func (*stdout) EndRecord()             {}
func (*stdout) Tick(time.Time, bool)   {}
func (*stdout) Until() time.Time       { return time.Time{} }
func (*stdout) Reopen(time.Time)       {}
func (*stdout) Switch(time.Time) error { return nil }
func (*stdout) Close() error           { return nil }
