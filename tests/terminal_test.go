package tests

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A screen is a terminal with an interactive shell, in a folder.
type screen struct {
	*folder
	stops int // how often it has stopped a job
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	needProc(t)
	need(t, "tmux", "bash")
	s := &screen{folder: newFolder(t)}
	s.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", "-c", s.dir,
		"env", "PS1=shell> ", "bash", "--noprofile", "--norc", "-i")
	t.Cleanup(func() { _, _ = try("tmux", "-S", s.at("tmux"), "kill-server") }) // it ends with its shell
	s.shows("shell>")
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	return run(s.t, "tmux", append([]string{"-S", s.at("tmux")}, args...)...)
}

// enters types a line.
func (s *screen) enters(line string) {
	s.t.Helper()
	s.tmux("send-keys", "-l", line)
	s.press("Enter")
}

// press presses keys, as tmux names them: C-z is ctrl-z.
func (s *screen) press(keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		s.tmux("send-keys", key)
	}
}

func (s *screen) text() string {
	s.t.Helper()
	return strings.TrimSpace(s.tmux("capture-pane", "-p"))
}

// until waits for something to be there, and shows the screen where it does not come.
func (s *screen) until(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience / 2); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("no %s; the log: %q; the screen:\n%s", what, s.content("app.log"), s.text())
		}
	}
}

// shows waits for a text on the screen.
func (s *screen) shows(text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%q on the screen", text), func() bool { return strings.Contains(s.text(), text) })
}

// prompt checks that the shell has its prompt and reads the terminal: it runs a
// command, which shows what was typed in another form.
func (s *screen) prompt(mark string) {
	s.t.Helper()
	s.until("prompt for "+mark, func() bool { return strings.HasSuffix(s.text(), "shell>") })
	s.enters("echo at '" + mark + "'")
	s.shows("at " + mark)
}

// logs waits for a line in the log that begins so, and returns it.
func (s *screen) logs(begin string) (line string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%q in the log", begin), func() bool {
		for l := range strings.Lines(s.content("app.log")) {
			if strings.HasPrefix(l, begin) && strings.HasSuffix(l, "\n") {
				line = strings.TrimSuffix(l, "\n")
				return true
			}
		}
		return false
	})
	return line
}

// stop stops the job with ctrl-z, after which the shell is to have its prompt.
func (s *screen) stop() {
	s.t.Helper()
	s.press("C-z")
	s.prompt(fmt.Sprint("stop ", s.stops))
	s.stops++
}

// startRole types a job in a role, and returns its processes.
func startRole(t *testing.T, role string, names ...string) (s *screen, pids map[string]int) {
	t.Helper()
	s = newScreen(t)
	s.job(commandRole+"="+role, self())
	s.enters("./job; echo status $?")
	pids = map[string]int{}
	for _, name := range names {
		pids[name] = lastNumber(t, s.logs(name+" ready"))
	}
	pids["logreel"] = parentOf(t, pids["command"])
	return s, pids
}

// startScript types a job that is a script.
func startScript(t *testing.T, script, typed string) *screen {
	t.Helper()
	s := newScreen(t)
	s.put("script", script)
	s.job("", "sh ./script")
	s.enters(typed)
	return s
}

// job writes a program that becomes logreel with a command, to be typed.
func (s *screen) job(environment, command string) {
	s.t.Helper()
	s.put("job", "#!/bin/sh\n"+environment+" exec logreel --every=never app.log -- "+command+" \"$@\"\n")
}

// In the foreground the command reads the terminal, and ctrl-c is its own.
func TestCommandTerminal(t *testing.T) {
	t.Parallel()
	s, _ := startRole(t, "family", "child", "command")
	s.press("C-c", "C-c", "C-\\")
	for _, name := range []string{"command", "child"} {
		s.logs(name + ": interrupt")
		s.logs(name + ": quit")
	}
	s.press("C-d")
	s.shows("status 7")
	s.prompt("the end")
	// Both belong to the terminal's foreground; neither has it from logreel as well.
	got := s.read("app.log")
	for _, name := range []string{"command", "child"} {
		if n := strings.Count(got, name+": quit\n"); n != 1 {
			t.Errorf("%s: %d SIGQUIT, want 1: %q", name, n, got)
		}
		if n := strings.Count(got, name+": interrupt\n"); n < 1 || n > 2 {
			t.Errorf("%s: %d SIGINT, want 2: %q", name, n, got)
		}
	}
}

// are waits until all processes are in one of the states.
func are(t *testing.T, pids map[string]int, states string) {
	t.Helper()
	for name, pid := range pids {
		eventually(t, name+" to be in one of the states "+states, func() bool {
			state := stateOf(pid)
			return state != "" && strings.Contains(states, state)
		})
	}
}

// takesTerminal waits until a process is in the foreground. What is typed before is
// the shell's, and may reach it in the wrong mode.
func takesTerminal(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "the foreground", func() bool {
		s := statOf(pid)
		return s != nil && s[2] == s[5] // its process group, and the terminal's (proc(5))
	})
}

// foreground types fg, and waits until the process has the terminal.
func (s *screen) foreground(pid int) {
	s.t.Helper()
	s.enters("fg")
	takesTerminal(s.t, pid)
}

