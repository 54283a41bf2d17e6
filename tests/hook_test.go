//go:build linux

package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startHook runs logreel with a command for finished files, of which each line makes
// one.
func startHook(t *testing.T, dir, hook string, args ...string) *process {
	t.Helper()
	return start(t, dir, append([]string{"--size=1", "--exec", hook, "app.log"}, args...)...)
}

// A hook that hangs does not hold up a line, and is ended, with what it has started.
func TestArchiveHookHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const limit = 5 * time.Second
	p := startHook(t, dir, `sleep 300 & echo $! > pid.tmp; mv pid.tmp "$1.pid"; wait`, "--exec-timeout="+limit.String())
	p.write("1")
	p.write("2")
	eventually(t, "the hook", func() bool { _, err := os.Stat(filepath.Join(dir, "app.log.pid")); return err == nil })
	begun := time.Now()
	for n := range 20 {
		p.write(strconv.Itoa(n + 3))
	}
	// Each of them would have waited for a hook's limit.
	if took := time.Since(begun); took > 20*heldUp {
		t.Errorf("20 lines took %v", took)
	}
	p.await(p.said, "logreel: warning: --exec: app.log: ended after 5s, the limit of --exec-timeout")
	checkGone(t, filepath.Join(dir, "app.log.pid"))
	if err := p.cmd.Process.Kill(); err != nil { // it would wait for all the others
		t.Fatal(err)
	}
}

// checkGone waits until the process is gone whose number a file holds.
func checkGone(t *testing.T, path string) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // ours, as the test's
			t.Fatal("what the command has started is still there")
		}
	}
}

// One that does not heed SIGTERM is killed 5 seconds later; so is what it has started,
// be it that the shell itself has ended at once.
func TestArchiveHookIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	for about, hook := range map[string]string{
		"the shell":         `trap "" TERM; echo $$ > pid.tmp; mv pid.tmp pid; sleep 300; sleep 300`,
		"what it starts":    `sh -c 'trap "" TERM; echo $$ > pid.tmp; mv pid.tmp pid; sleep 300; sleep 300'; true`,
		"in the background": `sh -c 'trap "" TERM; echo $$ > pid.tmp; mv pid.tmp pid; sleep 300; sleep 300' & wait`,
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := startHook(t, dir, hook, "--exec-timeout=5s") // which is enough to begin in
			p.write("1")
			p.write("2")
			p.await(p.said, "the limit of --exec-timeout")
			checkGone(t, filepath.Join(dir, "pid"))
			p.end()
		})
	}
}

// What a hook prints goes to our standard error, its standard input is empty, and a
// status that is not 0 is said. The files come in order.
func TestArchiveHookOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startHook(t, dir, `echo "out of $1"; echo "err of $LOGREEL_FILE" >&2; cat; test "$1" != app.log.1 || exit 3`)
	for n := range 4 {
		p.write(strconv.Itoa(n))
	}
	for n, path := range []string{"app.log", "app.log.1", "app.log.2"} {
		for _, from := range []string{"out of ", "err of "} {
			if got := p.await(p.said, " of "); got != from+path {
				t.Errorf("got %q, want %q", got, from+path)
			}
		}
		if n == 1 {
			p.await(p.said, "logreel: warning: --exec: app.log.1: exit status 3")
		}
	}
	p.end()
}

// At the end of input the work is finished that has begun, and what waits.
func TestArchiveAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startHook(t, dir, `sleep 0.3; echo "$1" >> handed`, "--compress=zstd")
	for n := range 4 {
		p.write(strconv.Itoa(n))
	}
	p.end()
	if got, want := readFile(t, filepath.Join(dir, "handed")), "app.log.zst\napp.log.1.zst\napp.log.2.zst\n"; got != want {
		t.Errorf("handed on:\n%swant:\n%s", got, want)
	}
	if got, want := names(t, dir), []string{".app.log.3.pending", "app.log.1.zst", "app.log.2.zst", "app.log.3", "app.log.zst", "handed"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A hook that is running when logreel is killed is ended, and its file is handed on at
// the next start.
func TestArchiveHookKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startHook(t, dir, `echo "$1" >> handed; echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 300`)
	p.write("1")
	p.write("2")
	eventually(t, "the hook", func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return err == nil })
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	checkGone(t, filepath.Join(dir, "pid"))
	eventually(t, "app.log to be handed on", func() bool { // the one before may still be ending
		startOnce(t, dir, "--size=1", "--exec", `echo "$1" >> handed`, "app.log")
		return readFile(t, filepath.Join(dir, "handed")) == "app.log\napp.log\n"
	})
}

