// Package notice writes messages for the user, on standard error.
//
// It is the only place that writes there. A message is one line that begins with
// "logreel: ". It must never hold up the log: standard error may be a pipe that
// nobody reads, a file on a disk that hangs, or a non-blocking socket that comes
// back into our own standard input (uWSGI). So messages are written by a goroutine
// of their own, and one that cannot be written at once is dropped.
package notice

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

// A Voice is how a part of the program speaks. Its functions take the arguments of
// fmt.Printf; a nil one is silent.
type Voice struct {
	// Say tells what the user waits for or has asked for, Detail what is done, Warn
	// what is wrong while the program goes on.
	Say, Detail, Warn func(format string, args ...any)
}

// OrSilent returns the voice with its nil functions made silent.
func (v Voice) OrSilent() Voice {
	for _, f := range []*func(string, ...any){&v.Say, &v.Detail, &v.Warn} {
		if *f == nil {
			*f = silent
		}
	}
	return v
}

func silent(string, ...any) {}

// A Printer writes messages to standard error, in order.
type Printer struct {
	queue  chan string
	unsaid atomic.Int32
}

// NewPrinter returns a printer.
func NewPrinter() *Printer {
	p := &Printer{queue: make(chan string, waiting)}
	go func() {
		for text := range p.queue {
			write(text)
			p.unsaid.Add(-1)
		}
	}()
	return p
}

// Voice returns the voice on standard error. It gives details only if verbose.
func (p *Printer) Voice(verbose bool) Voice {
	v := Voice{Say: p.speak(""), Detail: silent, Warn: p.speak("warning: ")}
	if verbose {
		v.Detail = v.Say
	}
	return v
}

// Error reports why the program ends.
func (p *Printer) Error(err error) { p.speak("error: ")("%v", err) }

// Flush waits until all messages are written, but no longer than a second.
func (p *Printer) Flush() {
	for range 1000 {
		if p.unsaid.Load() == 0 {
			return
		}
		// Not time.Sleep: a timer of the runtime opens descriptors.
		_, _ = unix.Poll(nil, 1)
	}
}

func (p *Printer) speak(kind string) func(string, ...any) {
	return func(format string, args ...any) {
		p.unsaid.Add(1)
		select {
		case p.queue <- kind + fmt.Sprintf(format, args...):
		default:
			p.unsaid.Add(-1)
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
