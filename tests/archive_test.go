//go:build linux

package tests

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// These tests look at what becomes of finished files while lines flow. What each flag
// does with files that are there is in script/keep.txtar and script/archive.txtar, what
// becomes of --exec in hook_test.go.

// unpacked calls f with each line of a file, be it compressed or not.
func unpacked(t *testing.T, path string, f func(line string)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := io.Reader(file)
	switch filepath.Ext(path) {
	case ".gz":
		in, err = gzip.NewReader(file) // not the one that logreel compresses with
	case ".zst":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(file); err == nil {
			defer d.Close()
			in = d
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	s := bufio.NewScanner(in)
	for s.Scan() {
		f(s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// counted returns how often each line is in the files and archives of a directory. It
// fails the test for anything else that is there.
func counted(t *testing.T, dir string) map[string]int {
	t.Helper()
	lines := map[string]int{}
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s is left", name)
			continue
		}
		unpacked(t, filepath.Join(dir, name), func(line string) { lines[line]++ })
	}
	return lines
}

// names returns what is in a directory, in order.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// startOnce runs logreel without a line, as at a start, and returns what it says.
func startOnce(t *testing.T, dir string, args ...string) (said string) {
	t.Helper()
	cmd := exec.Command(logreel, args...)
	cmd.Dir, cmd.Env = dir, testEnv("")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %v: %s", cmd, err, out)
	}
	return string(out)
}

// settleAll starts logreel without a line when the period of now is over, so that every
// file is finished, and fails the test if it has anything to say but that it waits.
func settleAll(t *testing.T, dir string, args ...string) {
	t.Helper()
	now := time.Now()
	time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second))) // no event tells of it
	if said := complaints(startOnce(t, dir, args...)); said != "" {
		t.Errorf("the last start said: %s", said)
	}
}

// checkHandedOn compares the names in a list with the files of a directory. The list has
// each name at least once, or exactly.
func checkHandedOn(t *testing.T, list, dir string, exactly bool) {
	t.Helper()
	handed := map[string]int{}
	for name := range strings.Lines(readFile(t, list)) {
		handed[filepath.Base(strings.TrimSpace(name))]++
	}
	for _, name := range names(t, dir) {
		if n := handed[name]; n == 0 || exactly && n != 1 {
			t.Errorf("%s was handed on %d times", name, n)
		}
	}
}

// archivist returns the process that looks after finished files for a logreel; 0 for none.
func archivist(t *testing.T, parent int) int {
	t.Helper()
	for _, pid := range childrenOf(t, parent) {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && bytes.HasPrefix(text, []byte("logreel\x00--archive\x00")) {
			return pid
		}
	}
	return 0
}

// Two logreels with one pattern, as while a server reloads, switch every second, compress,
// delete what is old, and hand on.
func TestArchiveTwoAtOnce(t *testing.T) {
	t.Parallel()
	for format, ending := range map[string]string{"gzip": ".gz", "zstd": ".zst"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir, logs := makeLogs(t)
			for _, name := range []string{"20200101-000000.log", "20200101-000001.log.zst"} {
				if err := os.WriteFile(filepath.Join(logs, name), []byte("old\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"--compress=" + format, "--keep-age=1y", "--keep-count=1000", "--keep-size=1T", "--keep-free=1",
				"--exec", `echo "$1" >> handed`, "logs/" + everySecond}
			const lines = 8000 // of each
			var errs [2]error
			var ends sync.WaitGroup
			var said [2]bytes.Buffer
			for i, name := range "AB" {
				cmd := exec.Command(logreel, args...)
				cmd.Dir, cmd.Env, cmd.Stderr = dir, testEnv(""), &said[i]
				input, err := cmd.StdinPipe()
				if err := errors.Join(err, cmd.Start()); err != nil {
					t.Fatal(err)
				}
				ends.Go(func() {
					for n, begun := 0, time.Now(); n < lines && err == nil; n++ {
						_, err = fmt.Fprintf(input, "%c%07d\n", name, n)
						time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Second / 2000)))
					}
					errs[i] = errors.Join(err, input.Close(), cmd.Wait())
				})
			}
			ends.Wait()
			settleAll(t, dir, args...)
			for i, err := range errs {
				if said := complaints(said[i].String()); err != nil || said != "" {
					t.Errorf("logreel %d: %v, and it said: %s", i, err, said)
				}
			}
			got := counted(t, logs)
			for _, name := range "AB" {
				for n := range lines {
					line := fmt.Sprintf("%c%07d", name, n)
					if got[line] != 1 {
						t.Fatalf("line %s is there %d times", line, got[line])
					}
				}
			}
			if len(got) != 2*lines {
				t.Errorf("got %d lines, want %d", len(got), 2*lines)
			}
			for _, name := range names(t, logs) {
				if !strings.HasSuffix(name, ".log"+ending) {
					t.Errorf("%s is not compressed", name)
				}
			}
			checkHandedOn(t, filepath.Join(dir, "handed"), logs, true)
		})
	}
}

