//go:build linux

package tests

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// writerLengths calls f with the lengths of the lines of writers.py.
func writerLengths(lines int, f func(sequence, length int)) {
	state := uint64(1)
	for sequence := range lines {
		state = state*6364136223846793005 + 1442695040888963407
		f(sequence, 1+int(state>>40%(writerLongest>>(state>>33%18))))
	}
}

// checkPlain fails the test unless a writer's lines are there, whole and in order.
func checkPlain(t *testing.T, writer byte, got []string, lines int) {
	t.Helper()
	if len(got) != lines {
		t.Errorf("writer %c: %d lines, want %d", writer, len(got), lines)
	}
	wrong := 0
	writerLengths(min(lines, len(got)), func(sequence, length int) {
		name := fmt.Sprintf("%c.%d~", writer, sequence)
		if want := strings.Repeat(name, length/len(name)+1)[:length]; got[sequence] == want || wrong > 2 {
			return
		}
		wrong++
		t.Errorf("writer %c, line %d: got %d bytes, want %d: %.100q", writer, sequence, len(got[sequence]), length, got[sequence])
	})
}

// Plain processes write lines of 1 byte to 300 KB across the switches, all at once.
// It is serial for the same reason as TestWritersServers.
func TestWritersOfLongLines(t *testing.T) {
	needs(t, map[string]string{python: "python3"})
	tests := []struct {
		about        string
		flags        []string
		piece, lines int
	}{
		{"a write for each line", nil, 0, 400},
		{"many writes for each line", nil, 3001, 200},
		{"a write for each line, longer than --max-line", []string{"--max-line=1K"}, 0, 400},
		{"many writes for each line, longer than --max-line", []string{"--max-line=1K"}, 3001, 200},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			lines := test.lines
			if testing.Short() {
				lines /= 4
			}
			script := fmt.Sprintf(`for writer in a b c d e f g h; do %s %s/writers.py $writer %d %d %d & done; wait`,
				python, pythonPath(t), writerBursts, lines, test.piece)
			p := startPlain(t, append(test.flags, everySecond, "--", "sh", "-c", script)...)
			p.wait(0)
			got := map[byte][]string{}
			for line := range strings.Lines(p.content("*.log")) {
				got[line[0]] = append(got[line[0]], strings.TrimSuffix(line, "\n"))
			}
			for writer := byte('a'); writer <= 'h'; writer++ {
				checkPlain(t, writer, got[writer], lines*writerBursts)
				delete(got, writer)
			}
			for first, lines := range got {
				t.Errorf("%d lines begin with %q: %.100q", len(lines), first, lines[0])
			}
			if files := p.names("."); len(files) < writerBursts {
				t.Errorf("%d files, want a switch in each burst", len(files))
			}
		})
	}
}

// startDaemon runs a command that ends, with exit status 3, and leaves a daemon that
// writes what the test writes into the FIFO.
func startDaemon(t *testing.T, flags ...string) (p *process, daemon *os.File) {
	t.Helper()
	d := newFolder(t)
	must(t, unix.Mkfifo(d.at("fifo"), 0o600))
	// For reading as well, so that it opens before the daemon does.
	daemon, err := os.OpenFile(d.at("fifo"), os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() {
		_ = daemon.Close() // if the test has not
	})
	p = d.start(append(flags, "--linger=0", "app.log", "--every=never", "--", "sh", "-c", "setsid cat fifo & read _; exit 3")...)
	_, err = fmt.Fprintln(daemon, "early")
	must(t, err)
	p.copies("early") // it writes
	p.send("end")
	p.says("the command has ended")
	return p, daemon
}

// A daemon that COMMAND leaves behind is read until it closes its output.
func TestWritersDaemon(t *testing.T) {
	t.Parallel()
	p, daemon := startDaemon(t)
	for _, line := range []string{"late", "later"} {
		_, err := fmt.Fprintln(daemon, line)
		must(t, err)
		p.copies(line)
	}
	must(t, daemon.Close())
	p.wait(3)
	p.expect("app.log", "early\nlate\nlater\n")
}

// With --grace it is read for no longer than that; what it has written until then is
// there, and the line that it has begun.
func TestWritersDaemonGrace(t *testing.T) {
	t.Parallel()
	const grace = 3 * time.Second
	p, daemon := startDaemon(t, "--grace="+grace.String())
	begin := time.Now()
	_, err := fmt.Fprint(daemon, "late\nhalf")
	must(t, err)
	p.copies("late")
	p.wait(3)
	// It has begun before we know of it.
	if took := time.Since(begin); took < grace/2 || took > grace+lastSecond {
		t.Errorf("ended %v after the command, want %v", took, grace)
	}
	p.expect("app.log", "early\nlate\nhalf\n")
}

// A writersLoad is what so many processes write together.
type writersLoad struct {
	writers, lines, width int
	// rate is how many lines they write in a second; 0 for as many as they can.
	rate int
}

// TestWritersProducer is no test: it is the program that the cost is measured with. What
// the testing package prints goes to standard output.
func TestWritersProducer(t *testing.T) {
	var lines, width, rate int
	if n, _ := fmt.Sscan(os.Getenv("LOGREEL_TEST_PRODUCER"), &lines, &width, &rate); n != 3 {
		t.Skip("is run by TestWritersCost")
	}
	line := []byte(strings.Repeat("x", width-1) + "\n")
	begin := time.Now()
	for i := range lines {
		if rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		for rest := line; len(rest) > 0; {
			// The runtime's own signals interrupt a long one.
			n, err := unix.Write(2, rest)
			if err != nil && err != unix.EINTR {
				t.Fatal(err)
			}
			rest = rest[max(n, 0):]
		}
	}
}

