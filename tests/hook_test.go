//go:build linux

package tests

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

// startHook runs logreel with a command for finished files, of which each line makes
// one.
func startHook(t *testing.T, hook string, args ...string) *process {
	t.Helper()
	return start(t, append([]string{"--size=1", "--exec", hook, "app.log"}, args...)...)
}

// startHanging is startHook with a command that hangs, for the first file, whose number is
// in the file pid.
func startHanging(t *testing.T, args ...string) *process {
	t.Helper()
	p := startHook(t, tellPID+"; exec sleep 300", args...)
	p.write("1", "2")
	p.awaitFile("pid")
	return p
}

// tellPID has a shell write its number into a file, where it is whole at once.
const tellPID = `echo $$ > pid.tmp; mv pid.tmp pid`

// awaitEnd waits for the end of the process whose number a file holds.
func (d *folder) awaitEnd(name string) {
	d.t.Helper()
	awaitGone(d.t, d.awaitNumber(name))
}

// A hook that hangs does not hold up a line, and is ended, with what it has started.
func TestArchiveHookHangs(t *testing.T) {
	t.Parallel()
	p := startHook(t, `sleep 300 & echo $! > pid.tmp; mv pid.tmp "$1.pid"; wait`, "--exec-timeout=5s")
	p.write("1", "2")
	p.awaitFile("app.log.pid")
	begun := time.Now()
	for n := range 20 {
		p.write(strconv.Itoa(n + 3))
	}
	// Each of them would have waited for a hook's limit.
	if took := time.Since(begun); took > 20*heldUp {
		t.Errorf("20 lines took %v", took)
	}
	p.says("logreel: warning: --exec: app.log: ended after 5s, the limit of --exec-timeout")
	p.awaitEnd("app.log.pid")
	p.kill() // it would wait for all the others
}

// One that does not heed SIGTERM is killed 5 seconds later; so is what it has started,
// be it that the shell itself has ended at once.
func TestArchiveHookIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	for about, hook := range map[string]string{
		"the shell":         `trap "" TERM; ` + tellPID + `; sleep 300; sleep 300`,
		"what it starts":    `sh -c 'trap "" TERM; ` + tellPID + `; sleep 300; sleep 300'; true`,
		"in the background": `sh -c 'trap "" TERM; ` + tellPID + `; sleep 300; sleep 300' & wait`,
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := startHook(t, hook, "--exec-timeout=5s") // which is enough to begin in
			p.write("1", "2")
			p.says("the limit of --exec-timeout")
			p.awaitEnd("pid")
			p.end()
		})
	}
}

// What a hook prints goes to our standard error, its standard input is empty, and a
// status that is not 0 is said. The files come in order.
func TestArchiveHookOutput(t *testing.T) {
	t.Parallel()
	p := startHook(t, `echo "out of $1"; echo "err of $LOGREEL_FILE" >&2; cat; test "$1" != app.log.2 || exit 3`)
	p.write("0", "1", "2", "3")
	for n, path := range []string{"app.log", "app.log.1", "app.log.2"} {
		for _, from := range []string{"out of ", "err of "} {
			if got := p.says(" of "); got != from+path {
				t.Errorf("got %q, want %q", got, from+path)
			}
		}
		if n == 2 {
			p.says("logreel: warning: --exec: app.log.2: exit status 3")
		}
	}
	p.end()
}

