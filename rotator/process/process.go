// Package process prepares this process before it opens files: it deals with what was
// inherited, and with what the Go runtime would otherwise do later, at a bad time.
package process

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signals takes over, for as long as the process lives, the signals that could end it:
// one that comes while it starts or ends must not change how. It also returns which of
// them the process was started to ignore, as far as the Go runtime tells.
func Signals() (signals chan os.Signal, ignored []os.Signal) {
	signals = make(chan os.Signal, 16)
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGALRM,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ} {
		if signal.Ignored(s) {
			ignored = append(ignored, s)
		}
		// Caught rather than ignored, so that a process that we start has their default
		// actions.
		signal.Notify(signals, s)
	}
	return signals, ignored
}

// Interrupt ends this process by SIGINT, as far as that can end it: process 1 it cannot.
func Interrupt() {
	if os.Getpid() == 1 {
		return
	}
	signal.Reset(syscall.SIGINT)
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	_, _ = unix.Poll(nil, 1000) // it may come to another thread
}
