// Package messages writes messages for the user, on standard error.
//
// It is the only place that writes there. A message is one line that begins with
// "logreel: ". It must never hold up the log: standard error may be a pipe that
// nobody reads, a file on a disk that hangs, or a non-blocking socket that comes
// back into our own standard input (uWSGI). So messages are written by a goroutine
// of their own, and one that cannot be written at once is dropped.
package messages

import (
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	stderr = 2
	// waiting is how many messages may wait while standard error hangs.
	waiting = 64
)

// A Printer tells the user something. Its functions take the arguments of
// fmt.Printf; a nil one is silent.
type Printer struct {
	// Say tells what the user waits for or has asked for, Detail what is done, Warn
	// what is wrong while the program goes on.
	Say, Detail, Warn func(format string, args ...any)
}

// OrSilent returns the printer with its nil functions made silent.
func (p Printer) OrSilent() Printer {
	for _, f := range []*func(string, ...any){&p.Say, &p.Detail, &p.Warn} {
		if *f == nil {
			*f = silent
		}
	}
	return p
}

func silent(string, ...any) {}

// Lines spells a number of lines.
func Lines(n int) string { return Count(n, "line") }

// Count spells a number of things.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// A Stderr writes messages to standard error, in order.
type Stderr struct {
	queue  chan string
	unsaid atomic.Int32
}

// NewStderr returns one.
func NewStderr() *Stderr {
	s := &Stderr{queue: make(chan string, waiting)}
	go func() {
		for text := range s.queue {
			write(text)
			s.unsaid.Add(-1)
		}
	}()
	return s
}

// Printer returns a printer on standard error. It gives details only if verbose.
func (s *Stderr) Printer(verbose bool) Printer {
	p := Printer{Say: s.print(""), Detail: silent, Warn: s.print("warning: ")}
	if verbose {
		p.Detail = p.Say
	}
	return p
}

// Error reports why the program ends.
func (s *Stderr) Error(err error) { s.print("error: ")("%v", err) }

// Flush waits until all messages are written, but no longer than a second.
func (s *Stderr) Flush() {
	for range 1000 {
		if s.unsaid.Load() == 0 {
			return
		}
		// Not time.Sleep: a timer of the runtime opens descriptors.
		_, _ = unix.Poll(nil, 1)
	}
}

func (s *Stderr) print(kind string) func(string, ...any) {
	return func(format string, args ...any) {
		s.unsaid.Add(1)
		select {
		case s.queue <- kind + fmt.Sprintf(format, args...):
		default:
			s.unsaid.Add(-1)
		}
	}
}

func write(text string) {
	line := "logreel: " + strings.ReplaceAll(text, "\n", "; ")
	// A pipe that is ready takes PIPE_BUF bytes without blocking.
	line = line[:min(len(line), 4095)] + "\n"
	ready := []unix.PollFd{{Fd: stderr, Events: unix.POLLOUT}}
	if n, err := unix.Poll(ready, 0); err != nil || n == 0 || ready[0].Revents&unix.POLLOUT == 0 {
		return
	}
	// There is nobody left to tell about an error.
	_, _ = unix.Write(stderr, []byte(line))
}
