package relay

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/logreel/logreel/rotator"
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
		if r.handover.reader.Load() == withSpooler {
			r.report(len(r.spill)) // the copier may take its time
			return
		}
		r.requests = append(r.requests, s)
	case syscall.SIGHUP, syscall.SIGALRM:
		r.requests = append(r.requests, s)
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

// noteStatus is for the copier: it notes what report is to say while the disk keeps the
// copier.
func (r *relay) noteStatus() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = r.Rotator.Status()
}

func (r *relay) lastStatus() rotator.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// report answers SIGUSR1. More is how many bytes wait besides the buffer and the input.
func (r *relay) report(more int) {
	s := r.lastStatus()
	live := "no live file"
	if s.Live != "" {
		live = fmt.Sprintf("live file %s of %d bytes", s.Live, s.Size)
	}
	r.Messages.Say("%s; %d bytes written and %d switches in %v; %d bytes waiting", live, s.Written, s.Switches,
		time.Since(r.started).Round(time.Second), r.buffer.bytes()+r.Reader.Waiting()+more)
}

// serve answers a request to the copier.
func (r *relay) serve(s os.Signal) {
	now := time.Now()
	switch s {
	case syscall.SIGHUP:
		r.Rotator.Reopen(now)
		return
	case syscall.SIGUSR1:
		r.noteStatus()
		r.report(0)
		return
	}
	if err := r.Rotator.Switch(now); errors.Is(err, rotator.ErrSameName) {
		r.Messages.Warn("SIGALRM: %v; give --size to have numbered files", err)
	} else if err != nil {
		r.Messages.Warn("SIGALRM: %v", err)
	}
}
