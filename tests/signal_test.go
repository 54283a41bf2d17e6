package tests

import (
	"strings"
	"syscall"
	"testing"
)

// SIGTERM, SIGINT and SIGQUIT come to the whole group while the application still
// has lines to log: none of them ends logreel, and neither do the others.
func TestSignalsDoNotEnd(t *testing.T) {
	t.Parallel()
	p := start(t, "%Y.log")
	p.write("first")
	want := "first\n"
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGALRM, syscall.SIGUSR1,
		syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		p.signal(s)
		p.write("after " + s.String())
		want += "after " + s.String() + "\n"
	}
	p.send("last")
	p.end()
	p.expect("*.log", want+"last\n")
}

// A second SIGTERM ends it, with what is in the pipe.
func TestSignalTwice(t *testing.T) {
	t.Parallel()
	p := start(t, "--linger=1s", "%Y.log")
	p.write("first")
	p.terminate()
	p.says("a second SIGTERM ends")
	p.send("in the pipe")
	p.terminate()
	p.wait(0)
	p.expect("*.log", "first\nin the pipe\n")
}

// With --grace, SIGTERM ends an input that has no end.
func TestSignalGrace(t *testing.T) {
	t.Parallel()
	p := start(t, "--grace=3s", "%Y.log")
	p.write("first")
	p.terminate()
	p.says("reading on for 3s")
	p.send("late")
	p.wait(0)
	p.expect("*.log", "first\nlate\n")
}

// No grace at all is what was asked for.
func TestSignalGraceOfNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "--grace=0s", "%Y.log")
	p.write("first")
	p.terminate()
	p.wait(0)
	p.expect("*.log", "first\n")
}

func TestSignalReopen(t *testing.T) {
	t.Parallel()
	p := start(t, "--every=never", "app.log")
	p.write("one")
	p.move("app.log", "app.log.moved")
	p.signal(syscall.SIGHUP)
	// Of two signals at once neither is the first.
	p.awaitFile("app.log")
	// And a file that is there may not be the live one yet.
	eventually(t, "a report of the new file", func() bool {
		p.report()
		return strings.Contains(p.says("bytes written"), "live file app.log of 0 bytes; 4 bytes written")
	})
	p.write("two")
	p.end()
	p.expect("app.log", "two\n")
	p.expect("app.log.moved", "one\n")
}

func TestSignalSwitch(t *testing.T) {
	t.Parallel()
	p := start(t, "--size=1M", "app.log")
	p.write("one")
	p.signal(syscall.SIGALRM)
	p.says("writing app.log.1")
	p.write("two")
	p.end()
	p.expect("app.log.1", "two\n")
	p = start(t, "%Y.log")
	p.write("one")
	p.signal(syscall.SIGALRM)
	p.says("give --size")
	p.end()
}

// The file is finished when its period is over, though nothing is logged.
func TestIdleSwitch(t *testing.T) {
	t.Parallel()
	needProc(t)
	p := start(t, "%H%M%S.log")
	p.write("one")
	p.says("finished ")
	// It is synced after that.
	eventually(t, "no open file", func() bool {
		for _, target := range openFiles(t, p.pid()) {
			if strings.HasPrefix(target, p.dir) {
				return false
			}
		}
		return true
	})
	p.write("two")
	p.end()
	p.expect("*.log", "one\ntwo\n")
}

// On a terminal SIGINT and SIGTERM end it as anyone expects, and so does ctrl-d. The
// shell becomes logreel, since one that stayed would end with 130 by itself.
func TestSignalTerminal(t *testing.T) {
	t.Parallel()
	need(t, "script")
	for _, end := range []string{"\\003", "\\004"} {
		p := startShell(t, `(printf 'typed\n'; until test -s typed.log; do sleep 0.01; done; printf '`+end+`') |
			script -qec 'exec logreel --every=never typed.log' /dev/null`)
		p.wait(0)
		p.expect("typed.log", "typed\n")
	}
}
