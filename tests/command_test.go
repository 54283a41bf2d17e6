package tests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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
	cmd.Env = append(os.Environ(), commandRole+"="+role)
	return cmd
}

// runScript starts a logreel whose command is a shell.
func runScript(t *testing.T, dir, script string, flags ...string) *process {
	t.Helper()
	return launch(t, dir, commandLine("", script, flags...))
}

// closeInput ends the command's standard input.
func (p *process) closeInput() {
	p.t.Helper()
	if err := p.input.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// readyPID waits until a role is there, and returns its process.
func readyPID(t *testing.T, p *process, c chan string, name string) int {
	t.Helper()
	return lastNumber(t, p.await(c, name+"ready"))
}

// Signals reach the command, once, and nobody else, whether they were sent to logreel
// or to its process group; and they do not end logreel.
func TestCommandSignals(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"process", "group"} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := commandLine("family", "", "--size=1M")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			p := launch(t, dir, cmd)
			readyPID(t, p, p.copied, "child ")
			target := cmd.Process.Pid
			if to == "group" {
				target = -target
			}
			want := []string{}
			for range 2 {
				for _, s := range passedOn {
					if err := syscall.Kill(target, s); err != nil {
						t.Fatal(err)
					}
					p.await(p.copied, "command: "+s.String())
					want = append(want, "command: "+s.String())
				}
			}
			p.closeInput()
			p.wait(7)
			got := []string{}
			for line := range strings.Lines(content(t, dir, "app.log")) {
				if strings.Contains(line, ": ") {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// SIGALRM is logreel's own: it switches.
func TestCommandAlarm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, dir, commandLine("one", "", "--size=1M"))
	readyPID(t, p, p.copied, "command ")
	p.signal(syscall.SIGALRM)
	p.await(p.said, "writing app.log.1")
	p.closeInput()
	p.wait(7)
	if got := content(t, dir, "app.log.1"); got != "command ends\n" {
		t.Errorf("got %q", got)
	}
}

// A command that ends on SIGTERM has something to say first.
func TestCommandLastLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := runScript(t, dir, `trap 'i=0; while test $i -lt 2000; do echo $i; i=$((i + 1)); done; printf last; exit 5' TERM
		echo ready; while :; do sleep 0.01; done`)
	p.await(p.copied, "ready")
	p.signal(syscall.SIGTERM)
	p.wait(5)
	want := "ready\n"
	for i := range 2000 {
		want += strconv.Itoa(i) + "\n"
	}
	if got := content(t, dir, "app.log"); got != want+"last\n" {
		t.Errorf("got %d bytes that end in %.30q", len(got), got[max(0, len(got)-30):])
	}
}

// The command ends, and a child of it that has its output goes on.
func TestCommandEndsBeforeItsChildren(t *testing.T) {
	t.Parallel()
	for _, stdio := range []string{"socket", "pipe"} {
		dir := t.TempDir()
		p := runScript(t, dir, `exec 3<&0; (while read x; do echo "child $x"; done <&3; printf 'the end') & exit 5`, "--stdio="+stdio)
		p.await(p.said, "the command has ended; reading on until its output is closed")
		p.send("one")
		p.await(p.copied, "child one")
		p.send("two")
		p.closeInput()
		p.wait(5)
		if got := content(t, dir, "app.log"); got != "child one\nchild two\nthe end\n" {
			t.Errorf("%s: got %q", stdio, got)
		}
	}
}

// A daemon is such a child, in a session of its own.
func TestCommandDaemon(t *testing.T) {
	t.Parallel()
	need(t, "setsid")
	dir := t.TempDir()
	p := runScript(t, dir, `exec 3<&0; echo start; setsid -f sh -c 'echo daemon; read x <&3; echo "$x"'; echo started`)
	p.await(p.said, "the command has ended")
	p.send("served")
	p.wait(0)
	if got := content(t, dir, "app.log"); !strings.Contains(got, "daemon\n") || !strings.HasSuffix(got, "served\n") {
		t.Errorf("got %q", got)
	}
}

// --grace ends what would not end by itself, and only after the command has ended.
func TestCommandGrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := runScript(t, dir, `exec 3<&0; (read x <&3) & echo ready; until test -e go; do sleep 0.01; done; echo one; exit 6`, "--grace=300ms")
	p.await(p.copied, "ready")
	p.signal(syscall.SIGCHLD) // which is not the end of the command
	begun := time.Now()       // before the end, of which the test may hear late
	writeFile(t, dir, "go", "")
	p.await(p.said, "the command has ended")
	p.wait(6) // while the input is open, and the child waits for it
	if took := time.Since(begun); took < 300*time.Millisecond || took > patience/4 {
		t.Errorf("it ended %v after the command, want 300ms", took)
	}
	if got := content(t, dir, "app.log"); got != "ready\none\n" {
		t.Errorf("got %q", got)
	}
}