// At the end of input the work is finished that has begun, and what waits.
func TestArchiveAtTheEnd(t *testing.T) {
	t.Parallel()
	p := startHook(t, `sleep 0.3; echo "$1" >> handed`, "--compress=zstd")
	p.write("0", "1", "2", "3")
	p.end()
	p.expect("handed", "app.log.zst\napp.log.1.zst\napp.log.2.zst\n")
	if got, want := p.names("."), []string{".app.log.3.pending", "app.log.1.zst", "app.log.2.zst", "app.log.3", "app.log.zst", "handed"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A hook that is running when logreel is killed is ended, and its file is handed on at
// the next start.
func TestArchiveHookKilled(t *testing.T) {
	t.Parallel()
	p := startHook(t, `echo "$1" >> handed; `+tellPID+`; exec sleep 300`)
	p.write("1", "2")
	p.awaitFile("pid")
	p.kill()
	p.awaitEnd("pid")
	eventually(t, "app.log to be handed on", func() bool { // the one before may still be ending
		p.startOnce("--size=1", "--exec", `echo "$1" >> handed`, "app.log")
		return p.read("handed") == "app.log\napp.log\n"
	})
}

// The process that looks after finished files may be killed, as by a kernel without
// memory: that is said, and the next one goes on.
func TestArchiveChildKilled(t *testing.T) {
	t.Parallel()
	for about, command := range map[string][]string{"input": nil, "command": {"--", "cat"}} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := startHook(t, `test "$1" != app.log || test -e once || { touch once; exec sleep 300; }; echo "handed on: $1"`, command...)
			p.write("1", "2")
			p.awaitFile("once")
			child := archiverOf(t, p.pid())
			hooks := childrenOf(t, child)
			must(t, kill(child))
			for _, pid := range hooks {
				_ = kill(pid) // the hook that hangs is nobody's now
			}
			p.says("logreel: warning: the process that looks after finished files ended early; what it left is done next time")
			p.write("3")
			p.says("handed on: app.log")
			p.says("handed on: app.log.1")
			p.end()
		})
	}
}

// In command mode everything is as it is behind a pipe, whatever becomes of the children
// that logreel reaps, and the status is the command's.
func TestArchiveCommand(t *testing.T) {
	t.Parallel()
	p := startPlain(t, "--compress=gzip", "--keep-count=100", "--exec", `(sleep 0.1 &); echo "$1" >> handed`, "logs/"+everySecond, "--",
		"sh", "-c", `for n in $(seq 25); do echo $n; (sleep 0.2 &); sleep 0.1; done; exit 7`)
	p.wait(7)
	p.settleAll("--compress=gzip", "--exec", `echo "$1" >> handed`, "logs/"+everySecond)
	got := p.count("logs")
	for n := range 25 {
		if line := strconv.Itoa(n + 1); got[line] != 1 {
			t.Errorf("line %s is there %d times", line, got[line])
		}
	}
	p.expectHandedOn(true)
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
			p := startHanging(t, test.args...)
			begun := time.Now()
			if about == "SIGTERM" {
				p.terminate()
			}
			p.closeInput()
			if test.waits != "" {
				p.says(fmt.Sprintf(waiting, test.waits))
				begun = time.Now()
				p.terminate()
				p.says(leaves)
			}
			p.wait(0)
			if took := time.Since(begun); took > lastSecond {
				t.Errorf("it took %v", took)
			}
			p.awaitEnd("pid")
			if marks := p.glob(".app.log*.pending"); len(marks) != 2 {
				t.Errorf("%q: want both files pending", marks)
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
	p := startHanging(t)
	begun := time.Now()
	p.closeInput()
	p.says(fmt.Sprintf(waiting, time.Minute))
	time.Sleep(time.Until(begun.Add(55 * time.Second))) // nothing is to happen
	select {
	case said, ok := <-p.said:
		t.Errorf("said %q, %v, before the minute was over", said, ok)
	default:
	}
	p.says(leaves)
	p.wait(0)
	if took := time.Since(begun); took < time.Minute || took > time.Minute+lastSecond {
		t.Errorf("it took %v, want a minute", took)
	}
	p.awaitEnd("pid")
	eventually(t, "app.log to be handed on", func() bool { // the one before may still be ending
		if said := complaints(p.startOnce("--size=1", "--exec", `echo "$1" >> handed`, "app.log")); said != "" {
			t.Errorf("the next start said: %s", said)
		}
		return p.content("handed") == "app.log\n"
	})
}