const (
	running = "SR"
	halted  = "T"
)

// ctrl-z stops the command and logreel, and gives the shell its prompt; fg continues
// both; bg does too, and leaves the terminal to the shell.
func TestCommandStopped(t *testing.T) {
	t.Parallel()
	s, pids := startRole(t, "blind", "command")
	for range 2 {
		s.stop()
		are(t, pids, halted)
		s.enters("fg")
		are(t, pids, running)
		takesTerminal(t, pids["command"])
		s.press("C-c")
		s.logs("command: interrupt")
	}
	s.stop()
	s.enters("bg")
	are(t, pids, running)
	s.prompt("bg")
	s.enters("kill %1")
	s.logs("command: terminated")
	must(t, kill(pids["command"]))
	s.prompt("the end")
	awaitGone(t, pids["logreel"])
	if n := strings.Count(s.read("app.log"), "interrupt\n"); n != 2 {
		t.Errorf("%d SIGINT, want 2", n)
	}
}

// The terminal stops the whole group of the command, so fg continues all of it.
func TestCommandStoppedChildren(t *testing.T) {
	t.Parallel()
	s, pids := startRole(t, "family", "command", "child")
	s.stop()
	are(t, pids, halted)
	s.enters("fg")
	are(t, pids, running)
}

// After bg the shell's fg sends no SIGCONT: the command has the terminal all the same,
// once it reads.
func TestCommandForegroundAgain(t *testing.T) {
	t.Parallel()
	s, pids := startRole(t, "blind", "command")
	s.stop()
	s.enters("bg")
	are(t, pids, running)
	s.enters("fg")
	s.shows("fg\n./job")
	sendSignal(t, pids["logreel"], syscall.SIGUSR2)
	s.logs("command: user defined signal 2")
	takesTerminal(t, pids["command"])
	s.press("C-d")
	s.logs("command ends")
	s.prompt("the end")
}

// A job that began in the background leaves the terminal alone until fg.
func TestCommandBackground(t *testing.T) {
	t.Parallel()
	s := startScript(t, "echo begun $$ > begun; read x; echo typed $x; exit 3", "./job &")
	pid := s.awaitNumber("begun")
	s.prompt("background")
	s.foreground(pid)
	s.enters("something")
	s.logs("typed something")
	s.prompt("the end")
}

// Standard input is a file, and the terminal is there all the same: ctrl-z gives the
// shell its prompt, fg goes on.
func TestCommandStoppedWithoutInput(t *testing.T) {
	t.Parallel()
	// It starts nothing while it waits: a shell that is stopped inside vfork waits for
	// a child that is stopped too, and neither is seen to stop.
	s := startScript(t, "mkfifo wait; exec 3<>wait; trap 'echo interrupted; exit 3' INT; echo ready $$; while :; do read x <&3; done",
		"./job < /dev/null; echo status $?")
	pid := lastNumber(t, s.logs("ready"))
	s.stop()
	s.foreground(pid)
	s.press("C-c")
	s.logs("interrupted")
	s.prompt("the end")
}

// A command that stops itself, or is another logreel whose command is stopped, gives the
// shell its prompt as well.
func TestCommandStopsItself(t *testing.T) {
	t.Parallel()
	s := startScript(t, "echo ready $$; kill -STOP $$; echo went on; exit 3", "./job; echo status $?")
	s.prompt("stop")
	s.enters("fg")
	s.logs("went on")
	s.prompt("the end")
}

func TestCommandStoppedNested(t *testing.T) {
	t.Parallel()
	s := startScript(t, `echo 'echo ready $$; read x; echo typed $x; exit 3' > inner
		echo begun; exec logreel --every=never inner.log -- sh ./inner`, "./job; echo status $?")
	s.logs("begun")
	pid := s.awaitNumber("inner.log")
	for range 2 {
		takesTerminal(t, pid)
		s.stop()
		s.enters("fg")
	}
	takesTerminal(t, pid)
	s.enters("something")
	eventually(t, "what was typed", func() bool { return strings.Contains(s.read("inner.log"), "typed something\n") })
	s.prompt("the end")
}

// Where nobody could continue it, as in a container with a terminal, ctrl-z stops
// nobody (a group without a parent in its session, kill(2) and POSIX 2.4.3).
func TestCommandStoppedByNobody(t *testing.T) {
	t.Parallel()
	need(t, "script")
	for _, with := range []string{"", "logreel --every=never app.log -- "} { // a terminal without us, and with
		cmd := exec.Command("script", "-qec", "exec "+with+self(), "/dev/null")
		cmd.Env = append(testEnv(""), commandRole+"=quiet")
		p := newFolder(t).launch(cmd)
		pid := p.awaitNumber("heard")
		above := parentOf(t, pid)
		t.Cleanup(func() {
			if t.Failed() { // what is stopped would stay
				_, _ = kill(pid), kill(above)
			}
		})
		for _, key := range []struct{ typed, heard string }{{"\032\003", "command: interrupt"}, {"\004", "command ends"}} {
			_, err := p.input.Write([]byte(key.typed))
			must(t, err)
			eventually(t, key.heard+" after ctrl-z with "+with, func() bool { return strings.Contains(p.read("heard"), key.heard+"\n") })
		}
		p.wait(7)
	}
}