// After the command has ended, only its children are left to end the input; then
// SIGTERM is logreel's own again, and a second one ends it.
func TestCommandSignalsAfterItsEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := runScript(t, dir, `exec 3<&0; (read x <&3) & echo one; exit 6`)
	p.await(p.said, "the command has ended")
	p.signal(syscall.SIGTERM)
	p.await(p.said, "a second SIGTERM ends")
	p.signal(syscall.SIGTERM)
	p.wait(6)
}

// A command that closes its output is waited for, however many signals come meanwhile.
func TestCommandClosesItsOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, dir, commandLine("quiet", ""))
	heard := func() string { return content(t, dir, "heard") }
	eventually(t, "the command", func() bool { return strings.Contains(heard(), "ready") })
	for i := range 50 {
		// The second one tells that the first has been taken.
		p.signal(syscall.SIGALRM)
		p.signal(syscall.SIGUSR1)
		for begun := time.Now(); strings.Count(heard(), "user defined signal 1\n") <= i; time.Sleep(time.Millisecond) {
			if time.Since(begun) > patience {
				t.Fatalf("SIGUSR1 does not reach the command after %d SIGALRM", i+1)
			}
		}
	}
	p.signal(syscall.SIGTERM)
	eventually(t, "SIGTERM", func() bool { return strings.Contains(heard(), "terminated") })
	p.closeInput()
	p.wait(7)
	if strings.Contains(heard(), "alarm") {
		t.Errorf("the command heard %q", heard())
	}
}

// When logreel is killed its command gets SIGPIPE or EPIPE, and nothing hangs, even if
// it was just waiting for room.
func TestCommandKilled(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	p := runScript(t, dir, `trap '' PIPE; echo "ready $$"; (while :; do echo child || exit; done)
		while echo parent 2>>failed; do :; done; echo $? > ended`)
	pid := readyPID(t, p, p.copied, "")
	p.signal(syscall.SIGKILL)
	eventually(t, "the end of the command", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
		return err != nil
	})
	if got := content(t, dir, "ended"); got == "" {
		t.Errorf("the command has not come to its end; it met %q", content(t, dir, "failed"))
	}
	if got := content(t, dir, "failed"); !strings.Contains(got, "Broken pipe") && !strings.Contains(got, "I/O error") {
		t.Errorf("the command met %q, want a broken pipe", got)
	}
}

// While the disk fails nothing is lost, and the command is not held up.
func TestCommandFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, "app.log")
	if err := os.Mkdir(inTheWay, 0o755); err != nil {
		t.Fatal(err)
	}
	const writers, each = 4, 2000
	p := runScript(t, dir, fmt.Sprintf(`for w in 1 2 3 4; do
			(i=0; while test $i -lt %d; do printf "$w "; echo $i; i=$((i + 1)); done) &
		done; wait; read x; exit 4`, each))
	p.await(p.said, "lines wait in memory")
	p.send("end")
	p.await(p.said, "the command has ended")
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	p.await(p.said, "over after")
	p.wait(4)
	counts := map[string]int{}
	for line := range strings.Lines(content(t, dir, "app.log")) {
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
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace")
	}
	dir := t.TempDir()
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(within, "strace", "-f", "-qq", "-o", "trace", "-e", "trace=recvmmsg", "-e", "inject=recvmmsg:error=ENOMEM:when=5+",
		logreel, "--every=never", "app.log", "--", "sh", "-c", "while echo line; do :; done")
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, testEnv(""), time.Second
	out, err := cmd.CombinedOutput()
	trace, _ := os.ReadFile(filepath.Join(dir, "trace"))
	if !strings.Contains(string(trace), "INJECTED") {
		t.Skipf("strace can do nothing here: %v: %s", err, out)
	}
	if status := cmd.ProcessState.ExitCode(); !strings.Contains(string(out), "read input: cannot allocate memory") || status <= 0 {
		t.Errorf("exit status %d; it said: %s", status, out)
	}
}

