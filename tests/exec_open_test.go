//go:build linux

package tests

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// startOpening starts logreel with a command for opened files, of which each line makes one.
func startOpening(t *testing.T, command string, args ...string) *process {
	t.Helper()
	return start(t, append([]string{"--size=1", "--exec-open", command, "app.log"}, args...)...)
}

// The command has the file and the one before, which is whole; it has nothing to read, and
// is not run again for a file of the same name.
func TestExecOpen(t *testing.T) {
	t.Parallel()
	p := startOpening(t, `echo "$# $1 $2 $(cat "$2" -) $LOGREEL_FILE $LOGREEL_EXEC_OPEN" >"$1.tmp"; mv "$1.tmp" "opened $1"`)
	p.write("0", "1")
	p.awaitFile("opened app.log.1")
	p.move("app.log.1", "moved")
	p.signal(syscall.SIGHUP)
	p.says("finished app.log.1")
	p.write("2", "3")
	p.awaitFile("opened app.log.2")
	p.end()
	p.expect("opened app.log", "1 app.log   app.log \n")
	p.expect("opened app.log.1", "2 app.log.1 app.log 0 app.log.1 \n")
	p.expect("opened app.log.2", "2 app.log.2 app.log.1 2 app.log.2 \n")
}

// The command runs for the file that a new start goes on with.
func TestExecOpenAtStart(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	for _, want := range []string{"app.log\n", "app.log\napp.log\n"} {
		p := d.start("--every=never", `--exec-open=echo "$*" >>opened`, "app.log")
		p.write("a line")
		p.end()
		eventually(t, "the command", func() bool { return d.exists("opened") && d.read("opened") == want })
	}
}

// Neither lines nor the end wait for a command. Of those that hang no more than 16 run at
// once; the others follow.
func TestExecOpenHangs(t *testing.T) {
	t.Parallel()
	p := startOpening(t, `touch "$1.begun"; for i in $(seq 1200); do ! test -e go || break; sleep 0.05; done; touch "$1.done"`)
	for n := range 20 {
		p.write(fmt.Sprint(n))
	}
	eventually(t, "the commands", func() bool { return len(p.glob("*.begun")) == 16 })
	p.closeInput()
	awaitGone(t, p.pid())
	if got := len(p.glob("*.begun")); got != 16 {
		t.Errorf("%d commands run, want 16", got)
	}
	p.put("go", "")
	p.wait(0)
	eventually(t, "the commands' end", func() bool { return len(p.glob("*.done")) == 20 })
}

// A command that fails is said once, and when it works again.
func TestExecOpenFails(t *testing.T) {
	t.Parallel()
	p := startOpening(t, `touch "$1.run"; test "$1" = app.log || exit 3`)
	p.write("0", "1")
	p.says("logreel: warning: --exec-open: app.log.1: exit status 3; it is not run again for that file")
	p.write("2")
	p.awaitFile("app.log.2.run")
	if said := p.end(); strings.Contains(said, "app.log.2: exit") {
		t.Errorf("said again: %s", said)
	}
	p = startOpening(t, `test "$1" != app.log || exec sleep 300`, "--exec-timeout=1s")
	p.write("0")
	p.says("logreel: warning: --exec-open: app.log: ended after 1s, the limit of --exec-timeout; it is not run again for that file")
	p.write("1")
	p.says("logreel: --exec-open: app.log: ended after 1s, the limit of --exec-timeout: over after ")
	p.end()
}

// The process that runs the commands may be killed: then there is another one. What it had
// been asked for, to the last moment of its end, is lost with it.
func TestExecOpenKilled(t *testing.T) {
	t.Parallel()
	for about, command := range map[string][]string{"input": nil, "command": {"--", "cat"}} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := startOpening(t, `echo $PPID >"$1.tmp"; mv "$1.tmp" "$1.pid"`, command...)
			p.write("0")
			runner := p.awaitNumber("app.log.pid")
			must(t, kill(runner))
			eventually(t, "another process", func() bool {
				p.write("a line")
				return strings.ReplaceAll(p.content("*.pid"), fmt.Sprintln(runner), "") != ""
			})
			p.end()
		})
	}
}

// Each output has a command of its own, or that of the others.
func TestExecOpenOfOutputs(t *testing.T) {
	t.Parallel()
	p := start(t, "--every=never", `--exec-open=touch "$1.main"`, `--also=a => --exec-open='touch "$1.own"' a.log`, "--also=b => b.log", "app.log")
	p.send("a and b")
	for _, name := range []string{"app.log.main", "a.log.own", "b.log.main"} {
		p.awaitFile(name)
	}
	p.end()
}

// In the place of rotatelogs its program is run for the same files, by the same path, but
// without the log for its standard input.
func TestRotatelogsProgram(t *testing.T) {
	t.Parallel()
	need(t, "rotatelogs")
	const program = "#!/bin/sh\n" + `echo "$# $1 $2" >>"$0.record"` + "\n"
	var records []string
	for _, name := range []string{"rotatelogs", logreel} {
		d := newFolder(t)
		d.put("it's", program)
		d.chmod("it's", 0o755)
		cmd := exec.Command(name, "-p", "it's", "app", "1000000000")
		if name == logreel {
			cmd = exec.Command(name, append([]string{"--as=rotatelogs"}, cmd.Args[1:]...)...)
		}
		p := d.launch(cmd)
		p.send("a line")
		eventually(t, "the program", func() bool { return len(d.glob("*record")) > 0 && d.content("*record") != "" })
		must(t, p.input.Close())
		must(t, cmd.Wait())
		records = append(records, d.content("*record"))
	}
	if want := "1 app.1000000000 \n"; records[0] != want || records[1] != want {
		t.Errorf("got %q, want both %q", records, want)
	}
}
