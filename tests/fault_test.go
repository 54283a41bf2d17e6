package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Lines wait while the directory cannot be written, one message says so and one
// says that it is over, and no line is lost.
func TestFaultDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blocked := filepath.Join(dir, "logs")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	p := start(t, dir, "--every=never", "logs/app.log")
	p.send("one")
	p.await(p.said, "warning: open logs/app.log: not a directory; lines wait in memory, trying again every second")
	p.send("two")
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	p.await(p.said, "over after")
	p.await(p.copied, "two")
	p.end()
	if got := content(t, dir, "logs/app.log"); got != "one\ntwo\n" {
		t.Errorf("got %q", got)
	}
}

// A process that may open nothing more waits with its lines until it may. The Go
// runtime ends where it wants to open its poller and cannot, so it must not want to.
func TestFaultDescriptors(t *testing.T) {
	t.Parallel()
	need(t, "prlimit")
	dir := t.TempDir()
	p := startShell(t, dir, `ulimit -n 20; exec logreel --tee --verbose %H%M%S.log`)
	limit := func(descriptors string) {
		t.Helper()
		run(t, "prlimit", "--pid", strconv.Itoa(p.cmd.Process.Pid), "--nofile="+descriptors+":20")
	}
	p.write("first")
	p.await(p.said, "finished")
	limit("5")
	p.send("one")
	p.await(p.said, "too many open files; lines wait in memory")
	p.send("two")
	p.signal(syscall.SIGUSR1)
	p.await(p.said, "no live file; 6 bytes written and 0 switches")
	p.signal(syscall.SIGTERM)
	limit("20")
	p.await(p.said, "over after")
	p.await(p.copied, "two")
	p.end()
	if got := content(t, dir, "*.log"); got != "first\none\ntwo\n" {
		t.Errorf("got %q", got)
	}
}

// With eight descriptors the next file can be opened before the last is let go.
func TestFaultFewDescriptors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startShell(t, dir, `ulimit -n 8; exec logreel --tee --verbose --size=4 --link=live app.log`)
	p.write("one")
	p.write("two")
	if got := content(t, dir, "live"); got != "two\n" {
		t.Errorf("the live file holds %q", got)
	}
	// While the first file is synced there is none left for another.
	want := "one\ntwo\n"
	eventually(t, "the switch after that", func() bool {
		p.write("six")
		want += "six\n"
		return content(t, dir, "live") == "six\n"
	})
	p.end()
	if got := content(t, dir, "app.log*"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The Go runtime opens two descriptors when its collector first gives memory back,
// and ends where there are none. GOGC and a long line make it come to that in a
// second, not in days.
func TestFaultFewDescriptorsForLong(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"8", "12", "20"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := startShell(t, dir, `ulimit -n `+limit+`; GOGC=1 exec logreel --verbose --every=never --max-line=16M app.log`)
			want := strings.Repeat("x", 8<<20) + "\n"
			p.send(want[:len(want)-1])
			p.await(p.said, "writing")
			for i := range 100 {
				p.signal(syscall.SIGHUP)
				p.send(strconv.Itoa(i))
				p.await(p.said, "writing")
				want += strconv.Itoa(i) + "\n"
			}
			p.end()
			if got := content(t, dir, "app.log"); got != want {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
		})
	}
}

// A line that was cut off when it gave up is not glued to the next run's first.
func TestFaultTornLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	full := strings.Repeat("12345678901\n", 200)
	cmd := exec.Command("sh", "-c", "ulimit -f 1; exec logreel --every=never app.log") // 512 bytes
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(full)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "lines lost") {
		t.Fatalf("%v: %s", err, out)
	}
	p := start(t, dir, "--every=never", "app.log")
	p.write("next")
	p.end()
	got := strings.Split(strings.TrimSuffix(content(t, dir, "app.log"), "\n"), "\n")
	if last := got[len(got)-1]; last != "next" || len(got) < 20 {
		t.Errorf("got %d lines, the last one %q", len(got), last)
	}
}

// When the fault is still there at the end of input, it gives up and says how much
// is lost.
func TestFaultAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, dir, "--every=never", "logs/app.log")
	p.send("one")
	p.send("two")
	if err := p.input.Close(); err != nil {
		t.Fatal(err)
	}
	p.await(p.said, "error: 2 lines lost")
	p.wait(1)
}

// A reader of the copies that reads nothing holds up the log for a while, in which
// the application goes on, and then has no more of them.
func TestFaultStuckTee(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stdout := newStream(t, "pipe")
	stdout.fill(t)
	cmd := exec.Command("logreel", "--tee", "--every=never", "app.log")
	cmd.Stdout = stdout.write
	p := launch(t, dir, cmd)
	var want strings.Builder
	for i := range 50_000 { // 3 MB, more than the pipe holds
		line := strconv.Itoa(i) + strings.Repeat(" tee", 14)
		want.WriteString(line + "\n")
		p.send(line)
	}
	p.await(p.said, "--tee: standard output has taken nothing for 5s; going on without it")
	p.end()
	if got := content(t, dir, "app.log"); got != want.String() {
		t.Errorf("got %d bytes, want %d", len(got), want.Len())
	}
}

// A reader of the copies that is slower than the log delays the end, and costs no line.
func TestFaultSlowTee(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command("logreel", "--tee", "--every=never", "app.log")
	cmd.Stdout = write
	p := launch(t, dir, cmd)
	var want strings.Builder
	for i := range 20_000 { // several batches
		line := strconv.Itoa(i) + strings.Repeat(" tee", 14)
		want.WriteString(line + "\n")
		p.send(line)
	}
	if err := errors.Join(p.input.Close(), write.Close()); err != nil {
		t.Fatal(err)
	}
	// Longer than it tries to write after the end of input.
	buf, copied := make([]byte, 4096), 0
	for begun := time.Now(); ; {
		n, err := read.Read(buf)
		if copied += n; err != nil {
			break
		}
		if time.Since(begun) < 12*time.Second {
			time.Sleep(400 * time.Millisecond) // the slowness
		}
	}
	p.wait(0)
	if got := content(t, dir, "app.log"); got != want.String() || copied != want.Len() {
		t.Errorf("got %d bytes and %d copied, want %d", len(got), copied, want.Len())
	}
}