// The command has the descriptors that logreel was started with and none of logreel's
// own, and logreel keeps no socket or pipe of them.
func TestCommandDescriptors(t *testing.T) {
	t.Parallel()
	needProc(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	listening, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	pipe := newStream(t, "pipe")
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "inherited"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	inherited := []*os.File{listening, pipe.write, file}
	const script = `echo "ready $$"; read x; exit 0`
	// What a command has that logreel did not start.
	plain := exec.Command("sh", "-c", script)
	plain.ExtraFiles = inherited
	p := launch(t, dir, plain)
	want := openFiles(t, readyPID(t, p, p.copied, ""))
	p.closeInput()
	p.wait(0)
	for _, stdio := range []string{"socket", "pipe"} {
		cmd := commandLine("", script, "--eager", "--link=live", "--stdio="+stdio)
		cmd.ExtraFiles = inherited
		p := launch(t, dir, cmd)
		theirs := openFiles(t, readyPID(t, p, p.copied, ""))
		own := openFiles(t, cmd.Process.Pid)
		output := theirs[1]
		if theirs[0] != own[0] || theirs[2] != output || !strings.HasPrefix(output, stdio+":") {
			t.Errorf("%s: the command has %v", stdio, theirs)
		}
		theirs[0], theirs[1], theirs[2] = want[0], want[1], want[2]
		if !maps.Equal(theirs, want) {
			t.Errorf("%s: the command has %v, want %v", stdio, theirs, want)
		}
		streams := 0
		for fd, target := range own {
			if fd > 2 && (strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "pipe:")) {
				streams++
			}
			if fd > 2 && (target == want[3] || target == want[4]) {
				t.Errorf("%s: logreel keeps descriptor %d: %s", stdio, fd, target)
			}
		}
		if streams != 1 {
			t.Errorf("%s: logreel has %v, want one %s, to read", stdio, own, stdio)
		}
		p.closeInput()
		p.wait(0)
	}
}

// systemd's sockets are the command's: LISTEN_PID is its process, if it was logreel's.
func TestCommandListen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ set, want string }{
		{"LISTEN_PID=$$", "own"},
		{"LISTEN_PID=1", "1"},
		{"LISTEN_OTHER=$$", ""},
	} {
		dir := t.TempDir()
		// The command is a shell that tells its arguments as well.
		p := startShell(t, dir, `export `+test.set+` LISTEN_FDS=2 LISTEN_FDNAMES=a:b
			exec logreel --tee --verbose --every=never app.log -- sh -c '
				test "$LISTEN_PID" != $$ || LISTEN_PID=own
				echo "$LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES"; printf "[%s]" "$@"; exit 8' name "" "a b" '*' '"$x'`)
		p.wait(8)
		if got, want := content(t, dir, "app.log"), test.want+" 2 a:b\n[][a b][*][\"$x]\n"; got != want {
			t.Errorf("%s: got %q, want %q", test.set, got, want)
		}
	}
}

// The command's limit is the one that logreel was started with: the Go runtime raises
// its own.
func TestCommandLimits(t *testing.T) {
	t.Parallel()
	need(t, "prlimit")
	dir := t.TempDir()
	p := launch(t, dir, exec.Command("prlimit", "--nofile=100:200", "logreel", "--tee", "--every=never", "app.log",
		"--", "sh", "-c", "ulimit -Sn; ulimit -Hn"))
	p.wait(0)
	if got := content(t, dir, "app.log"); got != "100\n200\n" {
		t.Errorf("got %q", got)
	}
}

// signalSets returns which signals a process ignores and blocks that is started in a
// state, by itself and as a command of logreel, with or without a terminal.
func signalSets(t *testing.T, state string, terminal bool) (plain, command map[string]uint64) {
	t.Helper()
	needProc(t)
	need(t, "script", "grep")
	if exec.Command("env", "--ignore-signal=HUP", "true").Run() != nil {
		t.Skip("env cannot have signals ignored")
	}
	dir := t.TempDir()
	sets := func(with, file string) map[string]uint64 {
		t.Helper()
		line := "exec env " + state + " " + with + "grep ^Sig[BI] /proc/self/status > printed"
		cmd := exec.Command("sh", "-c", line)
		if terminal {
			cmd = exec.Command("script", "-qec", line, "/dev/null")
		}
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		found := map[string]uint64{}
		for line := range strings.Lines(content(t, dir, file)) {
			fields := strings.Fields(line)
			bits, err := strconv.ParseUint(fields[1], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			found[fields[0]] = bits
		}
		return found
	}
	return sets("", "printed"), sets("logreel --every=never logged -- ", "logged")
}

// The command ignores and blocks no signal that logreel was not started to.
func TestCommandSignalState(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"", "--ignore-signal=USR2 --block-signal=USR1", "--block-signal=TERM --block-signal=CHLD"} {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s terminal %v", state, terminal), func(t *testing.T) {
				t.Parallel()
				plain, command := signalSets(t, state, terminal)
				for _, set := range []string{"SigIgn:", "SigBlk:"} {
					bits, there := command[set]
					if more := bits &^ plain[set]; more != 0 || !there {
						t.Errorf("%s the command has %#x more", set, more)
					}
				}
			})
		}
	}
}

