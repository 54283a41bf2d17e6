package relay

import (
	"os"
	"syscall"
	"time"
)

// listen hands the signals on. They interrupt the readers, which are blocked in a system
// call most of the time.
func (r *relay) listen() {
	for sig := range r.Signals {
		switch sig {
		case syscall.SIGPIPE, syscall.SIGXFSZ, syscall.SIGUSR2:
			continue
		case syscall.SIGTERM:
			r.terminated.Store(true)
		case syscall.SIGINT:
			r.terminated.Store(r.Terminal || r.terminated.Load())
		case syscall.SIGHUP, syscall.SIGALRM, syscall.SIGUSR1:
			for _, o := range r.Others {
				o.Signal(sig)
			}
		}
		for _, s := range r.streams {
			if s.handover.reader.Load() != closed { // then nobody would take it
				s.signals <- sig
				s.Reader.Interrupt()
			}
		}
	}
}

// takeSignals answers the signals that have come, as far as whoever has the reader
// can, and leaves the others as requests to the copier.
func (s *stream) takeSignals() {
	for {
		select {
		case sig := <-s.signals:
			s.take(sig)
		default:
			if !s.graceEnd.IsZero() && time.Until(s.graceEnd) <= 0 {
				s.graceEnd = time.Time{}
				s.Reader.EndHere()
			}
			return
		}
	}
}

func (s *stream) take(sig os.Signal) {
	switch sig {
	case syscall.SIGINT:
		if s.Terminal {
			s.Reader.EndHere()
		}
	case syscall.SIGTERM:
		s.terminate()
	case syscall.SIGCHLD:
		s.detail("the command has ended; reading on until its output is closed")
		s.beginGrace()
	case syscall.SIGUSR1:
		if s.handover.reader.Load() == withSpooler {
			s.Output.Report(len(s.spill) + s.Reader.Waiting()) // the copier may take its time
			return
		}
		s.requests = append(s.requests, sig)
	case syscall.SIGHUP, syscall.SIGALRM:
		s.requests = append(s.requests, sig)
	}
}

// terminate answers SIGTERM.
func (s *stream) terminate() {
	s.terms++
	switch {
	case s.Terminal || s.terms > 1:
		s.Reader.EndHere()
	case s.Grace != nil:
		s.detail("SIGTERM: reading on for %v at the most", *s.Grace)
		s.beginGrace()
	default:
		s.detail("SIGTERM: reading on until the end of input; a second SIGTERM ends")
	}
}

// beginGrace sets when the input is to end, if there is a grace.
func (s *stream) beginGrace() {
	if s.Grace != nil {
		s.graceEnd = time.Now().Add(*s.Grace)
	}
}

// serve answers a request to the copier.
func (s *stream) serve(sig os.Signal) {
	switch sig {
	case syscall.SIGHUP:
		s.Output.Reopen()
	case syscall.SIGALRM:
		s.Output.Switch()
	case syscall.SIGUSR1:
		s.Output.ReportNow(s.Reader.Waiting())
	}
}

// detail tells the user what concerns all streams.
func (s *stream) detail(format string, args ...any) {
	if s.tells {
		s.Messages.Detail(format, args...)
	}
}
