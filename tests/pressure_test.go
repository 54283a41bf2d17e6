//go:build linux

package tests

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests look at the archive when the disk is full, the hook fails, or lines come
// faster than they can be looked after.

var deleted = regexp.MustCompile(`warning: deleted logs/app\.log(?:\.([0-9]+))?(?:\.gz)? .*yet to be handed to --exec`)

// A disk that is full of what waits for a slow hook, and hardly compresses: what waits is
// deleted with a warning, the oldest first, no other line is lost, and nobody is held up.
func TestArchiveWaitingOnFullDisk(t *testing.T) {
	t.Parallel()
	d := newSmallDisk(t, "8m")
	// The hook waits for as long as lines come.
	p := d.startPlain("--size=1M", "--compress=gzip", "--keep-free=30%", "--exec", `while test -e go-on; do sleep 0.1; done; echo "$1" >> handed`, "logs/app.log")
	d.put("go-on", "")
	heard := make(chan string)
	go func() {
		var said strings.Builder
		for line := range p.said {
			said.WriteString(line + "\n")
		}
		heard <- said.String()
	}()
	const files, perFile = 24, 32
	random := rand.New(rand.NewPCG(1, 2))
	line := make([]byte, 1<<15)
	written := map[string]bool{}
	for n := range files * perFile {
		for i := range line {
			line[i] = byte('0' + random.UintN(64)) // six bits of eight
		}
		text := fmt.Sprintf("%06d ", n) + string(line)
		written[text[:40]] = true
		begun := time.Now()
		if _, err := p.input.Write([]byte(text + "\n")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("line %d took %v", n, took)
		}
		time.Sleep(2 * time.Millisecond)
	}
	d.remove("go-on")
	p.closeInput()
	said := <-heard
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	gone := map[int]bool{}
	last, later := -1, 0
	for _, m := range deleted.FindAllStringSubmatch(said, -1) {
		number, _ := strconv.Atoi(m[1]) // nothing for the first
		if gone[number] = true; number < last {
			later++ // it was being compressed when its turn came
		}
		last = number
	}
	lost := len(gone)
	if later > lost/3 {
		t.Errorf("%d of %d were deleted after newer ones; it said: %s", later, lost, said)
	}
	for _, path := range strings.Fields(d.read("handed")) {
		plain, _ := strings.CutSuffix(path, ".gz")
		number, _ := strconv.Atoi(strings.TrimPrefix(filepath.Ext(plain), "."))
		gone[number] = true // it may have been deleted for the free space since
	}
	if lost == 0 {
		t.Errorf("none was deleted, which tells nothing; it said: %s", said)
	}
	// What is left is whole, in order, and all but what was named.
	next, number := 0, -1
	for _, name := range d.numbered("logs/app.log") {
		plain, _ := strings.CutSuffix(name, ".gz")
		n, _ := strconv.Atoi(strings.TrimPrefix(filepath.Ext(plain), "."))
		for number++; number < n; number++ {
			if !gone[number] {
				t.Errorf("file %d is missing, and nobody said so", number)
			}
			next = -1
		}
		d.unpack(name, func(text string) {
			i, err := strconv.Atoi(text[:6])
			if err != nil || !written[text[:40]] || next >= 0 && i != next {
				t.Errorf("%s: got line %.40q, want %d", name, text, next)
			}
			next = i + 1
		})
	}
	if next != files*perFile {
		t.Errorf("the last line that is there is %d", next-1)
	}
	t.Logf("%d of about %d files were deleted before they could be handed on", lost, files)
}

// numbered returns a file and those with a number behind its name that are there, by number.
func (d *folder) numbered(name string) (names []string) {
	for n := range 1000 {
		path := name
		if n > 0 {
			path += "." + strconv.Itoa(n)
		}
		for _, ending := range []string{".gz", ".zst", ""} {
			if d.exists(path + ending) {
				names = append(names, path+ending)
			}
		}
	}
	return names
}

// Lines come as fast as they are taken. All files of the directory never have more than the
// ceiling and one --size.
func TestArchiveCeiling(t *testing.T) {
	t.Parallel()
	const size, ceiling, total = 4 << 20, 16 << 20, 400 << 20
	for name, flags := range map[string][]string{
		"compressed": {"--compress=zstd"},
		"plain":      nil,
		"handed on":  {"--compress=gzip", "--exec=true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFolder(t)
			d.makeDir("logs")
			p := d.startPlain(append(flags, "--size=4M", "--keep-size=16M", "logs/app.log")...)
			var most atomic.Int64
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for {
					if n := used(d.at("logs")); n > most.Load() {
						most.Store(n)
					}
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond):
					}
				}
			}()
			random := rand.New(rand.NewPCG(1, 2))
			block := make([]byte, 1<<20)
			for i := range block {
				if block[i] = byte('0' + random.UintN(64)); i%120 == 119 {
					block[i] = '\n'
				}
			}
			for range total / len(block) {
				if _, err := p.input.Write(block); err != nil {
					t.Fatal(err)
				}
			}
			if said := p.end(); said != "" {
				t.Errorf("it said: %s", said)
			}
			close(stop)
			<-stopped
			// With --exec, files wait that may not be deleted.
			if limit := int64(ceiling + size + 1<<20); most.Load() > limit && name != "handed on" {
				t.Errorf("the files had %d bytes, want at most %d", most.Load(), limit)
			}
			if most.Load() < ceiling/2 {
				t.Errorf("the files never had more than %d bytes, which tells nothing", most.Load())
			}
			t.Logf("at most %d MB", most.Load()>>20)
		})
	}
}

