package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A screen is a terminal with an interactive shell.
type screen struct {
	t    *testing.T
	name string
	dir  string
}

func newScreen(t *testing.T, dir string) *screen {
	t.Helper()
	needProc(t)
	need(t, "tmux", "bash")
	s := &screen{t, fmt.Sprintf("logreel-test-%d-%s", os.Getpid(), filepath.Base(filepath.Dir(dir))), dir}
	s.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", "-c", dir,
		"env", "PS1=shell> ", "bash", "--noprofile", "--norc", "-i")
	t.Cleanup(func() { _ = exec.Command("tmux", "-L", s.name, "kill-server").Run() }) // it ends with its shell
	s.shows("shell>")
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	return run(s.t, "tmux", append([]string{"-L", s.name}, args...)...)
}

// types types text, and then a key.
func (s *screen) types(text, key string) {
	s.t.Helper()
	if text != "" {
		s.tmux("send-keys", "-l", text)
	}
	s.tmux("send-keys", key)
}

func (s *screen) text() string {
	s.t.Helper()
	return s.tmux("capture-pane", "-p")
}

// shows waits for a text on the screen.
func (s *screen) shows(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(10 * time.Millisecond) {
		seen := s.text()
		if strings.Contains(seen, text) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no %q on the screen:\n%s", text, strings.TrimSpace(seen))
		}
	}
}

// prompt checks that the shell has its prompt and reads the terminal: it runs a
// command, which shows what was typed in another form.
func (s *screen) prompt(mark string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience / 2); !strings.HasSuffix(strings.TrimSpace(s.text()), "shell>"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("no prompt for %q on the screen:\n%s", mark, strings.TrimSpace(s.text()))
		}
	}
	s.types("echo at '"+mark+"'", "Enter")
	s.shows("at " + mark)
}

// logs waits for a line in the log.
func (s *screen) logs(line string) string {
	s.t.Helper()
	got := ""
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(10 * time.Millisecond) {
		got = content(s.t, s.dir, "app.log")
		for l := range strings.Lines(got) {
			if strings.HasPrefix(l, line) && strings.HasSuffix(l, "\n") {
				return strings.TrimSuffix(l, "\n")
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no %q in the log %q; the screen:\n%s", line, got, strings.TrimSpace(s.text()))
		}
	}
}

// job writes a program that becomes logreel with a role or a script, to be typed.
func (s *screen) job(role, script string) {
	s.t.Helper()
	line := commandRole + "=" + role + " exec logreel --every=never app.log -- "
	if role != "" {
		line += self()
	} else {
		writeFile(s.t, s.dir, "script", script)
		line += "sh ./script"
	}
	writeFile(s.t, s.dir, "job", "#!/bin/sh\n"+line+" \"$@\"\n")
}

// lastNumber returns the last word of a line, a process.
func lastNumber(t *testing.T, line string) int {
	t.Helper()
	n, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1:])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// In the foreground the command reads the terminal, and ctrl-c is its own.
func TestCommandTerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t, t.TempDir())
	s.job("family", "")
	s.types("./job; echo status $?", "Enter")
	s.logs("child ready")
	s.logs("command ready")
	for range 2 {
		s.types("", "C-c")
	}
	s.types("", "C-\\")
	for _, name := range []string{"command", "child"} {
		s.logs(name + ": interrupt")
		s.logs(name + ": quit")
	}
	s.types("", "C-d")
	s.shows("status 7")
	s.prompt("the end")
	// Both belong to the terminal's foreground; neither has it from logreel as well.
	got := content(t, s.dir, "app.log")
	for _, name := range []string{"command", "child"} {
		if n := strings.Count(got, name+": quit\n"); n != 1 {
			t.Errorf("%s: %d SIGQUIT, want 1: %q", name, n, got)
		}
		if n := strings.Count(got, name+": interrupt\n"); n < 1 || n > 2 {
			t.Errorf("%s: %d SIGINT, want 2: %q", name, n, got)
		}
	}
}

