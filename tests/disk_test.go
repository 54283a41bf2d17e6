//go:build linux

package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests put real faults under a running logreel: file systems that are full,
// frozen, read-only or gone. Most need root, for mounts and for what root may not do
// either. What someone does to the live file is in live_file_test.go.

// A full disk delays lines and does not hold the writer up. The write that filled it
// was a short one and is finished where it stopped.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountMemory(t, logs, "512k")
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.pace(3 * time.Second)
	f.hear("warning: write logs/app.log: no space left on device; lines wait in memory, trying again every second")
	f.taken()
	before := readFile(t, filepath.Join(logs, "app.log"))
	if strings.HasSuffix(before, "\n") {
		t.Errorf("the disk is full after %d bytes, which is no short write", len(before))
	}
	remount(t, logs, 0, "size=64m")
	// On a busy machine some were held before the disk was full.
	if got, want := f.hearHeld("no space left on device"), f.sent-strings.Count(before, "\n"); got < want || got > f.sent {
		t.Errorf("%d lines were held, want %d at least, and %d at most", got, want, f.sent)
	}
	f.pace(200 * time.Millisecond)
	f.finish(0)
	f.check(content(t, dir, "logs/app.log"))
	f.checkFault("no space left")
	f.checkFree()
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
			dir := t.TempDir()
			logs := filepath.Join(dir, "logs")
			mountMemory(t, logs, "256k")
			f := startPaced(t, dir, "--every=never", "--buffer="+buffer, "logs/app.log")
			// Much more than disk, buffer and pipe can take together.
			flowed := make(chan error, 1)
			go func() { flowed <- f.write(4000) }()
			f.hear(says)
			// The pipe may be full, and one read more than the buffer.
			if got := f.waiting(); got > 64<<10+1<<20+512<<10 {
				t.Errorf("%d bytes wait", got)
			}
			select {
			case err := <-flowed:
				t.Fatalf("the writer was not held up (%v)", err)
			default:
			}
			remount(t, logs, 0, "size=64m")
			if err := <-flowed; err != nil {
				t.Fatal(err)
			}
			f.finish(0)
			f.check(content(t, dir, "logs/app.log"))
		})
	}
}

// With --on-full=drop the application never waits. Whole lines are dropped, and the log
// says how many, where they are missing.
func TestDiskFullDrop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountMemory(t, logs, "256k")
	f := startPaced(t, dir, "--every=never", "--buffer=64K", "--on-full=drop", "logs/app.log")
	f.pace(2 * time.Second)
	f.hear("is full; lines are dropped")
	f.taken()
	remount(t, logs, 0, "size=64m")
	f.hearOver("no space left on device")
	f.push(10)
	f.finish(0)
	got := content(t, dir, "logs/app.log")
	if dropped := f.account(got); dropped < 3000 {
		t.Errorf("%d lines dropped of %d, and there was room for about 320", dropped, f.sent)
	}
	if !strings.HasSuffix(got, pacedLine(f.sent-1)) {
		t.Error("the last line is not the last")
	}
	f.checkFree()
}

// A disk that stays full after the end of input: what is lost is counted.
func TestDiskFullAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountMemory(t, logs, "256k")
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.pace(time.Second)
	f.finish(1)
	whole := strings.Count(content(t, dir, "logs/app.log"), "\n")
	if lost := number(t, lostLines, f.heard[len(f.heard)-1]); whole+lost != f.sent {
		t.Errorf("%d lines on disk and %d lost, but %d sent", whole, lost, f.sent)
	}
}

// A file that even root may not write.
func TestDiskImmutableFile(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	live := filepath.Join(logs, "app.log")
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.push(3)
	f.arrived(live, 3)
	allow := forbid(t, live)
	f.push(40)
	f.hear("warning: write logs/app.log: operation not permitted; lines wait in memory, trying again every second")
	f.push(2)
	f.taken()
	allow()
	if held := f.hearHeld("operation not permitted"); held != 42 {
		t.Errorf("%d lines were held, want 42", held)
	}
	f.push(1)
	f.finish(0)
	f.check(content(t, dir, "logs/app.log"))
	f.checkFault("not permitted")
}

