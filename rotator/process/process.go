// Package process prepares the process that logreel runs in, before it opens files of its
// own: what it was started with, and what the Go runtime would do later, at a bad time.
package process

import (
	"os"
	"os/signal"
	"syscall"
)

// Signals takes over those that could end the process, to its end: one that comes
// while it begins or ends must not change how. It returns as well which of them the
// process was started to ignore, as far as the Go runtime tells.
func Signals() (signals chan os.Signal, ignored []os.Signal) {
	signals = make(chan os.Signal, 16)
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGALRM,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ} {
		if signal.Ignored(s) {
			ignored = append(ignored, s)
		}
		// Caught rather than ignored, so that a process that we start has them by
		// default.
		signal.Notify(signals, s)
	}
	return signals, ignored
}
