package tests

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for an event before it fails.
const patience = time.Minute

// slow are the messages of a logreel whose disk other tests keep busy.
var slow = regexp.MustCompile(`(?m)^.*(the buffer is full|does not answer|waiting for finished files|left for the next start|may not survive a power cut).*\n`)

// complaints returns what logreel said, but for what a busy machine makes it say.
func complaints(said string) string {
	return slow.ReplaceAllString(said, "")
}

// A process is a running logreel whose standard input the test writes.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	input io.WriteCloser
	// copied are the lines of --tee: a line is there when it is in the file.
	copied, said chan string
}

// start runs logreel with --tee and --verbose, in a directory of the test's.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return launch(t, dir, exec.Command("logreel", append([]string{"--tee", "--verbose"}, args...)...))
}

// startShell runs a shell that becomes logreel.
func startShell(t *testing.T, dir, command string) *process {
	t.Helper()
	return launch(t, dir, exec.Command("sh", "-c", command))
}

// launch starts a command, with pipes for the streams that it has not been given.
func launch(t *testing.T, dir string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd}
	cmd.Dir = dir
	if cmd.Stdin == nil {
		var err error
		if p.input, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	outlet := func(given io.Writer, pipe func() (io.ReadCloser, error)) chan string {
		if given != nil {
			return lines(strings.NewReader(""))
		}
		r, err := pipe()
		if err != nil {
			t.Fatal(err)
		}
		return lines(r)
	}
	p.copied, p.said = outlet(cmd.Stdout, cmd.StdoutPipe), outlet(cmd.Stderr, cmd.StderrPipe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // if it still runs
	})
	return p
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

// self returns the path of the test binary, which plays commands as well.
func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// write writes a line and waits until it is in the file.
func (p *process) write(line string) {
	p.t.Helper()
	p.send(line)
	p.await(p.copied, line)
}

// send writes a line.
func (p *process) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.input, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// await waits for a line with the text.
func (p *process) await(c chan string, text string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-c:
			if !ok {
				p.t.Fatalf("the end instead of %q", text)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-deadline:
			p.t.Fatalf("no %q in %v", text, patience)
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end and checks the exit status.
func (p *process) wait(status int) {
	p.t.Helper()
	done := make(chan error, 1)
	go func() {
		// Wait closes the streams, so they are read to their ends first.
		for range p.copied {
		}
		for range p.said {
		}
		done <- p.cmd.Wait()
	}()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			p.t.Fatal(err)
		}
		if got := p.cmd.ProcessState.ExitCode(); got != status {
			p.t.Fatalf("exit status %d (%v), want %d", got, err, status)
		}
	case <-time.After(patience):
		p.t.Fatalf("still running after %v", patience)
	}
}

// end ends the input and waits for exit status 0.
func (p *process) end() {
	p.t.Helper()
	if err := p.input.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.wait(0)
}

// content returns what the files of a pattern of glob hold, in the order of names.
func content(t *testing.T, dir, glob string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, glob))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
