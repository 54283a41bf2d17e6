// Package relay moves lines from the intake to the rotator until the input ends,
// and answers the signals and the clock meanwhile.
//
// # Guarantees
//
//   - The normal end is the end of input: what is left is written, then Run
//     returns. SIGTERM, SIGINT and SIGQUIT do not end it while a writer may still
//     come, since servers and supervisors signal the whole group, or the logger
//     first, and the application's last lines are still to come.
//   - A second SIGTERM, or the first one and Config.Grace, sets the end of input:
//     what is waiting then is still written. On a terminal SIGINT and SIGTERM do.
//   - SIGHUP reopens the live file, SIGALRM switches, SIGUSR1 reports; SIGUSR2,
//     SIGPIPE and SIGXFSZ do nothing. None of them ends it.
//   - No timer of the runtime is used: the first one opens two descriptors, and
//     the process ends where there are none left.
//   - Lines that cannot be written wait, in order, and are tried every second.
//     After the end of input that lasts at most ten seconds; what is lost then is
//     counted.
package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/notice"
)

const (
	retryEvery = time.Second
	// lastTry is for how long lines are tried to be written after the end of input.
	lastTry = 10 * time.Second
)

// Config says what to connect. Reader and Rotator are required.
type Config struct {
	Reader  *intake.Reader
	Rotator *rotator.Rotator
	// Grace is how long the input may last after SIGTERM; nil for any time.
	Grace *time.Duration
	// Terminal says that a person is typing the input.
	Terminal bool
	// Tee gets a copy of every line; nil for none. When it fails it gets no more.
	Tee io.Writer
	// Voice speaks to the user; the zero Voice is silent.
	Voice notice.Voice
}

// A relay is the state of one Run.
type relay struct {
	Config
	signals chan os.Signal
	terms   int
	started time.Time
	// deadline is when lines that cannot be written are given up; zero while the
	// input has not ended.
	deadline time.Time
	// graceEnd is when Grace is over; zero while none has begun.
	graceEnd time.Time
	// held is how many bytes of read lines are not written yet.
	held int
	lost int
}

// Run returns at the end of input: nil when every line was written.
func Run(c Config) error {
	c.Voice = c.Voice.OrSilent()
	r := &relay{Config: c, started: time.Now()}
	stop := r.listen()
	defer stop()
	for {
		lines, at, err := r.Reader.Next(r.until())
		if len(lines) > 0 {
			r.deliver(lines, at)
		}
		r.answerPending()
		if err != nil {
			return r.end(err)
		}
		if len(lines) == 0 {
			r.Rotator.Tick(at)
		}
	}
}

// end closes the file and says what is to be said of the whole.
func (r *relay) end(err error) error {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if r.lost > 0 {
		lines := "lines"
		if r.lost == 1 {
			lines = "line"
		}
		err = errors.Join(err, fmt.Errorf("%d %s lost that could not be written within %v of the end of input", r.lost, lines, lastTry))
	}
	return errors.Join(err, r.Rotator.Close())
}

// deliver writes lines, and waits and tries again as long as that fails.
func (r *relay) deliver(lines []byte, at time.Time) {
	for len(lines) > 0 {
		n, err := r.Rotator.Write(lines, at)
		r.tee(lines[:n])
		lines = lines[n:]
		if err == nil {
			if r.lost == 0 {
				r.deadline = time.Time{}
			}
			continue
		}
		switch {
		case r.deadline.IsZero() && r.Reader.WritersGone():
			r.deadline = time.Now().Add(lastTry)
		case !r.deadline.IsZero() && time.Now().After(r.deadline):
			r.lost += bytes.Count(lines, []byte{'\n'})
			return
		}
		r.held = len(lines)
		r.Reader.Sleep(retryEvery)
		r.answerPending()
	}
	r.held = 0
}

// until returns when Next is to return without lines.
func (r *relay) until() time.Time {
	until := r.Rotator.Until()
	if r.graceEnd.IsZero() {
		return until
	}
	// Reckoned anew from the monotonic clock, since someone may set the other one.
	end := time.Now().Add(time.Until(r.graceEnd))
	if until.IsZero() || end.Before(until) {
		return end
	}
	return until
}

// tee copies lines to standard output.
func (r *relay) tee(lines []byte) {
	if r.Tee == nil || len(lines) == 0 {
		return
	}
	if _, err := r.Tee.Write(lines); err != nil {
		r.Voice.Warn("--tee: %v; going on without it", err)
		r.Tee = nil
	}
}

// listen takes the signals over. They interrupt the reader, which is blocked in a
// system call most of the time.
func (r *relay) listen() (stop func()) {
	caught := make(chan os.Signal, 16)
	r.signals = make(chan os.Signal, 16)
	// Caught rather than ignored, so that a process that we start has them by
	// default.
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGALRM,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ)
	go func() {
		for s := range caught {
			if s == syscall.SIGPIPE || s == syscall.SIGXFSZ || s == syscall.SIGUSR2 {
				continue
			}
			r.signals <- s
			r.Reader.Interrupt()
		}
	}()
	return func() {
		signal.Stop(caught)
		close(caught)
	}
}

// answerPending answers the signals that have come.
func (r *relay) answerPending() {
	for {
		select {
		case s := <-r.signals:
			r.answer(s)
		default:
			if !r.graceEnd.IsZero() && time.Until(r.graceEnd) <= 0 {
				r.graceEnd = time.Time{}
				r.Reader.Finish()
			}
			return
		}
	}
}

func (r *relay) answer(s os.Signal) {
	now := time.Now()
	switch s {
	case syscall.SIGINT:
		if r.Terminal {
			r.Reader.Finish()
		}
	case syscall.SIGTERM:
		r.terminate()
	case syscall.SIGHUP:
		r.Rotator.Reopen(now)
	case syscall.SIGALRM:
		if err := r.Rotator.Switch(now); errors.Is(err, rotator.ErrSameName) {
			r.Voice.Warn("SIGALRM: %v; give --size to have numbered files", err)
		} else if err != nil {
			r.Voice.Warn("SIGALRM: %v", err)
		}
	case syscall.SIGUSR1:
		r.report()
	}
}

// terminate answers SIGTERM.
func (r *relay) terminate() {
	r.terms++
	switch {
	case r.Terminal || r.terms > 1:
		r.Reader.Finish()
	case r.Grace != nil:
		r.Voice.Detail("SIGTERM: reading on for %v at the most", *r.Grace)
		r.graceEnd = time.Now().Add(*r.Grace)
	default:
		r.Voice.Detail("SIGTERM: reading on until the end of input; a second SIGTERM ends")
	}
}

func (r *relay) report() {
	s := r.Rotator.Status()
	live := "no live file"
	if s.Live != "" {
		live = fmt.Sprintf("live file %s of %d bytes", s.Live, s.Size)
	}
	r.Voice.Say("%s; %d bytes written and %d switches in %v; %d bytes waiting", live, s.Written, s.Switches,
		time.Since(r.started).Round(time.Second), r.held+r.Reader.Waiting())
}