// What logreel was started to ignore its command ignores too, so nohup works, and
// ctrl-c does not end what a shell script has put into the background. Of the other
// signals the Go runtime does not tell.
func TestCommandIgnores(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"--ignore-signal=HUP", "--ignore-signal=INT"} {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s terminal %v", state, terminal), func(t *testing.T) {
				t.Parallel()
				plain, command := signalSets(t, state, terminal)
				if got, want := command["SigIgn:"], plain["SigIgn:"]; got != want {
					t.Errorf("the command ignores %#x, want %#x", got, want)
				}
			})
		}
	}
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// startFirst starts a logreel that is process 1 of a name space, with a shell as its
// command, and returns its process as we see it.
func startFirst(t *testing.T, dir string, cmd *exec.Cmd) (p *process, first int) {
	t.Helper()
	needProc(t)
	needRoot(t, "unshare")
	unshare := exec.Command("unshare", append([]string{"--pid", "--fork", "--mount-proc", "--kill-child"}, cmd.Args...)...)
	if out, err := exec.Command(unshare.Path, "--pid", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		t.Skipf("no name space can be made: %v: %s", err, out)
	}
	unshare.Env = cmd.Env
	p = launch(t, dir, unshare)
	eventually(t, "process 1", func() bool {
		children := childrenOf(t, unshare.Process.Pid)
		if len(children) == 1 {
			first = children[0]
		}
		return first > 0
	})
	return p, first
}

// childrenOf returns the children of a process, zombies too.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
	}
	return children
}

// stateOf returns the letter that ps has for a process.
func stateOf(pid int) string {
	if s := statOf(pid); s != nil {
		return s[0]
	}
	return ""
}

// statOf returns what /proc/PID/stat has after the name: state, parent and so on; nil
// for a process that is gone.
func statOf(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// As process 1 it reaps what is left to it, passes SIGTERM on, and ends with the
// command's status.
func TestCommandProcessOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, first := startFirst(t, dir, commandLine("", `test $PPID = 1 && echo "below 1"
		i=0; while test $i -lt 100; do (sh -c 'exit 3' & sh -c : &); i=$((i + 1)); done
		(sh -c 'echo ready; read x; echo orphan $x' <&3 &) 3<&0
		trap 'echo terminated; exit 5' TERM; while :; do sleep 0.01; done`))
	p.await(p.copied, "ready")
	eventually(t, "two children, none of them a zombie", func() bool {
		children := childrenOf(t, first)
		for _, child := range children {
			if stateOf(child) == "Z" {
				return false
			}
		}
		return len(children) == 2
	})
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await(p.said, "the command has ended")
	eventually(t, "the orphan alone", func() bool { return len(childrenOf(t, first)) == 1 })
	p.send("goes on")
	p.wait(5)
	if got, want := content(t, dir, "app.log"), "below 1\nready\nterminated\norphan goes on\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An orphan holds the log open for ever, but for --grace.
func TestCommandProcessOneGrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, first := startFirst(t, dir, commandLine("", `exec 3<&0; (sh -c 'echo ready; read x' <&3 &)
		trap 'exit 5' TERM; while :; do sleep 0.01; done`, "--grace=200ms"))
	p.await(p.copied, "ready")
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait(5) // while the orphan's input is open
}

// Process numbers come again, when nobody is in the group of that number either: an
// orphan may have that of the command that has ended.
func TestCommandProcessOneNumberAgain(t *testing.T) {
	t.Parallel()
	need(t, "setsid")
	dir := t.TempDir()
	p, _ := startFirst(t, dir, commandLine("", `exec 3<&0; setsid -f sh -c '
			read x <&3
			until test "$again" = '$$'; do
				# Whose parent ends at once, is left to process 1.
				again=$(echo $(('$$' - 1)) > /proc/sys/kernel/ns_last_pid; sh -c : & echo $!)
			done
			echo again; read x <&3; echo last'; exit 5`))
	p.await(p.said, "the command has ended")
	p.send("go on")
	p.await(p.copied, "again")
	p.send("go on")
	p.wait(5)
	if got := content(t, dir, "app.log"); got != "again\nlast\n" {
		t.Errorf("got %q", got)
	}
}