// A directory that even root may not make files in: lines go on into the file that is
// open, and into the next one as soon as that can be.
func TestDiskImmutableDirectory(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	live, next := filepath.Join(logs, "app.log"), filepath.Join(logs, "app.log.1")
	f := startPaced(t, dir, "--size="+strconv.Itoa(10*pacedWidth), "logs/app.log")
	f.push(10)
	f.arrived(live, 10)
	allow := forbid(t, logs)
	f.push(5)
	f.hear("warning: open logs/app.log.1: operation not permitted; keeping logs/app.log, trying again every second")
	f.arrived(live, 15)
	allow()
	eventually(t, next, func() bool {
		f.push(1)
		_, err := os.Stat(next)
		return err == nil
	})
	f.finish(0)
	f.check(content(t, dir, "logs/app.log*"))
	f.checkFault("keeping")
}

// The same across boundaries of time, while lines flow: none waits.
func TestDiskImmutableAtBoundary(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	f := startPaced(t, dir, "logs/"+everySecond)
	f.push(1)
	f.arrivedAll(t, logs)
	// At the beginning of a second: at a boundary without lines the file would be closed.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	f.push(1)
	f.arrivedAll(t, logs)
	allow := forbid(t, logs)
	f.pace(2 * time.Second)
	f.hear("trying again every second")
	f.arrivedAll(t, logs)
	allow()
	f.pace(1500 * time.Millisecond)
	f.hearOver("operation not permitted")
	f.finish(0)
	f.check(content(t, logs, "*.log"))
	f.checkFault("operation not permitted; keeping logs/")
	f.checkFree()
}

// arrivedAll waits until all lines sent are in the files of a directory.
func (f *paced) arrivedAll(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "all lines", func() bool { return len(content(t, dir, "*.log")) == f.sent*pacedWidth })
}

// A directory that cannot be written from the first line on.
func TestDiskImmutableFromTheStart(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	allow := forbid(t, logs)
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.pace(1500 * time.Millisecond)
	f.hear("warning: open logs/app.log: operation not permitted; lines wait in memory, trying again every second")
	f.taken()
	allow()
	if held := f.hearHeld("operation not permitted"); held != f.sent {
		t.Errorf("%d lines were held, want %d", held, f.sent)
	}
	f.finish(0)
	f.check(content(t, dir, "logs/app.log"))
	f.checkFault("not permitted")
	f.checkFree()
}

// A file system that becomes read-only. The kernel refuses that while a file is open
// for writing, so it is done when a period is over and the file of the next one is not
// there yet.
func TestDiskReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountMemory(t, logs, "64m")
	f := startPaced(t, dir, "--verbose", "logs/"+everySecond)
	f.push(1)
	f.hear("finished logs/")
	remount(t, logs, unix.MS_RDONLY, "")
	f.push(10)
	f.hear("read-only file system; lines wait in memory, trying again every second")
	f.push(10)
	f.taken()
	remount(t, logs, 0, "")
	if held := f.hearHeld("read-only file system"); held != 20 {
		t.Errorf("%d lines were held, want 20", held)
	}
	f.finish(0)
	f.check(content(t, logs, "*.log"))
}

// Another file system, a read-only one, comes to lie over the live file. The file is
// there still, so lines go on into it.
func TestDiskCovered(t *testing.T) {
	t.Parallel()
	dir, logs := makeLogs(t)
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	live := filepath.Join(logs, "app.log")
	f.push(1)
	f.arrived(live, 1)
	covered := keepOpen(t, live)
	mountMemory(t, logs, "1m")
	remount(t, logs, unix.MS_RDONLY, "")
	time.Sleep(unseen)
	f.push(10)
	f.hear("read-only file system")
	eventually(t, "lines in the file that is covered", func() bool { return len(covered()) == 11*pacedWidth })
	remount(t, logs, 0, "")
	eventually(t, "a file that is not covered", func() bool {
		f.push(1)
		_, err := os.Stat(live)
		return err == nil
	})
	f.finish(0)
	f.check(covered() + content(t, logs, "app.log"))
}

// A directory has the name of the file.
func TestDiskDirectoryInTheWay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, "app.log")
	if err := os.Mkdir(inTheWay, 0o755); err != nil {
		t.Fatal(err)
	}
	f := startPaced(t, dir, "--every=never", "app.log")
	f.push(7)
	f.hear("warning: open app.log: is a directory; lines wait in memory, trying again every second")
	f.taken()
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if held := f.hearHeld("is a directory"); held != 7 {
		t.Errorf("%d lines were held, want 7", held)
	}
	f.finish(0)
	f.check(content(t, dir, "app.log"))
	f.checkFault("is a directory")
}

// A name that no file system takes: it can never be mended, so it is the end that
// counts.
func TestDiskLongName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := startPaced(t, dir, strings.Repeat("long", 63)+"%Y/app.log") // 256 bytes
	f.push(20)
	f.hear("file name too long; lines wait in memory, trying again every second")
	f.finish(1)
	if lost := number(t, lostLines, f.heard[len(f.heard)-1]); lost != 20 {
		t.Errorf("%d lines lost, want 20", lost)
	}
}