// startJob types a job in a role, and returns its processes.
func startJob(t *testing.T, role string, names ...string) (s *screen, pids map[string]int) {
	t.Helper()
	s = newScreen(t, t.TempDir())
	s.job(role, "")
	s.types("./job; echo status $?", "Enter")
	pids = map[string]int{}
	for _, name := range names {
		pids[name] = lastNumber(t, s.logs(name+" ready"))
	}
	pids["logreel"] = parentOf(t, pids["command"])
	return s, pids
}

// are waits until all processes are in one of the states.
func are(t *testing.T, pids map[string]int, states string) {
	t.Helper()
	for name, pid := range pids {
		for begun := time.Now(); !strings.Contains(states, stateOf(pid)); time.Sleep(5 * time.Millisecond) {
			if time.Since(begun) > patience/4 {
				t.Fatalf("%s is in state %s, want one of %s", name, stateOf(pid), states)
			}
		}
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

const (
	running = "SR"
	halted  = "T"
)

// ctrl-z stops the command and logreel, and gives the shell its prompt; fg continues
// both; bg does too, and leaves the terminal to the shell.
func TestCommandStopped(t *testing.T) {
	t.Parallel()
	s, pids := startJob(t, "blind", "command")
	for i := range 2 {
		s.types("", "C-z")
		s.prompt(fmt.Sprintf("stop %d", i))
		are(t, pids, halted)
		s.types("fg", "Enter")
		are(t, pids, running)
		takesTerminal(t, pids["command"])
		s.types("", "C-c")
		s.logs("command: interrupt")
	}
	s.types("", "C-z")
	s.prompt("the last stop")
	s.types("bg", "Enter")
	are(t, pids, running)
	s.prompt("bg")
	s.types("kill %1", "Enter")
	s.logs("command: terminated")
	if err := syscall.Kill(pids["command"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.prompt("the end")
	eventually(t, "the end of logreel", func() bool { return stateOf(pids["logreel"]) == "" })
	if n := strings.Count(content(t, s.dir, "app.log"), "interrupt\n"); n != 2 {
		t.Errorf("%d SIGINT, want 2", n)
	}
}

// The terminal stops the whole group of the command, so fg continues all of it.
func TestCommandStoppedChildren(t *testing.T) {
	t.Parallel()
	s, pids := startJob(t, "family", "command", "child")
	s.types("", "C-z")
	s.prompt("stop")
	are(t, pids, halted)
	s.types("fg", "Enter")
	are(t, pids, running)
}

// After bg the shell's fg sends no SIGCONT: the command has the terminal all the same,
// once it reads.
func TestCommandForegroundAgain(t *testing.T) {
	t.Parallel()
	s, pids := startJob(t, "blind", "command")
	s.types("", "C-z")
	s.prompt("stop")
	s.types("bg", "Enter")
	are(t, pids, running)
	s.types("fg", "Enter")
	s.shows("fg\n./job")
	if err := syscall.Kill(pids["logreel"], syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	s.logs("command: user defined signal 2")
	takesTerminal(t, pids["command"])
	s.types("", "C-d")
	s.logs("command ends")
	s.prompt("the end")
}

// parentOf returns the parent of a process.
func parentOf(t *testing.T, pid int) int {
	t.Helper()
	for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/status", pid))) {
		if parent, found := strings.CutPrefix(line, "PPid:"); found {
			n, err := strconv.Atoi(strings.TrimSpace(parent))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("process %d has no parent", pid)
	return 0
}

// A job that began in the background leaves the terminal alone until fg.
func TestCommandBackground(t *testing.T) {
	t.Parallel()
	s := newScreen(t, t.TempDir())
	s.job("", "echo begun $$ > begun; read x; echo typed $x; exit 3")
	s.types("./job &", "Enter")
	eventually(t, "the command", func() bool { return strings.HasSuffix(content(t, s.dir, "begun"), "\n") })
	pid := lastNumber(t, strings.TrimSpace(content(t, s.dir, "begun")))
	s.prompt("background")
	s.types("fg", "Enter")
	takesTerminal(t, pid)
	s.types("something", "Enter")
	s.logs("typed something")
	s.prompt("the end")
}

// Standard input is a file, and the terminal is there all the same: ctrl-z gives the
// shell its prompt, fg goes on.
func TestCommandStoppedWithoutInput(t *testing.T) {
	t.Parallel()
	s := newScreen(t, t.TempDir())
	// It starts nothing while it waits: a shell that is stopped inside vfork waits for
	// a child that is stopped too, and neither is seen to stop.
	s.job("", "mkfifo wait; exec 3<>wait; trap 'echo interrupted; exit 3' INT; echo ready $$; while :; do read x <&3; done")
	s.types("./job < /dev/null; echo status $?", "Enter")
	pid := lastNumber(t, s.logs("ready"))
	s.types("", "C-z")
	s.prompt("stop")
	s.types("fg", "Enter")
	takesTerminal(t, pid)
	s.types("", "C-c")
	s.logs("interrupted")
	s.prompt("the end")
}

// A command that stops itself, or is another logreel whose command is stopped, gives the
// shell its prompt as well.
func TestCommandStopsItself(t *testing.T) {
	t.Parallel()
	s := newScreen(t, t.TempDir())
	s.job("", "echo ready $$; kill -STOP $$; echo went on; exit 3")
	s.types("./job; echo status $?", "Enter")
	s.prompt("stop")
	s.types("fg", "Enter")
	s.logs("went on")
	s.prompt("the end")
}

func TestCommandStoppedNested(t *testing.T) {
	t.Parallel()
	s := newScreen(t, t.TempDir())
	writeFile(t, s.dir, "inner", "echo ready $$; read x; echo typed $x; exit 3")
	s.job("", "echo begun; exec logreel --every=never inner.log -- sh ./inner")
	s.types("./job; echo status $?", "Enter")
	s.logs("begun")
	inner := func() string { return content(t, s.dir, "inner.log") }
	eventually(t, "the inner command", func() bool { return strings.HasSuffix(inner(), "\n") })
	pid := lastNumber(t, strings.TrimSpace(inner()))
	for range 2 {
		takesTerminal(t, pid)
		s.types("", "C-z")
		s.prompt("stop")
		s.types("fg", "Enter")
	}
	takesTerminal(t, pid)
	s.types("something", "Enter")
	eventually(t, "what was typed", func() bool { return strings.Contains(inner(), "typed something\n") })
	s.prompt("the end")
}

// Where nobody could continue it, as in a container with a terminal, ctrl-z stops
// nobody (a group without a parent in its session, kill(2) and POSIX 2.4.3).
func TestCommandStoppedByNobody(t *testing.T) {
	t.Parallel()
	need(t, "script")
	for _, with := range []string{"", "logreel --every=never app.log -- "} { // a terminal without us, and with
		dir := t.TempDir()
		cmd := exec.Command("script", "-qec", "exec "+with+self(), "/dev/null")
		cmd.Env = append(os.Environ(), commandRole+"=quiet")
		p := launch(t, dir, cmd)
		heard := func(what string) func() bool {
			return func() bool { return strings.Contains(content(t, dir, "heard"), what+"\n") }
		}
		eventually(t, "the command", func() bool { return strings.HasSuffix(content(t, dir, "heard"), "\n") })
		pid := lastNumber(t, strings.TrimSpace(content(t, dir, "heard")))
		above := parentOf(t, pid)
		t.Cleanup(func() {
			if t.Failed() { // what is stopped would stay
				_ = errors.Join(syscall.Kill(pid, syscall.SIGKILL), syscall.Kill(above, syscall.SIGKILL))
			}
		})
		for _, key := range []struct{ typed, heard string }{{"\032\003", "command: interrupt"}, {"\004", "command ends"}} {
			if _, err := p.input.Write([]byte(key.typed)); err != nil {
				t.Fatal(err)
			}
			eventually(t, key.heard+" after ctrl-z with "+with, heard(key.heard))
		}
		p.wait(7)
	}
}
