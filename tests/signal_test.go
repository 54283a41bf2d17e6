package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// SIGTERM, SIGINT and SIGQUIT come to the whole group while the application still
// has lines to log: none of them ends logreel, and neither do the others.
func TestSignalsDoNotEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "%Y.log")
	p.write("first")
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGALRM, syscall.SIGUSR1,
		syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		p.signal(s)
		p.write("after " + s.String())
	}
	p.send("last")
	p.end()
	if got := content(t, dir, "*.log"); !strings.HasPrefix(got, "first\nafter interrupt\n") || !strings.HasSuffix(got, "after terminated\nlast\n") {
		t.Errorf("got %q", got)
	}
}

// A second SIGTERM ends it, with what is in the pipe.
func TestSignalTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "--linger=1s", "%Y.log")
	p.write("first")
	p.signal(syscall.SIGTERM)
	p.await(p.said, "a second SIGTERM ends")
	p.send("in the pipe")
	p.signal(syscall.SIGTERM)
	p.wait(0)
	if got := content(t, dir, "*.log"); got != "first\nin the pipe\n" {
		t.Errorf("got %q", got)
	}
}

// With --grace, SIGTERM ends an input that has no end.
func TestSignalGrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "--grace=3s", "%Y.log")
	p.write("first")
	p.signal(syscall.SIGTERM)
	p.await(p.said, "reading on for 3s")
	p.send("late")
	p.wait(0)
	if got := content(t, dir, "*.log"); got != "first\nlate\n" {
		t.Errorf("got %q", got)
	}
}

// No grace at all is what was asked for.
func TestSignalGraceOfNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "--grace=0s", "%Y.log")
	p.write("first")
	p.signal(syscall.SIGTERM)
	p.wait(0)
	if got := content(t, dir, "*.log"); got != "first\n" {
		t.Errorf("got %q", got)
	}
}

func TestSignalReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "--every=never", "app.log")
	p.write("one")
	if err := os.Rename(filepath.Join(dir, "app.log"), filepath.Join(dir, "app.log.moved")); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	// Of two signals at once neither is the first.
	eventually(t, "a new file", func() bool { _, err := os.Stat(filepath.Join(dir, "app.log")); return err == nil })
	// And a file that is there may not be the live one yet.
	eventually(t, "a report of the new file", func() bool {
		p.signal(syscall.SIGUSR1)
		return strings.Contains(p.await(p.said, "bytes written"), "live file app.log of 0 bytes; 4 bytes written")
	})
	p.write("two")
	p.end()
	if got := content(t, dir, "app.log*"); got != "two\none\n" {
		t.Errorf("got %q", got)
	}
}

func TestSignalSwitch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "--size=1M", "app.log")
	p.write("one")
	p.signal(syscall.SIGALRM)
	p.await(p.said, "writing app.log.1")
	p.write("two")
	p.end()
	if got := content(t, dir, "app.log.1"); got != "two\n" {
		t.Errorf("got %q", got)
	}
	p = start(t, dir, "%Y.log")
	p.write("one")
	p.signal(syscall.SIGALRM)
	p.await(p.said, "give --size")
	p.end()
}

// The file is finished when its period is over, though nothing is logged.
func TestIdleSwitch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "%H%M%S.log")
	p.write("one")
	p.await(p.said, "finished ")
	// It is synced after that.
	eventually(t, "no open file", func() bool { return len(openBelow(t, p, dir)) == 0 })
	p.write("two")
	p.end()
	if got := content(t, dir, "*.log"); got != "one\ntwo\n" {
		t.Errorf("got %q", got)
	}
}

// openBelow returns the files below a directory that the process has open.
func openBelow(t *testing.T, p *process, dir string) []string {
	t.Helper()
	names, err := filepath.Glob("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/fd/*")
	if err != nil || len(names) == 0 {
		t.Skip("no /proc to look at")
	}
	var open []string
	for _, name := range names {
		if target, err := os.Readlink(name); err == nil && strings.HasPrefix(target, dir) {
			open = append(open, target)
		}
	}
	return open
}

// On a terminal SIGINT and SIGTERM end it as anyone expects, and so does ctrl-d. The
// shell becomes logreel, since one that stayed would end with 130 by itself.
func TestSignalTerminal(t *testing.T) {
	t.Parallel()
	need(t, "script")
	for _, end := range []string{"\\003", "\\004"} {
		dir := t.TempDir()
		typed := exec.Command("sh", "-c", `(printf 'typed\n'; until test -s typed.log; do sleep 0.01; done; printf '`+end+`') |
			script -qec 'exec logreel --every=never typed.log' /dev/null`)
		typed.Dir = dir
		if out, err := typed.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if got := content(t, dir, "typed.log"); got != "typed\n" {
			t.Errorf("%s: got %q", end, got)
		}
	}
}