// Logreel and the process that looks after finished files are killed again and again.
// What was written is there once all the same, and was handed on.
func TestArchiveKilled(t *testing.T) {
	t.Parallel()
	lasts := 9 * time.Second
	if testing.Short() {
		lasts = 4 * time.Second
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	dir, logs := makeLogs(t)
	pipe := newStream(t, "pipe")
	// A copy of each line that is written. The last ones before a kill may lack.
	written, err := os.OpenFile(filepath.Join(dir, "written"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer written.Close()
	args := []string{"--compress=zstd", "--keep-count=1000", "--exec", `test -s "$1" && sleep 0.02 && echo "$1" >> handed`, "logs/" + everySecond}
	begin := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(logreel, append([]string{"--tee"}, args...)...)
		cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout = dir, testEnv(""), pipe.read, written
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := begin()
	var feeder sync.WaitGroup
	fed, fault, done := 0, error(nil), make(chan struct{})
	feeder.Go(func() { fed, fault = feedRandom(pipe.write, seed, done) })
	kills, children := 0, 0
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		pause := time.Duration(random.IntN(30)) * time.Millisecond
		if random.IntN(3) == 0 {
			time.Sleep(20 * pause) // the random moment
		} else {
			child := 0
			eventually(t, "a process that looks after finished files", func() bool { child = archivist(t, cmd.Process.Pid); return child != 0 })
			time.Sleep(pause)
			if random.IntN(2) == 0 {
				if syscall.Kill(child, syscall.SIGKILL) == nil {
					children++
				}
				continue
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		kills++
		cmd = begin()
	}
	close(done)
	feeder.Wait()
	if err := errors.Join(fault, pipe.write.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
	begun := time.Now()
	eventually(t, "what the killed ones had started to end", func() bool { return nobodyIn(dir) })
	t.Logf("after %v nobody was left", time.Since(begun).Round(time.Millisecond))
	settleAll(t, dir, args...)

	got, missing, twice := counted(t, logs), 0, 0
	unpacked(t, filepath.Join(dir, "written"), func(line string) {
		// A kill leaves a piece of a line.
		if number, err := strconv.Atoi(line[:min(len(line), 8)]); err == nil && line == randomLine(seed, number) && got[line] == 0 {
			missing++
		}
	})
	for line, n := range got {
		if number, err := strconv.Atoi(line[:min(len(line), 8)]); err != nil || line != randomLine(seed, number) {
			t.Errorf("got %.60q, which nobody wrote", line)
		}
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d lines fed, %d lost by %d kills; %d kills of the other", fed, fed-len(got), kills, children)
	if missing > 0 || twice > 0 {
		t.Errorf("%d lines that were written are missing, %d are there twice", missing, twice)
	}
	if lost := fed - len(got); lost > kills*killLoss {
		t.Errorf("%d kills cost %d lines, want at most %d each", kills, lost, killLoss)
	}
	if kills == 0 || children == 0 {
		t.Error("too few kills to tell anything")
	}
	for _, name := range names(t, logs) {
		if !strings.HasSuffix(name, ".zst") {
			t.Errorf("%s is not compressed", name)
		}
	}
	checkHandedOn(t, filepath.Join(dir, "handed"), logs, false)
}

// nobodyIn reports whether a directory is no process's working directory.
func nobodyIn(dir string) bool {
	found, _ := filepath.Glob("/proc/[0-9]*/cwd")
	return !slices.ContainsFunc(found, func(path string) bool {
		at, err := os.Readlink(path)
		return err == nil && at == dir
	})
}

// randomLine is the line of a number, which hardly compresses.
func randomLine(seed uint64, n int) string {
	r := rand.NewPCG(seed, uint64(n))
	line := fmt.Appendf(nil, "%08d ", n)
	for range 12 {
		line = fmt.Appendf(line, "%016x", r.Uint64())
	}
	return string(line)
}

// feedRandom writes random lines at a third of killRate, one write each, until done is
// closed. It returns how many.
func feedRandom(to *os.File, seed uint64, done chan struct{}) (lines int, err error) {
	for begun := time.Now(); ; {
		select {
		case <-done:
			return lines, nil
		default:
			time.Sleep(time.Until(begun.Add(time.Duration(lines) * time.Second / (killRate / 3))))
		}
		if _, err := to.WriteString(randomLine(seed, lines) + "\n"); err != nil {
			return lines, err
		}
		lines++
	}
}

// overAfter is how long a fault was said to have lasted.
var overAfter = regexp.MustCompile(`over after (\S+?);`)

// On a small disk old files make room, both at a switch and when a write meets a full
// disk. Lines flow on.
func TestArchiveKeepFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountMemory(t, logs, "5m")
	f := startPaced(t, dir, "--keep-free=512K", "logs/"+everySecond)
	f.pace(7 * time.Second)
	f.taken()
	f.finish(0)
	for _, said := range f.complained() {
		if strings.Contains(said, "no space left on device; lines wait in memory") {
			continue
		}
		lasted := overAfter.FindStringSubmatch(said)
		if lasted == nil {
			t.Errorf("said: %s", said)
			continue
		}
		if d, err := time.ParseDuration(lasted[1]); err != nil || d > 5*time.Second { // it would be looked for files again after ten
			t.Errorf("the disk was full for too long: %s", said)
		}
	}
	if len(f.heard) == 0 {
		t.Error("the disk was never full, which tells nothing of a write that meets a full one")
	}
	f.checkFree()
	// What is left is the newest lines, without a gap.
	got := content(t, logs, "*.log")
	first, err := strconv.Atoi(strings.TrimLeft(got[:min(len(got), pacedWidth-1)], "0"))
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	if n := len(got) / pacedWidth; first+n == f.sent {
		var all strings.Builder
		for i := range n {
			all.WriteString(pacedLine(first + i))
		}
		want = all.String()
	}
	if got != want {
		t.Errorf("got %d bytes from line %d on, %d lines sent", len(got), first, f.sent)
	}
	t.Logf("%d faults; the lines from %d of %d are there", len(f.heard)/2, first, f.sent)
}

// A disk too full to compress: the file stays, that is said once, and lines flow on.
func TestArchiveCompressOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	mountMemory(t, logs, "1m")
	random := rand.New(rand.NewPCG(1, 2))
	old := make([]byte, 700<<10)
	for i := range old {
		old[i] = byte(random.Uint32())
	}
	path := filepath.Join(logs, "20200101-000000.log")
	if err := os.WriteFile(path, old, 0o640); err != nil {
		t.Fatal(err)
	}
	f := startPaced(t, dir, "--verbose", "--compress=zstd", "logs/"+everySecond)
	said := f.hear("warning: compress ")
	if want := "logreel: warning: compress logs/20200101-000000.log: write logs/.20200101-000000.log.zst.tmp: no space left on device; it is left as it is"; said != want {
		t.Errorf("got %q, want %q", said, want)
	}
	for range 2 {
		f.push(3)
		f.hear("compressed logs/") // by a pass that has met the old file before
	}
	f.finish(0)
	if n := strings.Count(strings.Join(f.heard, "\n"), "it is left as it is"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, strings.Join(f.heard, "\n"))
	}
	if got := readFile(t, path); got != string(old) {
		t.Error("the file is not what it was")
	}
	for _, name := range names(t, logs) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s is left", name)
		}
	}
}

// Files whose names lie in the future, as after a clock was set back, are left alone. It
// is said once, however many switches there are. Nor is the live file of another logreel
// touched, though its name says that it is old.
func TestArchiveFuture(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "20990101-000000.log"), []byte("later\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := start(t, dir, "--every=never", "20200101-000000.log")
	other.write("alive")
	f := startPaced(t, dir, "--verbose", "--compress=zstd", "--keep-age=1y", "--exec=:", everySecond)
	for range 3 {
		f.push(1)
		f.hear("compressed ") // which comes after what the pass says of the others
	}
	other.write("still alive")
	f.finish(0)
	if n := strings.Count(strings.Join(f.heard, "\n"), "warning: 20990101-000000.log: its name lies in the future; it is left alone"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, strings.Join(f.heard, "\n"))
	}
	other.end()
	if got := readFile(t, filepath.Join(dir, "20990101-000000.log")); got != "later\n" {
		t.Errorf("the file of the future holds %q", got)
	}
	if got := readFile(t, filepath.Join(dir, "20200101-000000.log")); got != "alive\nstill alive\n" {
		t.Errorf("the live file holds %q", got)
	}
}

