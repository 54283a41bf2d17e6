package relay

import (
	"os"
	"syscall"
	"time"
)

// listen hands the signals on. They interrupt the reader, which is blocked in a
// system call most of the time.
func (r *relay) listen() {
	for s := range r.Signals {
		if s == syscall.SIGPIPE || s == syscall.SIGXFSZ || s == syscall.SIGUSR2 {
			continue
		}
		if s == syscall.SIGTERM || s == syscall.SIGINT && r.Terminal {
			r.terminated.Store(true)
		}
		r.signals <- s
		r.Reader.Interrupt()
	}
}

// takeSignals answers the signals that have come, as far as whoever has the reader
// can, and leaves the others as requests to the copier.
func (r *relay) takeSignals() {
	for {
		select {
		case s := <-r.signals:
			r.take(s)
		default:
			if !r.graceEnd.IsZero() && time.Until(r.graceEnd) <= 0 {
				r.graceEnd = time.Time{}
				r.Reader.EndHere()
			}
			return
		}
	}
}

func (r *relay) take(s os.Signal) {
	switch s {
	case syscall.SIGINT:
		if r.Terminal {
			r.Reader.EndHere()
		}
	case syscall.SIGTERM:
		r.terminate()
	case syscall.SIGCHLD:
		r.Messages.Detail("the command has ended; reading on until its output is closed")
		r.beginGrace()
	case syscall.SIGUSR1:
		r.signalOthers(s)
		if r.handover.reader.Load() == withSpooler {
			r.Output.Report(len(r.spill) + r.Reader.Waiting()) // the copier may take its time
			return
		}
		r.requests = append(r.requests, s)
	case syscall.SIGHUP, syscall.SIGALRM:
		r.signalOthers(s)
		r.requests = append(r.requests, s)
	}
}

func (r *relay) signalOthers(s os.Signal) {
	for _, o := range r.Others {
		o.Signal(s)
	}
}

// terminate answers SIGTERM.
func (r *relay) terminate() {
	r.terms++
	switch {
	case r.Terminal || r.terms > 1:
		r.Reader.EndHere()
	case r.Grace != nil:
		r.Messages.Detail("SIGTERM: reading on for %v at the most", *r.Grace)
		r.beginGrace()
	default:
		r.Messages.Detail("SIGTERM: reading on until the end of input; a second SIGTERM ends")
	}
}

// beginGrace sets when the input is to end, if there is a grace.
func (r *relay) beginGrace() {
	if r.Grace != nil {
		r.graceEnd = time.Now().Add(*r.Grace)
	}
}

// serve answers a request to the copier.
func (r *relay) serve(s os.Signal) {
	switch s {
	case syscall.SIGHUP:
		r.Output.Reopen()
	case syscall.SIGALRM:
		r.Output.Switch()
	case syscall.SIGUSR1:
		r.Output.ReportNow(r.Reader.Waiting())
	}
}