// startWriters starts a logreel that waits for a line before the load begins, and for
// another before it ends. It returns how many bytes it is to write.
func startWriters(t *testing.T, load writersLoad, flag string) (run *costRun, sent int64) {
	t.Helper()
	t.Setenv("LOGREEL", logreel) // the producers need not build it
	t.Setenv("LOGREEL_TEST_PRODUCER", fmt.Sprint(load.lines/load.writers, load.width, load.rate/load.writers))
	script := fmt.Sprintf(`read _; for _ in $(seq %d); do %s -test.run='^TestWritersProducer$' >/dev/null & done; wait; read _`, load.writers, self())
	run = startCost(t, logreel, flag, "%Y%m%d.log", "--", "sh", "-c", script)
	eventually(t, "the command", func() bool { return len(children(t, run.cmd.Process.Pid)) == 1 })
	return run, int64(load.lines / load.writers * load.writers * load.width)
}

// runWritersCost has a logreel read the load, and returns the processor time that it
// took, less what it takes to start, and the most memory that it had.
func runWritersCost(t *testing.T, load writersLoad, flag string) (cpu time.Duration, kB int) {
	t.Helper()
	run, sent := startWriters(t, load, flag)
	pid := run.cmd.Process.Pid
	begin := cpuTime(t, pid)
	run.send(t, []byte("go\n"))
	eventually(t, "the last line", func() bool { return run.size(t) >= sent })
	cpu, kB = cpuTime(t, pid)-begin, memory(pid, "VmHWM")
	run.send(t, []byte("end\n"))
	run.end(t, sent)
	return cpu, kB
}

// What it costs to tell the writers apart. Figures to look at, as in TestCost.
func TestWritersCost(t *testing.T) {
	if os.Getenv("LOGREEL_COST") == "" {
		t.Skip("set LOGREEL_COST=1 to measure; takes a minute and most of two processors")
	}
	paced := writersLoad{writers: serverWorkers, lines: 60_000, width: costLine, rate: 20_000}
	stdios := []string{"--stdio=socket", "--stdio=pipe"}
	var cpu [2][]float64
	for range 5 {
		for i, stdio := range stdios {
			took, _ := runWritersCost(t, paced, stdio)
			cpu[i] = append(cpu[i], took.Seconds())
		}
	}
	socket, pipe := median(cpu[0]), median(cpu[1])
	t.Logf("%d processes, 20,000 lines/s for 3 s: socket %.3f s, pipe %.3f s, ratio %.2f; all %.3f", paced.writers, socket, pipe, socket/pipe, cpu)
	for _, load := range []writersLoad{
		{64, 64_000, costLine, 20_000},
		{64, 64_000, costLine, 0},
		{64, 64_000, 5_000, 0},
		{64, 6_400, 100_000, 0},
	} {
		for _, stdio := range stdios {
			took, kB := runWritersCost(t, load, stdio)
			t.Logf("%d writers, %d lines of %d bytes, %d/s, %s: VmHWM %d kB, CPU %v", load.writers, load.lines, load.width, load.rate, stdio, kB, took)
		}
	}
}

// Unfinished lines take no more memory than the bounds of the manual say, and it is
// given back when they have ended.
func TestWritersMemory(t *testing.T) {
	const mostPeak, mostAfter = 80_000, 25_000 // kB; about 45 MB and 10 MB
	for _, load := range []writersLoad{
		{writers: 2, lines: 2, width: 25 << 20},
		{writers: 100, lines: 100, width: 5 << 18},
	} {
		t.Run(fmt.Sprint(load.writers), func(t *testing.T) {
			run, sent := startWriters(t, load, "--stdio=socket")
			run.send(t, []byte("go\n"))
			// It may be more: a line that is ended before its end has one more newline.
			eventually(t, "the last line", func() bool { return run.size(t) >= sent })
			pid := run.cmd.Process.Pid
			if peak := memory(pid, "VmHWM"); peak > mostPeak {
				t.Errorf("it had %d kB in memory, more than %d", peak, mostPeak)
			}
			eventually(t, fmt.Sprintf("it to have at most %d kB in memory", mostAfter), func() bool { return memory(pid, "VmRSS") <= mostAfter })
			run.send(t, []byte("end\n"))
			if err := errors.Join(run.write.Close(), run.cmd.Wait()); err != nil {
				t.Errorf("%v; it said: %s", err, &run.said)
			}
			if got := run.size(t); got < sent {
				t.Errorf("its file holds %d bytes, %d were sent", got, sent)
			}
		})
	}
}

// A line is whole, too, when its writer has ended before the first of it is read.
func TestWritersGone(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	// More than one read takes, and less than any socket holds.
	line := strings.Repeat("x", writerLongest) + "\n"
	d.put("line", line)
	must(t, unix.Mkfifo(d.at("fifo"), 0o600))
	script := `read _; dd if=line bs=1M status=none; echo written >fifo; read _`
	p := d.startPlain("app.log", "--every=never", "--", "sh", "-c", script+"; exit 0")
	eventually(t, "the command", func() bool { return len(children(t, p.pid())) == 1 })
	p.signal(syscall.SIGSTOP)
	p.send("write")
	p.read("fifo")
	p.signal(syscall.SIGCONT)
	p.end()
	p.expect("app.log", line)
}