// What --preview says is what is done: no file that it keeps or compresses is deleted, and
// none that it deletes is kept, whatever flags come together.
func TestArchivePreview(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{
		"--keep-count=2", "--keep-size=9000", "--keep-age=10y", "--keep-free=900T",
		"--compress=zstd", "--compress=zstd --keep-count=2", "--compress=gzip --keep-size=9000", "--compress=gzip --keep-free=900T",
		"--exec=: --keep-count=1", "--exec=: --compress=zstd --keep-count=3",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for n := range 6 {
				path := filepath.Join(dir, fmt.Sprintf("201%d-01-01.log", 3+n))
				if err := os.WriteFile(path, bytes.Repeat([]byte("line\n"), 1000), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, ".2014-01-01.log.pending"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(strings.Fields(flags), "%F.log")
			plan := startOnce(t, dir, append(args, "--preview=1")...)
			startOnce(t, dir, args...)
			_, plan, _ = strings.Cut(plan, "\n\n")
			said := 0
			for line := range strings.Lines(plan) {
				action, rest, _ := strings.Cut(line, "\t")
				path, why, _ := strings.Cut(rest, "\t")
				said++
				_, plain := os.Stat(filepath.Join(dir, path))
				found, err := filepath.Glob(filepath.Join(dir, path+".*"))
				if err != nil {
					t.Fatal(err)
				}
				did := map[bool]string{true: "keep", false: "delete"}[plain == nil]
				if plain != nil && len(found) == 1 {
					did = "compress"
				}
				if did != action {
					t.Errorf("%s: said %s (%s), and did %s", path, action, strings.TrimSpace(why), did)
				}
			}
			if said != 6 {
				t.Errorf("%d files in:\n%s", said, plan)
			}
		})
	}
}

