package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

const (
	costRounds = 3
	costPaced  = 3 * time.Second
	costBulk   = 1_000_000_000
	costLine   = 120
)

// A costRun is one program fed once.
type costRun struct {
	cmd   *exec.Cmd
	dir   string
	write int // the pipe's end
	said  bytes.Buffer
}

// startCost starts a program that writes into a directory in memory, with a pipe as
// its standard input.
func startCost(t *testing.T, program string, arg ...string) *costRun {
	t.Helper()
	memory := "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		memory = ""
	}
	dir, err := os.MkdirTemp(memory, "logreel-cost-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	// Descriptors of our own: package os would put them onto its poller, and the
	// program would find a pipe that does not block.
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(ends[0])
	unix.CloseOnExec(ends[1])
	read := os.NewFile(uintptr(ends[0]), "pipe")
	run := &costRun{dir: dir, write: ends[1]}
	run.cmd = exec.CommandContext(t.Context(), program, arg...)
	run.cmd.Dir, run.cmd.Env = dir, testEnv("")
	run.cmd.Stdin, run.cmd.Stderr = read, &run.said
	if err := run.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	return run
}

func (run *costRun) send(t *testing.T, text []byte) {
	for len(text) > 0 {
		n, err := unix.Write(run.write, text)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatalf("%s: write: %v; it said: %s", run.cmd.Path, err, &run.said)
		}
		text = text[n:]
	}
}

// pace sends lines at a rate, one write each, and returns how many. It waits busily:
// a sleep could not keep 100,000 appointments a second.
func (run *costRun) pace(t *testing.T, rate int) (sent int64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	line := []byte(strings.Repeat("x", costLine-1) + "\n")
	begin := time.Now()
	for i := range int(costPaced.Seconds() * float64(rate)) {
		due := time.Duration(i) * time.Second / time.Duration(rate)
		for time.Since(begin) < due {
		}
		run.send(t, line)
		sent += costLine
	}
	return sent
}

// flood sends the same lines in writes of 64 KiB.
func (run *costRun) flood(t *testing.T) (sent int64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	line := strings.Repeat("x", costLine-1) + "\n"
	lines := []byte(strings.Repeat(line, bulkChunk)) // a multiple of both
	for sent < costBulk {
		at := sent % int64(len(lines))
		run.send(t, lines[at:at+bulkChunk])
		sent += bulkChunk
	}
	// The last chunk ends inside a line.
	rest := (costLine - sent%costLine) % costLine
	run.send(t, []byte(line)[costLine-rest:])
	return sent + rest
}

// size returns how many bytes the files hold.
func (run *costRun) size(t *testing.T) (size int64) {
	t.Helper()
	entries, err := os.ReadDir(run.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// end closes the pipe and returns the CPU seconds that the program took in all.
func (run *costRun) end(t *testing.T, sent int64) float64 {
	t.Helper()
	if err := unix.Close(run.write); err != nil {
		t.Fatal(err)
	}
	if err := run.cmd.Wait(); err != nil {
		t.Errorf("%s: %v; it said: %s", run.cmd.Path, err, &run.said)
	}
	if got := run.size(t); got != sent {
		t.Errorf("%s: its files hold %d bytes, %d were sent", run.cmd.Path, got, sent)
	}
	if err := os.RemoveAll(run.dir); err != nil {
		t.Error(err)
	}
	state := run.cmd.ProcessState
	return (state.UserTime() + state.SystemTime()).Seconds()
}

// memory returns a line of the program's /proc/PID/status.
func (run *costRun) memory(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", run.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("%s is not in %s", name, text)
	return ""
}

// What logreel costs beside rotatelogs. These are figures to look at; timings
// decide nothing.
func TestCost(t *testing.T) {
	if os.Getenv("LOGREEL_COST") == "" {
		t.Skip("set LOGREEL_COST=1 to measure; takes a minute and most of two processors")
	}
	if _, err := exec.LookPath("rotatelogs"); err != nil {
		t.Skipf("%v; install apache2-utils (Debian)", err)
	}
	needProc(t)
	programs := [2][]string{{logreel, "%Y%m%d.log"}, {"rotatelogs", "%Y%m%d.log", "86400"}}
	loads := []struct {
		about string
		feed  func(*costRun) int64
	}{
		{"1,000 lines/s", func(run *costRun) int64 { return run.pace(t, 1_000) }},
		{"20,000 lines/s", func(run *costRun) int64 { return run.pace(t, 20_000) }},
		{"100,000 lines/s", func(run *costRun) int64 { return run.pace(t, 100_000) }},
		{"1 GB at once", func(run *costRun) int64 { return run.flood(t) }},
	}
	var text bytes.Buffer
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "load\tlogreel\trotatelogs\tratio\tlogreel, took\trotatelogs, took\t")
	for _, load := range loads {
		var cpu, took [2][]float64
		for range costRounds {
			for i, program := range programs {
				run := startCost(t, program[0], program[1:]...)
				begin := time.Now()
				sent := load.feed(run)
				cpu[i] = append(cpu[i], run.end(t, sent))
				took[i] = append(took[i], time.Since(begin).Seconds())
			}
		}
		a, b := median(cpu[0]), median(cpu[1])
		fmt.Fprintf(table, "%s\t%.3f s\t%.3f s\t%.2f\t%.2f s\t%.2f s\t\n", load.about, a, b, a/b, median(took[0]), median(took[1]))
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("CPU seconds, medians of %d runs; lines of %d bytes:\n%s", costRounds, costLine, &text)

	for _, program := range programs {
		logMemory(t, startCost(t, program[0], program[1:]...))
	}
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

// logMemory prints what a program takes before and after a bulk.
func logMemory(t *testing.T, run *costRun) {
	t.Helper()
	first := []byte(strings.Repeat("x", costLine-1) + "\n")
	run.send(t, first)
	sent := int64(costLine)
	arrived := func() bool { return run.size(t) == sent }
	// rotatelogs writes at once too.
	eventually(t, "the first line", arrived)
	idle := run.memory(t, "VmRSS")
	sent += run.flood(t)
	eventually(t, "the last line", arrived)
	t.Logf("%s: VmRSS %s after a line, %s after 1 GB, VmHWM %s",
		filepath.Base(run.cmd.Path), idle, run.memory(t, "VmRSS"), run.memory(t, "VmHWM"))
	run.end(t, sent)
}
