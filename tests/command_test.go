//go:build linux

package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// commandLine is a logreel with --tee and --verbose that runs a command in a role, or
// a script.
func commandLine(role, script string, flags ...string) *exec.Cmd {
	args := append([]string{"--tee", "--verbose", "--every=never", "app.log"}, flags...)
	if role != "" {
		args = append(args, "--", self())
	} else {
		args = append(args, "--", "sh", "-c", script)
	}
	cmd := exec.Command("logreel", args...)
	// Each has an environment of its own, by which logreel tells its processes from others.
	cmd.Env = append(os.Environ(), commandRole+"="+role, fmt.Sprintf("LOGREEL_TEST_LINE=%p", cmd))
	return cmd
}

// runScript starts a logreel whose command is a shell.
func runScript(t *testing.T, script string, flags ...string) *process {
	t.Helper()
	return newFolder(t).launch(commandLine("", script, flags...))
}

// readyPID waits until a role is there, and returns its process.
func (p *process) readyPID(name string) int {
	p.t.Helper()
	return lastNumber(p.t, p.copies(name+"ready"))
}

// Signals reach the command, once, and nobody else, whether they were sent to logreel
// or to its process group; and they do not end logreel.
func TestCommandSignals(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"process", "group"} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			cmd := commandLine("family", "", "--size=1M")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			p := newFolder(t).launch(cmd)
			p.readyPID("child ")
			target := p.pid()
			if to == "group" {
				target = -target
			}
			want := ""
			for range 2 {
				for _, s := range passedOn {
					sendSignal(t, target, s)
					p.copies("command: " + s.String())
					want += "command: " + s.String() + "\n"
				}
			}
			p.endWith(7)
			got := ""
			for line := range strings.Lines(p.content("app.log")) {
				if strings.Contains(line, ": ") {
					got += line
				}
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// SIGALRM is logreel's own: it switches.
func TestCommandAlarm(t *testing.T) {
	t.Parallel()
	p := newFolder(t).launch(commandLine("one", "", "--size=1M"))
	p.readyPID("command ")
	p.signal(syscall.SIGALRM)
	p.says("writing app.log.1")
	p.endWith(7)
	p.expect("app.log.1", "command ends\n")
}

// A command that ends on SIGTERM has something to say first.
func TestCommandLastLines(t *testing.T) {
	t.Parallel()
	p := runScript(t, `trap 'i=0; while test $i -lt 2000; do echo $i; i=$((i + 1)); done; printf last; exit 5' TERM
		echo ready; while :; do sleep 0.01; done`)
	p.copies("ready")
	p.terminate()
	p.wait(5)
	want := "ready\n"
	for i := range 2000 {
		want += strconv.Itoa(i) + "\n"
	}
	p.expect("app.log", want+"last\n")
}

// The command ends, and a child of it that has its output goes on.
func TestCommandEndsBeforeItsChildren(t *testing.T) {
	t.Parallel()
	for _, stdio := range []string{"socket", "pipe"} {
		p := runScript(t, `exec 3<&0; (while read x; do echo "child $x"; done <&3; printf 'the end') & exit 5`, "--stdio="+stdio)
		p.says("the command has ended; reading on until its output is closed")
		p.send("one")
		p.copies("child one")
		p.send("two")
		p.endWith(5)
		p.expect("app.log", "child one\nchild two\nthe end\n")
	}
}

// A daemon is such a child, in a session of its own.
func TestCommandDaemon(t *testing.T) {
	t.Parallel()
	need(t, "setsid")
	p := runScript(t, `exec 3<&0; echo start; setsid -f sh -c 'echo daemon; read x <&3; echo "$x"'; echo started`)
	p.says("the command has ended")
	p.send("served")
	p.wait(0)
	if got := p.content("app.log"); !strings.Contains(got, "daemon\n") || !strings.HasSuffix(got, "served\n") {
		t.Errorf("got %q", got)
	}
}

// A server that goes into the background takes its log along, and a warning says so. What
// only leaves a child behind, or does nothing, is no such server.
func TestCommandInBackground(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"setsid": "util-linux", "gunicorn": "gunicorn"})
	const warning = "the command has gone into the background as process "
	leave := func(how string) string {
		return how + " sh -c 'echo $$ >left; read x <wait' </dev/null >/dev/null 2>&1 & until [ -s left ]; do sleep 0.01; done; echo started"
	}
	for about, test := range map[string]struct {
		script string
		warns  bool
	}{
		"a session":     {leave("setsid"), true},
		"a child":       {leave(""), false},
		"a failure":     {leave("setsid") + "; exit 3", false},
		"nothing":       {"exit 0", false},
		"gunicorn":      {"exec gunicorn --daemon --pid=left --bind=unix:socket app:app", true},
		"gunicorn here": {"gunicorn --pid=left --bind=unix:socket app:app & until [ -s left ]; do sleep 0.01; done; kill $!; wait $!", false},
	} {
		t.Run(about, func(t *testing.T) {
			d := newFolder(t)
			d.put("app.py", "def app(environ, start): pass\n")
			run(t, "mkfifo", d.at("wait"))
			cmd := commandLine("", test.script)
			cmd.Env = append(cmd.Env, markEnv+"="+d.dir)
			t.Cleanup(func() { killMarked(t, d.dir) })
			p := d.launch(cmd)
			if said := p.waitAny(); strings.Contains(said, warning) != test.warns {
				t.Errorf("it said: %s", said)
			}
		})
	}
}

