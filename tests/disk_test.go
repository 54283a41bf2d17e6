//go:build linux

package tests

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests put real faults under a running logreel: file systems that are full,
// frozen, read-only or gone. Most need root, for mounts and for what root may not do
// either. What someone does to the live file is in live_file_test.go.

// A full disk delays lines and does not hold the writer up. The write that filled it
// was a short one and is finished where it stopped.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	p := newSmallDisk(t, "512k").startPaced("--every=never", "logs/app.log")
	p.pace(3 * time.Second)
	p.hear("warning: write logs/app.log: no space left on device; lines wait in memory, trying again every second")
	p.awaitTaken()
	before := p.read("logs/app.log")
	if strings.HasSuffix(before, "\n") {
		t.Errorf("the disk is full after %d bytes, which is no short write", len(before))
	}
	p.resize("logs", "64m")
	// On a busy machine some were held before the disk was full.
	p.expectHeldWithin("no space left on device", p.sent-strings.Count(before, "\n"), p.sent)
	p.pace(200 * time.Millisecond)
	p.finishWhole("logs/app.log")
	p.expectOneFault("no space left")
	p.expectNeverHeldUp()
}

// When the buffer is full too, the application waits, and no line is lost.
func TestDiskFullWait(t *testing.T) {
	t.Parallel()
	for buffer, says := range map[string]string{
		"64K": "is full; the application waits",
		"0":   "no space left on device",
	} {
		t.Run(buffer, func(t *testing.T) {
			t.Parallel()
			p := newSmallDisk(t, "256k").startPaced("--every=never", "--buffer="+buffer, "logs/app.log")
			// Much more than disk, buffer and pipe can take together.
			pushed := make(chan error, 1)
			go func() { pushed <- p.tryPush(4000) }()
			p.hear(says)
			// The pipe may be full, and one read more than the buffer.
			if got := p.waiting(); got > 64<<10+1<<20+512<<10 {
				t.Errorf("%d bytes wait", got)
			}
			select {
			case err := <-pushed:
				t.Fatalf("the writer was not held up (%v)", err)
			default:
			}
			p.resize("logs", "64m")
			must(t, <-pushed)
			p.finishWhole("logs/app.log")
		})
	}
}

// With --on-full=drop the application never waits. Whole lines are dropped, and the log
// says how many, where they are missing.
func TestDiskFullDrop(t *testing.T) {
	t.Parallel()
	p := newSmallDisk(t, "256k").startPaced("--every=never", "--buffer=64K", "--on-full=drop", "logs/app.log")
	p.pace(2 * time.Second)
	p.hear("is full; lines are dropped")
	p.awaitTaken()
	p.resize("logs", "64m")
	p.hearOver("no space left on device")
	p.push(10)
	p.finish(0)
	got := p.read("logs/app.log")
	if dropped := p.account(got); dropped < 3000 {
		t.Errorf("%d lines dropped of %d, and there was room for about 320", dropped, p.sent)
	}
	if !strings.HasSuffix(got, pacedLine(p.sent-1)) {
		t.Error("the last line is not the last")
	}
	p.expectNeverHeldUp()
}

// A disk that stays full after the end of input: what is lost is counted.
func TestDiskFullAtTheEnd(t *testing.T) {
	t.Parallel()
	p := newSmallDisk(t, "256k").startPaced("--every=never", "logs/app.log")
	p.pace(time.Second)
	p.finish(1)
	if whole := strings.Count(p.read("logs/app.log"), "\n"); whole+p.lost() != p.sent {
		t.Errorf("%d lines on disk and %d lost, but %d sent", whole, p.lost(), p.sent)
	}
}

// A file that even root may not write.
func TestDiskImmutableFile(t *testing.T) {
	t.Parallel()
	p := newLogs(t).startPaced("--every=never", "logs/app.log")
	p.pushInto("logs/app.log", 3)
	allow := p.forbid("logs/app.log")
	p.push(40)
	p.hear("warning: write logs/app.log: operation not permitted; lines wait in memory, trying again every second")
	p.push(2)
	p.awaitTaken()
	allow()
	p.expectHeld("operation not permitted", 42)
	p.push(1)
	p.finishWhole("logs/app.log")
	p.expectOneFault("not permitted")
}

