package tests

import (
	"bufio"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for an event before it fails.
	patience = time.Minute
	// lastSecond is how long the end may take when nothing more is waited for: a second,
	// and some for a busy machine.
	lastSecond = 15 * time.Second
)

// A process is a program under test, mostly a logreel, whose standard input the test
// writes. It runs in its folder.
type process struct {
	*folder
	cmd   *exec.Cmd
	input io.WriteCloser
	// copied are the lines of --tee: a line is there when it is in the file.
	copied, said chan string
}

// start runs logreel with --tee and --verbose, in a folder of its own.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return newFolder(t).start(args...)
}

func (d *folder) start(args ...string) *process {
	d.t.Helper()
	return d.startPlain(append([]string{"--tee", "--verbose"}, args...)...)
}

// startPlain runs logreel without any flags but those given.
func startPlain(t *testing.T, args ...string) *process {
	t.Helper()
	return newFolder(t).startPlain(args...)
}

func (d *folder) startPlain(args ...string) *process {
	d.t.Helper()
	return d.startProgram("logreel", args...)
}

// startGroup is startPlain in a process group of its own.
func (d *folder) startGroup(args ...string) *process {
	d.t.Helper()
	cmd := exec.Command("logreel", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return d.launch(cmd)
}

// startTee runs a logreel that copies its lines to a descriptor.
func startTee(t *testing.T, stdout io.Writer, flags ...string) *process {
	t.Helper()
	cmd := exec.Command("logreel", append(flags, "--tee", "--every=never", "app.log")...)
	cmd.Stdout = stdout
	return newFolder(t).launch(cmd)
}

// startProgram runs another program, which may become logreel.
func (d *folder) startProgram(name string, args ...string) *process {
	d.t.Helper()
	return d.launch(exec.Command(name, args...))
}

// startShell runs a shell that becomes logreel.
func startShell(t *testing.T, script string) *process {
	t.Helper()
	return newFolder(t).startProgram("sh", "-c", script)
}

// launch starts a command, with pipes for the streams that it has not been given.
func (d *folder) launch(cmd *exec.Cmd) *process {
	d.t.Helper()
	p := &process{folder: d, cmd: cmd}
	cmd.Dir = d.dir
	if cmd.Env == nil {
		cmd.Env = testEnv("")
	}
	if cmd.Stdin == nil {
		var err error
		p.input, err = cmd.StdinPipe()
		must(d.t, err)
	}
	outlet := func(given io.Writer, pipe func() (io.ReadCloser, error)) chan string {
		if given != nil {
			return lines(strings.NewReader(""))
		}
		r, err := pipe()
		must(d.t, err)
		return lines(r)
	}
	p.copied, p.said = outlet(cmd.Stdout, cmd.StdoutPipe), outlet(cmd.Stderr, cmd.StderrPipe)
	must(d.t, cmd.Start())
	d.t.Cleanup(func() {
		_ = cmd.Process.Kill() // if it still runs
	})
	return p
}

// startOnce runs logreel without a line, as at a start, and returns what it says.
func (d *folder) startOnce(args ...string) (said string) {
	d.t.Helper()
	cmd := exec.Command(logreel, args...)
	cmd.Dir, cmd.Env = d.dir, testEnv("")
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Errorf("%v: %v: %s", cmd, err, out)
	}
	return string(out)
}

// lines sends the lines of a stream until it ends.
func lines(r io.Reader) chan string {
	c := make(chan string, 1000)
	go func() {
		defer close(c)
		for s := bufio.NewScanner(r); s.Scan(); {
			c <- s.Text()
		}
	}()
	return c
}

// write writes lines, and waits for each until it is in the file.
func (p *process) write(lines ...string) {
	p.t.Helper()
	for _, line := range lines {
		p.send(line)
		p.copies(line)
	}
}

// send writes a line.
func (p *process) send(line string) {
	p.t.Helper()
	_, err := io.WriteString(p.input, line+"\n")
	must(p.t, err)
}

// says waits for a message with the text, and returns it.
func (p *process) says(text string) string {
	p.t.Helper()
	return p.await(p.said, text)
}

// copies waits for a line with the text to be in the file.
func (p *process) copies(text string) string {
	p.t.Helper()
	return p.await(p.copied, text)
}

func (p *process) await(c chan string, text string) string {
	p.t.Helper()
	var before []string
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-c:
			if !ok {
				p.t.Fatalf("the end instead of %q, after %q", text, before)
			}
			if strings.Contains(line, text) {
				return line
			}
			before = append(before, line)
		case <-deadline:
			p.t.Fatalf("no %q in %v, but %q", text, patience, before)
		}
	}
}

// eventually waits for what no other process tells us of.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(s))
}

// report has it say how it is, with SIGUSR1.
func (p *process) report() {
	p.t.Helper()
	p.signal(syscall.SIGUSR1)
}

// terminate sends SIGTERM.
func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
}

// kill kills it, without waiting for its end.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
}

// sendSignal sends a signal to a process that the test knows by its number, or to the
// group of that number below 0.
func sendSignal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Errorf("%v to %d: %v", s, pid, err)
	}
}

// closeInput ends the input.
func (p *process) closeInput() {
	p.t.Helper()
	must(p.t, p.input.Close())
}

// wait waits for the end and checks the exit status. It returns what was said until then
// and not heard yet, but for what a busy machine makes a logreel say.
func (p *process) wait(status int) (said string) {
	p.t.Helper()
	said = p.waitAny()
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Fatalf("exit status %d (%v), want %d; it said: %s", got, p.cmd.ProcessState, status, said)
	}
	return complaints(said)
}

// waitAny is wait for any exit status, and for all that was said.
func (p *process) waitAny() (said string) {
	p.t.Helper()
	done := make(chan error, 1)
	go func() {
		// Wait closes the streams, so they are read to their ends first.
		for range p.copied {
		}
		for line := range p.said {
			said += line + "\n"
		}
		done <- p.cmd.Wait()
	}()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			p.t.Fatal(err)
		}
	case <-time.After(patience):
		p.t.Fatalf("still running after %v", patience)
	}
	return said
}

// end ends the input and waits for exit status 0.
func (p *process) end() (said string) {
	p.t.Helper()
	return p.endWith(0)
}

// endWith ends the input and waits for an exit status.
func (p *process) endWith(status int) (said string) {
	p.t.Helper()
	p.closeInput()
	return p.wait(status)
}

// endSilent is end, and fails the test if anything is said.
func (p *process) endSilent() {
	p.t.Helper()
	if said := p.end(); said != "" {
		p.t.Errorf("it said: %s", said)
	}
}
