package tests

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// waitsOn is a command that says that it is there, and goes on until somebody ends it.
const waitsOn = `sh -c 'echo >>waits; exec sleep 1000'`

// scripts are played at a terminal by several shells, once with the command alone and once
// with logreel before it: COMMAND stands for that. What they write into the file seen has
// to be the same, and so has what is done in play.
var scripts = []struct {
	name, script string
	play         func(s *screen)
}{
	{"reads while a job is in the background", `
		COMMAND ` + waitsOn + ` & job=$!
		until test -e waits; do sleep 0.01; done
		echo ready >ready; read x </dev/tty; echo "read $x" >>seen
		kill $job; wait $job; echo "status $?" >>seen`,
		func(s *screen) {
			s.awaitFile("ready")
			s.enters("something")
			s.prompt("the end")
		}},
	{"catches ctrl-c for two jobs", `
		COMMAND ` + waitsOn + ` & one=$!
		COMMAND ` + waitsOn + ` & two=$!
		trap 'echo caught >>seen; kill $one $two' INT
		until test "$(wc -l <waits)" -eq 2; do sleep 0.01; done 2>/dev/null
		echo ready >ready; wait $one; wait $two; echo over >>seen`,
		func(s *screen) {
			s.awaitFile("ready")
			s.press("C-c")
			s.prompt("the end")
		}},
	{"ends with its command", `
		COMMAND ` + waitsOn + `; echo "second $?" >>seen`,
		func(s *screen) {
			s.awaitFile("waits")
			s.press("C-c")
			s.prompt("the end")
		}},
	{"ends a loop with its command", `
		for i in 1 2 3; do COMMAND ` + waitsOn + `; echo "round $i" >>seen; done`,
		func(s *screen) {
			s.awaitFile("waits")
			s.press("C-c")
			s.prompt("the end")
		}},
	{"goes on after a command that ends by itself at ctrl-c", `
		trap : INT
		COMMAND sh -c 'trap "echo interrupted >>seen; exit 3" INT; echo >waits; while :; do sleep 0.01; done'
		echo "status $?" >>seen`,
		func(s *screen) {
			s.awaitFile("waits")
			s.press("C-c")
			s.prompt("the end")
		}},
	{"has a command that reads", `
		COMMAND sh -c 'echo >waits; read x; echo "read $x" >>seen'; read y; echo "then $y" >>seen`,
		func(s *screen) {
			s.awaitFile("waits")
			s.enters("one")
			s.until("the first line", func() bool { return strings.Contains(s.content("seen"), "one\n") })
			s.enters("two")
			s.prompt("the end")
		}},
	{"is stopped and goes on", `
		COMMAND sh -c 'echo $$ >waits; read x; echo "read $x" >>seen'; echo "status $?" >>seen`,
		func(s *screen) {
			s.stopAndGoOn()
			s.stopAndGoOn()
			s.enters("something")
			s.prompt("the end")
		}},
	{"pipes into a reader", `
		(COMMAND sh -c 'echo line; until test -e seen; do sleep 0.01; done') 2>&1 |
			sh -c 'echo >waits; read x </dev/tty; echo "read $x" >>seen; cat >/dev/null'`,
		func(s *screen) {
			s.awaitFile("waits")
			s.enters("something")
			s.prompt("the end")
		}},
}

// stopAndGoOn stops a job with ctrl-z and continues it with fg, where the process that waits
// has to have the terminal.
func (s *screen) stopAndGoOn() {
	s.t.Helper()
	s.until("number", func() bool { return strings.HasSuffix(s.content("waits"), "\n") })
	pid := lastNumber(s.t, strings.TrimSpace(s.content("waits")))
	s.press("C-z")
	// One that is not yet stopped would take what is typed.
	s.until("stop", func() bool { return stateOf(pid) == "T" })
	s.stops++
	s.prompt(fmt.Sprint("stop ", s.stops))
	s.enters("fg")
	takesTerminal(s.t, pid)
}

// Whatever a script does at a terminal with a command alone, it can do with logreel before
// it.
func TestCommandInScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "dash", "zsh"} {
		for _, script := range scripts {
			t.Run(shell+" "+script.name, func(t *testing.T) {
				t.Parallel()
				need(t, shell)
				seen := map[string]string{}
				for i, with := range []string{"", "logreel --every=never app.log -- "} {
					s := newScreen(t)
					s.put("script", strings.ReplaceAll(script.script, "COMMAND ", with))
					s.enters(shell + " ./script")
					script.play(s)
					seen[with] = s.content("seen")
					if alone := seen[""]; i == 1 && seen[with] != alone {
						t.Errorf("with logreel %q, alone %q; the screen:\n%s", seen[with], alone, s.text())
					}
				}
			})
		}
	}
}

// In a pipeline that an interactive shell has made, the others have the terminal too, and
// ctrl-z stops all of it.
func TestCommandInPipelines(t *testing.T) {
	t.Parallel()
	// They start nothing while they wait: a shell that is stopped inside vfork waits for a
	// child that is stopped too, and neither is seen to stop.
	const command = `sh -c 'mkfifo go; exec 3<>go; echo line; echo >begun; read x <&3'`
	const reader = `sh -c 'echo $$ >waits; read x </dev/tty; echo "read $x" >seen; echo >go; cat >/dev/null'`
	for _, shell := range []string{"bash", "dash", "zsh"} {
		for _, line := range []string{
			"COMMAND " + command + " | " + reader,
			"yes | COMMAND " + command + " | " + reader,
			": | COMMAND " + command + " 2>&1 | cat | " + reader,
		} {
			for _, with := range []string{"", "logreel --tee --every=never app.log -- "} {
				t.Run(fmt.Sprintf("%s %.10s %.7s", shell, line, with), func(t *testing.T) {
					t.Parallel()
					need(t, shell)
					s := newScreen(t)
					options := map[string]string{"bash": "--noprofile --norc -i", "dash": "-i", "zsh": "-f -i +Z"}
					s.enters(`exec env PS1=inner\ shell\> ` + shell + " " + options[shell])
					s.shows("inner shell>")
					s.enters(strings.ReplaceAll(line, "COMMAND ", with))
					s.awaitFile("begun")
					s.stopAndGoOn()
					s.enters("something")
					s.prompt("the end")
					s.expect("seen", "read something\n")
				})
			}
		}
	}
}

// Who signals the process group, as timeout does, reaches the children of the command.
func TestCommandInTimeout(t *testing.T) {
	t.Parallel()
	need(t, "timeout")
	for _, with := range []string{"", "logreel --every=never app.log -- "} {
		d := newFolder(t)
		words := strings.Fields("timeout 1000 " + with + "sh -c")
		cmd := exec.Command(words[0], append(words[1:], `sh -c 'echo $$ >child; exec sleep 1000'; :`)...)
		p := d.launch(cmd)
		eventually(t, "the child", func() bool { return strings.HasSuffix(d.content("child"), "\n") })
		child := lastNumber(t, strings.TrimSpace(d.read("child")))
		// Before it waits, it may not know yet whom it has started.
		eventually(t, "timeout to wait", func() bool { return stateOf(p.pid()) == "S" })
		p.signal(syscall.SIGTERM)
		p.waitAny()
		eventually(t, "the end of the child with "+with, func() bool { return stateOf(child) == "" || stateOf(child) == "Z" })
	}
}