// --grace ends what would not end by itself, and only after the command has ended.
func TestCommandGrace(t *testing.T) {
	t.Parallel()
	p := runScript(t, `exec 3<&0; (read x <&3) & echo ready; until test -e go; do sleep 0.01; done; echo one; exit 6`, "--grace=300ms")
	p.copies("ready")
	p.signal(syscall.SIGCHLD) // which is not the end of the command
	begun := time.Now()       // before the end, of which the test may hear late
	p.put("go", "")
	p.says("the command has ended")
	p.wait(6) // while the input is open, and the child waits for it
	if took := time.Since(begun); took < 300*time.Millisecond || took > patience/4 {
		t.Errorf("it ended %v after the command, want 300ms", took)
	}
	p.expect("app.log", "ready\none\n")
}

// After the command has ended, only its children are left to end the input; then
// SIGTERM is logreel's own again, and a second one ends it.
func TestCommandSignalsAfterItsEnd(t *testing.T) {
	t.Parallel()
	p := runScript(t, `exec 3<&0; (read x <&3) & echo one; exit 6`)
	p.says("the command has ended")
	p.terminate()
	p.says("a second SIGTERM ends")
	p.terminate()
	p.wait(6)
}

// A command that closes its output is waited for, however many signals come meanwhile.
func TestCommandClosesItsOutput(t *testing.T) {
	t.Parallel()
	p := newFolder(t).launch(commandLine("quiet", ""))
	heard := func() string { return p.content("heard") }
	eventually(t, "the command", func() bool { return strings.Contains(heard(), "ready") })
	for i := range 50 {
		// The second one tells that the first has been taken.
		p.signal(syscall.SIGALRM)
		p.report()
		eventually(t, fmt.Sprintf("SIGUSR1 after %d SIGALRM", i+1), func() bool { return strings.Count(heard(), "user defined signal 1\n") > i })
	}
	p.terminate()
	eventually(t, "SIGTERM", func() bool { return strings.Contains(heard(), "terminated") })
	p.endWith(7)
	if strings.Contains(heard(), "alarm") {
		t.Errorf("the command heard %q", heard())
	}
}

// When logreel is killed its command gets SIGPIPE or EPIPE, and nothing hangs, even if
// it was just waiting for room.
func TestCommandKilled(t *testing.T) {
	t.Parallel()
	needProc(t)
	p := runScript(t, `trap '' PIPE; echo "ready $$"; (while :; do echo child || exit; done)
		while echo parent 2>>failed; do :; done; echo $? > ended`)
	pid := p.readyPID("")
	p.kill()
	awaitGone(t, pid)
	if got := p.content("ended"); got == "" {
		t.Errorf("the command has not come to its end; it met %q", p.content("failed"))
	}
	if got := p.content("failed"); !strings.Contains(got, "Broken pipe") && !strings.Contains(got, "I/O error") {
		t.Errorf("the command met %q, want a broken pipe", got)
	}
}

// While the disk fails nothing is lost, and the command is not held up.
func TestCommandFault(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	d.makeDir("app.log") // in the way
	const writers, each = 4, 2000
	p := d.launch(commandLine("", fmt.Sprintf(`for w in 1 2 3 4; do
			(i=0; while test $i -lt %d; do printf "$w "; echo $i; i=$((i + 1)); done) &
		done; wait; read x; exit 4`, each)))
	p.says("lines wait in memory")
	p.send("end")
	p.says("the command has ended")
	p.remove("app.log")
	p.says("over after")
	p.wait(4)
	counts := map[string]int{}
	for line := range strings.Lines(p.content("app.log")) {
		var w string
		var i int
		if n, err := fmt.Sscanf(line, "%s %d\n", &w, &i); n != 2 || i != counts[w] {
			t.Fatalf("after %v lines of the writers: %q, %v", counts, line, err)
		}
		counts[w]++
	}
	for w := range writers {
		if got := counts[strconv.Itoa(w+1)]; got != each {
			t.Errorf("writer %d: %d lines, want %d", w+1, got, each)
		}
	}
}

// A command whose output cannot be read any more is told so, and does not wait for ever
// for somebody to read on.
func TestCommandUnread(t *testing.T) {
	t.Parallel()
	need(t, "strace")
	p := newFolder(t).startProgram("strace", "-f", "-qq", "-o", "trace", "-e", "trace=recvmmsg", "-e", "inject=recvmmsg:error=ENOMEM:when=5+",
		logreel, "--every=never", "app.log", "--", "sh", "-c", "while echo line; do :; done")
	said := p.waitAny()
	if !strings.Contains(p.content("trace"), "INJECTED") {
		t.Skipf("strace can do nothing here: %s", said)
	}
	if status := p.cmd.ProcessState.ExitCode(); !strings.Contains(said, "read input: cannot allocate memory") || status <= 0 {
		t.Errorf("exit status %d; it said: %s", status, said)
	}
}
