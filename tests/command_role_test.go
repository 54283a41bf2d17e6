package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// commandRole in the environment makes this test binary the command of a logreel: one
// that tells of every signal, which a shell does not.
const commandRole = "LOGREEL_TEST_COMMAND"

// It is an init since TestMain would build the program first.
func init() {
	switch os.Getenv(commandRole) {
	case "":
	case "one":
		hear("command", "")
	case "family":
		family()
	case "child":
		hear("child", "")
	case "quiet":
		hear("command", "heard")
	case "blind":
		hear("command", "")
	}
}

var passedOn = []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	syscall.SIGWINCH, syscall.SIGTERM}

// hear says which signals come, on standard output or in a file, until standard input
// ends. With a file it closes its output; the blind one reads from SIGUSR2 on.
func hear(name, file string) {
	out := os.Stdout
	if file != "" {
		var err error
		if out, err = os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			os.Exit(3)
		}
		if errors.Join(os.Stdout.Close(), os.Stderr.Close()) != nil {
			os.Exit(3)
		}
	}
	signals := make(chan os.Signal, 100)
	for _, s := range append(passedOn, syscall.SIGALRM) {
		signal.Notify(signals, s)
	}
	fmt.Fprintf(out, "%s ready %d\n", name, os.Getpid())
	ended := make(chan error)
	read := func() {
		for range lines(os.Stdin) {
		}
		close(ended)
	}
	if os.Getenv(commandRole) != "blind" {
		go read()
	}
	for {
		select {
		case s := <-signals:
			fmt.Fprintf(out, "%s: %v\n", name, s)
			if os.Getenv(commandRole) == "blind" && s == syscall.SIGUSR2 {
				go read()
			}
			if s == syscall.SIGHUP && os.Getenv(commandRole) == "blind" {
				os.Exit(8) // the terminal has gone
			}
		case <-ended:
			fmt.Fprintf(out, "%s ends\n", name)
			os.Exit(7)
		}
	}
}

// family is a command with a child in its group.
func family() {
	cmd := exec.Command(self())
	cmd.Env = append(os.Environ(), commandRole+"=child")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // which ends with us
		os.Exit(3)
	}
	if err := cmd.Start(); err != nil {
		os.Exit(3)
	}
	hear("command", "")
}

// self returns the path of the test binary, which plays commands as well.
func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}