// The process that looks after finished files may be killed, as by a kernel without
// memory: that is said, and the next one goes on.
func TestArchiveChildKilled(t *testing.T) {
	t.Parallel()
	for about, command := range map[string][]string{"input": nil, "command": {"--", "cat"}} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := startHook(t, dir, `test "$1" != app.log || test -e once || { touch once; exec sleep 300; }; echo "handed on: $1"`, command...)
			p.write("1")
			p.write("2")
			eventually(t, "the hook", func() bool { _, err := os.Stat(filepath.Join(dir, "once")); return err == nil })
			child := archivist(t, p.cmd.Process.Pid)
			hooks := childrenOf(t, child)
			if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for _, pid := range hooks {
				_ = syscall.Kill(pid, syscall.SIGKILL) // the hook that hangs is nobody's now
			}
			p.await(p.said, "logreel: warning: the process that looks after finished files ended early; what it left is done next time")
			p.write("3")
			p.await(p.said, "handed on: app.log")
			p.await(p.said, "handed on: app.log.1")
			p.end()
		})
	}
}

// In command mode everything is as it is behind a pipe, whatever becomes of the children
// that logreel reaps, and the status is the command's.
func TestArchiveCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("logreel", "--compress=gzip", "--keep-count=100", "--exec", `(sleep 0.1 &); echo "$1" >> handed`, everySecond, "--",
		"sh", "-c", `for n in $(seq 25); do echo $n; (sleep 0.2 &); sleep 0.1; done; exit 7`)
	cmd.Env = testEnv("")
	p := launch(t, dir, cmd)
	p.wait(7)
	settleAll(t, dir, "--compress=gzip", "--exec", `echo "$1" >> handed`, everySecond)
	list := filepath.Join(t.TempDir(), "handed")
	if err := os.Rename(filepath.Join(dir, "handed"), list); err != nil {
		t.Fatal(err)
	}
	got := counted(t, dir)
	for n := range 25 {
		if line := strconv.Itoa(n + 1); got[line] != 1 {
			t.Errorf("line %s is there %d times", line, got[line])
		}
	}
	checkHandedOn(t, list, dir, true)
}

// waiting and leaves are what is said of work that is not done at the end of input.
const (
	waiting = "logreel: waiting for finished files to be compressed and handed on, for %s at the most; SIGTERM leaves them for the next start"
	leaves  = "logreel: what is to be done with finished files is left for the next start"
)

// After the end of input SIGTERM and --grace end the wait for the hook, which runs again
// at the next start. SIGTERM does so too when it is said that logreel waits.
func TestArchiveHookLeft(t *testing.T) {
	t.Parallel()
	for about, test := range map[string]struct {
		waits string // for how long, as it is said; empty for not
		args  []string
	}{
		"SIGTERM":                       {"", nil},
		"grace":                         {"", []string{"--grace=0s"}},
		"SIGTERM while it waits":        {"1m0s", nil},
		"SIGTERM while the grace lasts": {"50s", []string{"--grace=50s"}},
		"SIGTERM after a command":       {"1m0s", []string{"--", "cat"}},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := startHook(t, dir, `echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 300`, test.args...)
			p.write("1")
			p.write("2")
			eventually(t, "the hook", func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return err == nil })
			begun := time.Now()
			if about == "SIGTERM" {
				p.signal(syscall.SIGTERM)
			}
			if err := p.input.Close(); err != nil {
				t.Fatal(err)
			}
			if test.waits != "" {
				p.await(p.said, fmt.Sprintf(waiting, test.waits))
				begun = time.Now()
				p.signal(syscall.SIGTERM)
				p.await(p.said, leaves)
			}
			p.wait(0)
			if took := time.Since(begun); took > lastSecond {
				t.Errorf("it took %v", took)
			}
			checkGone(t, filepath.Join(dir, "pid"))
			if marks, err := filepath.Glob(filepath.Join(dir, ".app.log*.pending")); err != nil || len(marks) != 2 {
				t.Errorf("%q, %v: want both files pending", marks, err)
			}
		})
	}
}

// A hook that never ends is waited for after the end of input, for a minute at the most;
// then it is ended, and its file is handed on at the next start.
func TestArchiveHookForEver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	dir := t.TempDir()
	p := startHook(t, dir, `echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 300`)
	p.write("1")
	p.write("2")
	eventually(t, "the hook", func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return err == nil })
	begun := time.Now()
	if err := p.input.Close(); err != nil {
		t.Fatal(err)
	}
	p.await(p.said, fmt.Sprintf(waiting, time.Minute))
	time.Sleep(time.Until(begun.Add(55 * time.Second))) // nothing is to happen
	select {
	case said, ok := <-p.said:
		t.Errorf("said %q, %v, before the minute was over", said, ok)
	default:
	}
	p.await(p.said, leaves)
	p.wait(0)
	if took := time.Since(begun); took < time.Minute || took > time.Minute+lastSecond {
		t.Errorf("it took %v, want a minute", took)
	}
	checkGone(t, filepath.Join(dir, "pid"))
	eventually(t, "app.log to be handed on", func() bool { // the one before may still be ending
		if said := complaints(startOnce(t, dir, "--size=1", "--exec", `echo "$1" >> handed`, "app.log")); said != "" {
			t.Errorf("the next start said: %s", said)
		}
		handed, err := os.ReadFile(filepath.Join(dir, "handed"))
		return err == nil && string(handed) == "app.log\n"
	})
}

// lastSecond is how long the end may take when nothing more is waited for: a second, and
// some for a busy machine.
const lastSecond = 15 * time.Second