// used returns how much of the disk the files of a directory use.
func used(dir string) (bytes int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		var st unix.Stat_t
		if unix.Lstat(filepath.Join(dir, e.Name()), &st) == nil { // else it was just deleted
			bytes += st.Blocks * 512
		}
	}
	return bytes
}

// While the application is idle, its link leads to the last file, which is compressed and
// handed on when the link leads elsewhere.
func TestArchiveLinkOfIdle(t *testing.T) {
	t.Parallel()
	p := start(t, "--link=live", "--previous-link=previous", "--compress=gzip", "--exec", `echo "$1" >> handed; echo "handed on $1" >&2`, "logs/"+everySecond)
	p.write("one")
	first := filepath.Base(p.glob("logs/*.log")[0])
	p.says("finished logs/" + first)
	p.settled("live", "one\n")
	p.write("two")
	p.expect("previous", "one\n") // it leads there now
	p.settled("previous", "one\n")
	p.says("finished ")
	p.write("three")
	p.says("handed on logs/" + first + ".gz")
	p.settled("live", "three\n")
	p.expect("previous", "two\n")
	p.end()
}

// settled makes a pass of another logreel, which would compress what may be compressed,
// and looks at what a link leads to.
func (p *process) settled(link, want string) {
	p.t.Helper()
	p.startOnce("--link=live", "--previous-link=previous", "--compress=gzip", "logs/"+everySecond)
	p.expect(link, want)
}

// A reader that follows the link of the live file sees lines, and no compressed data.
func TestArchiveFollowed(t *testing.T) {
	t.Parallel()
	need(t, "tail")
	p := start(t, "--link=live", "--previous-link=previous", "--compress=gzip", "--size=200", "app.log")
	p.write("line 0")
	var readers []*process
	for _, link := range []string{"live", "previous"} {
		reader := p.startProgram("tail", "-n", "+1", "-s", "0.02", "-F", link)
		readers = append(readers, reader)
	}
	for n := range 200 {
		p.write(fmt.Sprintf("line %d", n+1))
		if n%20 == 0 {
			time.Sleep(30 * time.Millisecond) // for tail to look
		}
	}
	p.end()
	for _, reader := range readers {
		reader.terminate()
		for line := range reader.copied {
			if !strings.HasPrefix(line, "line ") || bytes.ContainsAny([]byte(line), "\x00\x1f\x8b") {
				t.Errorf("the reader got %q", line)
			}
		}
		reader.waitAny()
	}
}

// A hook that fails is said once, and is run again at the next start; the files wait, and
// are not deleted. When it works, that is said, with how many waited.
func TestArchiveHookFails(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	hook := `echo "$1" >> tried; test -e works`
	p := d.start("--size=1", "--keep-count=1", "--exec", hook, "app.log")
	p.write("0", "1", "2", "3", "4", "5")
	p.says("exit status 1")
	eventually(t, "SIGUSR1 tells how many files wait", func() bool {
		p.report()
		return strings.Contains(p.says(" bytes waiting"), " files waiting for --exec")
	})
	said := p.end()
	if strings.Contains(said, "exit status 1") {
		t.Errorf("it was said again: %s", said)
	}
	if tried := strings.Fields(d.read("tried")); len(tried) != 1 || tried[0] != "app.log" {
		t.Errorf("tried for %q", tried)
	}
	for _, name := range []string{"app.log", "app.log.1", "app.log.4", "app.log.5"} {
		if !d.exists(name) {
			t.Errorf("%s was deleted", name)
		}
	}
	d.put("works", "")
	d.remove("tried")
	d.startOnce("--size=1", "--keep-count=1", "--exec", hook, "app.log")
	d.expect("tried", "app.log\napp.log.1\napp.log.2\napp.log.3\napp.log.4\n")
	if d.exists("app.log.3") || !d.exists("app.log.4") {
		t.Errorf("there are %q", d.names("."))
	}
}

// A run is over with its process: its file is compressed and handed on at once.
func TestArchiveRuns(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	d.put("run-2020-01-01_000000.log", "a run\n")
	d.put("run-2020-01-02_000000.log", "another\n")
	p := d.start("--every=never", "--keep-count=2", "--compress=gzip", "--exec", `echo "$1" >> handed`, "run-%F_%H%M%S.log")
	p.write("this one")
	p.end()
	names := d.glob("run-*")
	if len(names) != 2 || !strings.HasSuffix(names[0], "run-2020-01-02_000000.log.gz") || !strings.HasSuffix(names[1], ".log.gz") {
		t.Errorf("there are %q", names)
	}
	if got := strings.TrimSpace(d.read("handed")); got != filepath.Base(names[len(names)-1]) {
		t.Errorf("handed on %q", got)
	}
}