// A directory that even root may not make files in: lines go on into the file that is
// open, and into the next one as soon as that can be.
func TestDiskImmutableDirectory(t *testing.T) {
	t.Parallel()
	p := newLogs(t).startPaced("--size="+strconv.Itoa(10*pacedWidth), "logs/app.log")
	p.pushInto("logs/app.log", 10)
	allow := p.forbid("logs")
	p.push(5)
	p.hear("warning: open logs/app.log.1: operation not permitted; keeping logs/app.log, trying again every second")
	p.awaitLines("logs/app.log", 15)
	allow()
	p.pushUntil("logs/app.log.1")
	p.finishWhole("logs/app.log*")
	p.expectOneFault("keeping")
}

// The same across boundaries of time, while lines flow: none waits.
func TestDiskImmutableAtBoundary(t *testing.T) {
	t.Parallel()
	needRoot(t, "chattr") // before lines flow
	p := newLogs(t).startPaced("logs/" + everySecond)
	p.pushInto("logs/*.log", 1)
	var allow func()
	for {
		// They flow already when it is forbidden.
		first := len(p.content("logs/*.log"))
		paced := make(chan struct{})
		go func() {
			defer close(paced)
			p.pace(3 * time.Second)
		}()
		eventually(t, "the first lines", func() bool { return len(p.content("logs/*.log")) > first })
		allow = p.forbid("logs")
		<-paced
		if strings.Contains(p.hear("trying again every second"), "keeping") {
			break
		}
		// No line came around the boundary, for the machine was busy, so the file was closed.
		allow()
		p.hearOver("operation not permitted")
		p.heard = nil
	}
	p.awaitLines("logs/*.log", p.sent)
	allow()
	p.pace(1500 * time.Millisecond)
	p.hearOver("operation not permitted")
	p.finishWhole("logs/*.log")
	p.expectOneFault("operation not permitted; keeping logs/")
	p.expectNeverHeldUp()
}

// A directory that cannot be written from the first line on.
func TestDiskImmutableFromTheStart(t *testing.T) {
	t.Parallel()
	d := newLogs(t)
	allow := d.forbid("logs")
	p := d.startPaced("--every=never", "logs/app.log")
	p.pace(1500 * time.Millisecond)
	p.hear("warning: open logs/app.log: operation not permitted; lines wait in memory, trying again every second")
	p.awaitTaken()
	allow()
	p.expectHeld("operation not permitted", p.sent)
	p.finishWhole("logs/app.log")
	p.expectOneFault("not permitted")
	p.expectNeverHeldUp()
}

// A file system that becomes read-only. The kernel refuses that while a file is open
// for writing, so it is done when a period is over and the file of the next one is not
// there yet.
func TestDiskReadOnly(t *testing.T) {
	t.Parallel()
	p := newSmallDisk(t, "64m").startPaced("--verbose", "logs/"+everySecond)
	p.push(1)
	p.hear("finished logs/")
	p.makeReadOnly("logs")
	p.push(10)
	p.hear("read-only file system; lines wait in memory, trying again every second")
	p.push(10)
	p.awaitTaken()
	p.makeWritable("logs")
	p.expectHeld("read-only file system", 20)
	p.finishWhole("logs/*.log")
}

// Another file system, a read-only one, comes to lie over the live file. The file is
// there still, so lines go on into it.
func TestDiskCovered(t *testing.T) {
	t.Parallel()
	p := newLogs(t).startPaced("--every=never", "logs/app.log")
	p.pushInto("logs/app.log", 1)
	covered := p.keepOpen("logs/app.log")
	p.mountMemory("logs", "1m")
	p.makeReadOnly("logs")
	time.Sleep(unseen)
	p.push(10)
	p.hear("read-only file system")
	eventually(t, "lines in the file that is covered", func() bool { return len(covered()) == 11*pacedWidth })
	p.makeWritable("logs")
	p.pushUntil("logs/app.log")
	p.finish(0)
	p.expectNothingLost(covered() + p.read("logs/app.log"))
}

