package tests

import (
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
	p := newBlocked(t).start("--every=never", "logs/app.log")
	p.send("one")
	p.says("warning: open logs/app.log: not a directory; lines wait in memory, trying again every second")
	p.send("two")
	p.remove("logs")
	p.says("over after")
	p.copies("two")
	p.end()
	p.expect("logs/app.log", "one\ntwo\n")
}

// A process that may open nothing more waits with its lines until it may. The Go
// runtime ends where it wants to open its poller and cannot, so it must not want to.
func TestFaultDescriptors(t *testing.T) {
	t.Parallel()
	need(t, "prlimit")
	p := startShell(t, `ulimit -n 20; exec logreel --tee --verbose %H%M%S.log`)
	p.write("first")
	p.says("finished")
	p.limit("--nofile=5:20")
	p.send("one")
	p.says("too many open files; lines wait in memory")
	p.send("two")
	p.report()
	p.says("no live file; 6 bytes written and 0 switches")
	p.terminate()
	p.limit("--nofile=20:20")
	p.says("over after")
	p.copies("two")
	p.end()
	p.expect("*.log", "first\none\ntwo\n")
}

// limit sets a limit of the process as prlimit writes it.
func (p *process) limit(resource string) {
	p.t.Helper()
	run(p.t, "prlimit", "--pid", strconv.Itoa(p.pid()), resource)
}

// With eight descriptors the next file can be opened before the last is let go.
func TestFaultFewDescriptors(t *testing.T) {
	t.Parallel()
	p := startShell(t, `ulimit -n 8; exec logreel --tee --verbose --size=4 --link=live app.log`)
	p.write("one", "two")
	p.expect("live", "two\n")
	// While the first file is synced there is none left for another.
	want := "one\ntwo\n"
	eventually(t, "the switch after that", func() bool {
		p.write("six")
		want += "six\n"
		return p.content("live") == "six\n"
	})
	p.end()
	p.expect("app.log*", want)
}

// The Go runtime opens two descriptors when its collector first gives memory back,
// and ends where there are none. GOGC and a long line make it come to that in a
// second, not in days.
func TestFaultFewDescriptorsForLong(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"8", "12", "20"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			p := startShell(t, `ulimit -n `+limit+`; GOGC=1 exec logreel --verbose --every=never --max-line=16M app.log`)
			want := strings.Repeat("x", 8<<20) + "\n"
			p.send(want[:len(want)-1])
			p.says("writing")
			for i := range 100 {
				p.signal(syscall.SIGHUP)
				p.send(strconv.Itoa(i))
				p.says("writing")
				want += strconv.Itoa(i) + "\n"
			}
			p.end()
			p.expect("app.log", want)
		})
	}
}

// A line that was cut off when it gave up is not glued to the next run's first.
func TestFaultTornLine(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	d.put("full", strings.Repeat("12345678901\n", 200))
	cut := d.startProgram("sh", "-c", "ulimit -f 1; exec logreel --every=never app.log <full") // 512 bytes
	if said := cut.wait(1); !strings.Contains(said, "lines lost") {
		t.Fatalf("it said: %s", said)
	}
	p := d.start("--every=never", "app.log")
	p.write("next")
	p.end()
	got := strings.Split(strings.TrimSuffix(p.read("app.log"), "\n"), "\n")
	if last := got[len(got)-1]; last != "next" || len(got) < 20 {
		t.Errorf("got %d lines, the last one %q", len(got), last)
	}
}

// When the fault is still there at the end of input, it gives up and says how much
// is lost.
func TestFaultAtTheEnd(t *testing.T) {
	t.Parallel()
	p := newBlocked(t).start("--every=never", "logs/app.log")
	p.send("one")
	p.send("two")
	p.closeInput()
	p.says("error: 2 lines lost")
	p.wait(1)
}

// sendMany sends so many lines of 60 bytes, and returns them.
func (p *process) sendMany(lines int) string {
	p.t.Helper()
	var all strings.Builder
	for i := range lines {
		line := strconv.Itoa(i) + strings.Repeat(" tee", 14)
		all.WriteString(line + "\n")
		p.send(line)
	}
	return all.String()
}

// A reader of the copies that reads nothing holds up the log for a while, in which
// the application goes on, and then has no more of them.
func TestFaultStuckTee(t *testing.T) {
	t.Parallel()
	stdout := newStream(t, "pipe")
	stdout.fill()
	p := startTee(t, stdout.write)
	want := p.sendMany(50_000) // 3 MB, more than the pipe holds
	p.says("--tee: standard output has taken nothing for 5s; going on without it")
	p.end()
	p.expect("app.log", want)
}

// A reader of the copies that is slower than the log delays the end, and costs no line.
func TestFaultSlowTee(t *testing.T) {
	t.Parallel()
	stdout := newStream(t, "pipe")
	p := startTee(t, stdout.write)
	want := p.sendMany(20_000) // several batches
	p.closeInput()
	must(t, stdout.write.Close())
	// Longer than it tries to write after the end of input.
	buf, copied := make([]byte, 4096), 0
	for begun := time.Now(); ; {
		n, err := stdout.read.Read(buf)
		if copied += n; err != nil {
			break
		}
		if time.Since(begun) < 12*time.Second {
			time.Sleep(400 * time.Millisecond) // the slowness
		}
	}
	p.wait(0)
	p.expect("app.log", want)
	if copied != len(want) {
		t.Errorf("%d bytes were copied, want %d", copied, len(want))
	}
}