// A file system that does not answer does not hold the writer up either, and every line
// is in the file of its time.
func TestDiskFrozen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountDisk(t, logs)
	f := startPaced(t, dir, "logs/"+everySecond)
	f.pace(time.Second)
	run(t, "fsfreeze", "-f", logs)
	f.pace(3 * time.Second)
	f.hear("warning: the disk does not answer")
	run(t, "fsfreeze", "-u", logs)
	f.pace(time.Second)
	if held := f.hearHeld("the disk does not answer"); held < pacedRate || held > f.sent {
		t.Errorf("%d lines were held in 3s of %d a second", held, pacedRate)
	}
	f.finish(0)
	f.check(content(t, logs, "*.log"))
	f.checkFault("warning: the disk does not answer")
	f.checkFree()
	if files, err := filepath.Glob(filepath.Join(logs, "*.log")); err != nil || len(files) < 5 {
		t.Errorf("lines of at least 5 seconds are in %d files (%v)", len(files), err)
	}
}

// The input ends, and signals come, while the disk does not answer.
func TestDiskFrozenAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountDisk(t, logs)
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.push(1)
	f.arrived(filepath.Join(logs, "app.log"), 1)
	run(t, "fsfreeze", "-f", logs)
	f.push(100)
	f.hear("warning: the disk does not answer (live file logs/app.log)")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGALRM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		f.signal(s)
		f.waits(100 * pacedWidth)
	}
	f.push(5)
	if err := f.input.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond) // it has ten seconds
	run(t, "fsfreeze", "-u", logs)
	f.finish(0)
	f.check(content(t, logs, "app.log"))
}

// What lines wait for may be answered with what a frozen disk drops them for.
func TestDiskFrozenDrop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountDisk(t, logs)
	f := startPaced(t, dir, "--every=never", "--buffer=1M", "--on-full=drop", "logs/app.log")
	f.push(1)
	f.arrived(filepath.Join(logs, "app.log"), 1)
	run(t, "fsfreeze", "-f", logs)
	f.pace(2 * time.Second)
	f.hear("is full; lines are dropped")
	f.taken()
	run(t, "fsfreeze", "-u", logs)
	f.push(10)
	f.finish(0)
	if dropped := f.account(content(t, logs, "app.log")); dropped < 1000 {
		t.Errorf("%d lines dropped of %d, and there was room for about 1000", dropped, f.sent)
	}
	f.checkFree()
}

// No signal ends it during a fault, be it for the process alone or for its group, and
// SIGUSR1 is answered all the time.
func TestDiskSignals(t *testing.T) {
	t.Parallel()
	dir, inTheWay := blockedLogs(t)
	cmd := exec.Command("logreel", "--every=never", "logs/app.log")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	f := pacedInto(launch(t, dir, cmd))
	f.push(5)
	f.hear("lines wait in memory")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGALRM, syscall.SIGINT, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGXFSZ, syscall.SIGTERM} {
		if s != syscall.SIGTERM { // a second one would end it
			f.signal(s)
		}
		if err := syscall.Kill(-cmd.Process.Pid, s); err != nil {
			t.Fatal(err)
		}
		f.waiting() // which is answered after it
		f.push(1)
		f.waits(f.sent * pacedWidth)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if held := f.hearHeld("not a directory"); held != f.sent {
		t.Errorf("%d lines were held, want %d", held, f.sent)
	}
	f.finish(0)
	f.check(content(t, dir, "logs/app.log"))
}

// A second SIGTERM sets the end of input during a fault too. What was written before it
// is not lost when the fault is over in time.
func TestDiskSignalTwice(t *testing.T) {
	t.Parallel()
	dir, inTheWay := blockedLogs(t)
	f := startPaced(t, dir, "--every=never", "logs/app.log")
	f.push(5)
	f.hear("lines wait in memory")
	f.signal(syscall.SIGTERM)
	f.waiting() // so that the two are two
	f.push(5)
	f.signal(syscall.SIGTERM)
	f.waiting()
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	f.wait(0) // while the input is open
	f.check(content(t, dir, "logs/app.log"))
}

// blockedLogs puts a file where the directory of the logs should be.
func blockedLogs(t *testing.T) (dir, inTheWay string) {
	t.Helper()
	dir = t.TempDir()
	inTheWay = filepath.Join(dir, "logs")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, inTheWay
}