// A directory has the name of the file.
func TestDiskDirectoryInTheWay(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	d.makeDir("app.log")
	p := d.startPaced("--every=never", "app.log")
	p.push(7)
	p.hear("warning: open app.log: is a directory; lines wait in memory, trying again every second")
	p.awaitTaken()
	p.remove("app.log")
	p.expectHeld("is a directory", 7)
	p.finishWhole("app.log")
	p.expectOneFault("is a directory")
}

// A name that no file system takes: it can never be mended, so it is the end that
// counts.
func TestDiskLongName(t *testing.T) {
	t.Parallel()
	p := startPaced(t, strings.Repeat("long", 63)+"%Y/app.log") // 256 bytes
	p.push(20)
	p.hear("file name too long; lines wait in memory, trying again every second")
	p.finish(1)
	if p.lost() != 20 {
		t.Errorf("%d lines lost, want 20", p.lost())
	}
}

// A file system that does not answer does not hold the writer up either, and every line
// is in the file of its time.
func TestDiskFrozen(t *testing.T) {
	t.Parallel()
	p := newDisk(t).startPaced("logs/" + everySecond)
	p.pace(time.Second)
	p.freeze("logs")
	p.pace(3 * time.Second)
	p.hear("warning: the disk does not answer")
	p.thaw("logs")
	p.pace(time.Second)
	p.expectHeldWithin("the disk does not answer", pacedRate, p.sent)
	p.finishWhole("logs/*.log")
	p.expectOneFault("warning: the disk does not answer")
	p.expectNeverHeldUp()
	if files := p.glob("logs/*.log"); len(files) < 5 {
		t.Errorf("lines of at least 5 seconds are in %d files", len(files))
	}
}

// The input ends, and signals come, while the disk does not answer.
func TestDiskFrozenAtTheEnd(t *testing.T) {
	t.Parallel()
	p := newDisk(t).startPaced("--every=never", "logs/app.log")
	p.pushInto("logs/app.log", 1)
	p.freeze("logs")
	p.push(100)
	p.hear("warning: the disk does not answer (live file logs/app.log)")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGALRM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		p.signal(s)
		p.awaitWaiting(100)
	}
	p.push(5)
	p.closeInput()
	time.Sleep(2500 * time.Millisecond) // it has ten seconds
	p.thaw("logs")
	p.finishWhole("logs/app.log")
}

// What lines wait for may be answered with what a frozen disk drops them for.
func TestDiskFrozenDrop(t *testing.T) {
	t.Parallel()
	p := newDisk(t).startPaced("--every=never", "--buffer=1M", "--on-full=drop", "logs/app.log")
	p.pushInto("logs/app.log", 1)
	p.freeze("logs")
	p.pace(2 * time.Second)
	p.hear("is full; lines are dropped")
	p.awaitTaken()
	p.thaw("logs")
	p.push(10)
	p.finish(0)
	if dropped := p.account(p.read("logs/app.log")); dropped < 1000 {
		t.Errorf("%d lines dropped of %d, and there was room for about 1000", dropped, p.sent)
	}
	p.expectNeverHeldUp()
}

// No signal ends it during a fault, be it for the process alone or for its group, and
// SIGUSR1 is answered all the time.
func TestDiskSignals(t *testing.T) {
	t.Parallel()
	p := newBlocked(t).startGroup("--every=never", "logs/app.log").paced()
	p.push(5)
	p.hear("lines wait in memory")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGALRM, syscall.SIGINT, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ, syscall.SIGTERM} {
		if s != syscall.SIGTERM { // a second one would end it
			p.signal(s)
		}
		sendSignal(t, -p.pid(), s)
		p.waiting() // which is answered after it
		p.push(1)
		p.awaitWaiting(p.sent)
	}
	p.remove("logs")
	p.expectHeld("not a directory", p.sent)
	p.finishWhole("logs/app.log")
}

// A second SIGTERM sets the end of input during a fault too. What was written before it
// is not lost when the fault is over in time.
func TestDiskSignalTwice(t *testing.T) {
	t.Parallel()
	p := newBlocked(t).startPaced("--every=never", "logs/app.log")
	p.push(5)
	p.hear("lines wait in memory")
	p.terminate()
	p.waiting() // so that the two are two
	p.push(5)
	p.terminate()
	p.waiting()
	p.remove("logs")
	p.wait(0) // while the input is open
	p.expectNothingLost(p.read("logs/app.log"))
}
