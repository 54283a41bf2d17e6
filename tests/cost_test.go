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
	*folder
	cmd   *exec.Cmd
	write *os.File // the pipe's end
	said  bytes.Buffer
}

// startCost starts a program that writes into a directory in memory, with a pipe as
// its standard input.
func startCost(t *testing.T, program string, arg ...string) *costRun {
	t.Helper()
	d := roomyFolder(t, costBulk)
	// No poller of package os on its pipe: the program would find one that does not block.
	pipe := newStream(t, "pipe")
	run := &costRun{folder: d, cmd: exec.CommandContext(t.Context(), program, arg...), write: pipe.write}
	run.cmd.Dir, run.cmd.Env = d.dir, testEnv("")
	run.cmd.Stdin, run.cmd.Stderr = pipe.read, &run.said
	must(t, run.cmd.Start(), pipe.read.Close())
	return run
}

func (run *costRun) send(t *testing.T, text []byte) {
	for len(text) > 0 {
		n, err := unix.Write(int(run.write.Fd()), text)
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
	for _, name := range run.names(".") {
		info, err := os.Stat(run.at(name))
		must(t, err)
		size += info.Size()
	}
	return size
}

// end closes the pipe and returns the CPU seconds that the program took in all.
func (run *costRun) end(t *testing.T, sent int64) float64 {
	t.Helper()
	must(t, run.write.Close())
	if err := run.cmd.Wait(); err != nil {
		t.Errorf("%s: %v; it said: %s", run.cmd.Path, err, &run.said)
	}
	if got := run.size(t); got != sent {
		t.Errorf("%s: its files hold %d bytes, %d were sent", run.cmd.Path, got, sent)
	}
	must(t, os.RemoveAll(run.dir)) // for the room
	state := run.cmd.ProcessState
	return (state.UserTime() + state.SystemTime()).Seconds()
}

// What logreel costs beside rotatelogs. These are figures to look at; timings
// decide nothing.
func TestCost(t *testing.T) {
	if os.Getenv("LOGREEL_COST") == "" {
		t.Skip("set LOGREEL_COST=1 to measure; takes a minute and most of two processors")
	}
	needs(t, map[string]string{"rotatelogs": "apache2-utils"})
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
	table := newTable("load", "logreel", "rotatelogs", "ratio", "logreel, took", "rotatelogs, took")
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
		in := func(unit string, decimals int, value float64) string {
			return fmt.Sprintf("%.*f%s", decimals, value, unit)
		}
		table.add(load.about, in(" s", 3, a), in(" s", 3, b), in("", 2, a/b), in(" s", 2, median(took[0])), in(" s", 2, median(took[1])))
	}
	table.log(t, fmt.Sprintf("CPU seconds, medians of %d runs; lines of %d bytes", costRounds, costLine))

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
	pid := run.cmd.Process.Pid
	idle := memory(pid, "VmRSS")
	sent += run.flood(t)
	eventually(t, "the last line", arrived)
	t.Logf("%s: VmRSS %d kB after a line, %d kB after 1 GB, VmHWM %d kB",
		filepath.Base(run.cmd.Path), idle, memory(pid, "VmRSS"), memory(pid, "VmHWM"))
	run.end(t, sent)
}
