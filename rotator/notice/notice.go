// Package notice says things to the user, on standard error.
//
// It is the only place that writes there. A message is one line that begins with
// "logreel: ". It must never hold up the log: standard error may be a pipe that
// nobody reads, or a non-blocking socket that comes back into our own standard
// input (uWSGI). So a message that cannot be written at once is dropped.
package notice

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

const stderr = 2

// A Voice is how a part of the program speaks. Its functions take the arguments of
// fmt.Printf; a nil one is silent.
type Voice struct {
	// Say tells what the user waits for or has asked, Detail what is done, Warn
	// what is wrong while the program goes on.
	Say, Detail, Warn func(format string, args ...any)
}

// Stderr returns the voice on standard error. Details are for the verbose.
func Stderr(verbose bool) Voice {
	v := Voice{Say: speak(""), Detail: silent, Warn: speak("warning: ")}
	if verbose {
		v.Detail = v.Say
	}
	return v
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

// Error says why the program ends.
func Error(err error) { speak("error: ")("%v", err) }

func silent(string, ...any) {}

func speak(kind string) func(string, ...any) {
	return func(format string, args ...any) {
		line(kind + fmt.Sprintf(format, args...))
	}
}

func line(text string) {
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