// Compressing has the lowest priority of all, needs little memory, and none of ours. It is
// serial, since it takes a processor for a while.
func TestArchiveModest(t *testing.T) {
	const megabytes = 200
	for _, format := range []string{"gzip", "zstd"} {
		t.Run(format, func(t *testing.T) {
			size := megabytes
			if format == "gzip" { // which takes its time
				size = megabytes / 4
			}
			dir := roomyDir(t, uint64(size)<<20)
			writeBusyLog(t, filepath.Join(dir, "20200101-000000.log"), size)
			p := start(t, dir, "--compress="+format, everySecond)
			child := 0
			eventually(t, "a process that compresses", func() bool { child = archivist(t, p.cmd.Process.Pid); return child != 0 })
			before := memory(p.cmd.Process.Pid, "VmRSS")
			eventually(t, "something compressed", func() bool {
				info, err := os.Stat(filepath.Join(dir, ".20200101-000000.log"+map[string]string{"gzip": ".gz", "zstd": ".zst"}[format]+".tmp"))
				return err == nil && info.Size() > 0
			})
			checkLowest(t, child)
			ended := make(chan int)
			go func() {
				peak := 0
				for at := memory(child, "VmHWM"); at > 0; at = memory(child, "VmHWM") {
					peak = at
					time.Sleep(5 * time.Millisecond)
				}
				ended <- peak
			}()
			p.write("a line meanwhile")
			p.await(p.said, "compressed 20200101-000000.log")
			most := <-ended
			after := memory(p.cmd.Process.Pid, "VmRSS")
			t.Logf("%d MB: at most %d kB for compressing; logreel had %d kB before and %d kB after", size, most, before, after)
			if most == 0 || most > 64<<10 {
				t.Errorf("compressing took %d kB, want less than 64 MB", most)
			}
			if after > before+4<<10 {
				t.Errorf("logreel has grown from %d to %d kB", before, after)
			}
			p.end()
		})
	}
}

// writeBusyLog writes megabytes of lines as a server has them.
func writeBusyLog(t *testing.T, path string, megabytes int) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	var part bytes.Buffer
	for n := 0; part.Len() < 8<<20; n++ {
		fmt.Fprintf(&part, "2020-01-01 00:%02d:%02d,%03d INFO shop.orders [%08x] 10.0.%d.%d GET /orders/%d 200 %dms\n",
			n/60%60, n%60, n%1000, random.Uint32(), random.IntN(256), random.IntN(256), random.IntN(1_000_000), random.IntN(500))
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range megabytes / 8 {
		if _, err := f.Write(part.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
}

// memory returns a number of kB of /proc/PID/status; 0 when the process has ended.
func memory(pid int, name string) (kB int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	fmt.Sscan(rest, &kB)
	return kB
}

// checkLowest fails the test unless all threads of a process have the lowest priority.
func checkLowest(t *testing.T, pid int) {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("%v: no threads", err)
	}
	for _, thread := range threads {
		stat := readFile(t, fmt.Sprintf("/proc/%d/task/%s/stat", pid, thread.Name()))
		_, rest, _ := strings.Cut(stat, ") ")
		if nice := strings.Fields(rest)[16]; nice != "19" { // proc_pid_stat(5), the 19th of all
			t.Errorf("thread %s has nice %s", thread.Name(), nice)
		}
		if _, err := exec.LookPath("ionice"); err != nil {
			t.Log("ionice is missing; the priority of the disk is not looked at")
			continue
		}
		if got := strings.TrimSpace(run(t, "ionice", "-p", thread.Name())); got != "idle" {
			t.Errorf("thread %s has the priority %q of the disk", thread.Name(), got)
		}
	}
}
