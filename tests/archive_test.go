//go:build linux

package tests

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These tests look at what becomes of finished files while lines flow. What each flag
// does with files that are there is in script/keep.txtar and script/archive.txtar, what
// becomes of --exec in hook_test.go.

// settleAll starts logreel without a line when the period of now is over, so that every
// file is finished, and fails the test if it has anything to say but that it waits.
func (d *folder) settleAll(args ...string) {
	d.t.Helper()
	now := time.Now()
	time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second))) // no event tells of it
	if said := complaints(d.startOnce(args...)); said != "" {
		d.t.Errorf("the last start said: %s", said)
	}
}

// expectHandedOn compares the names in the file handed with the files in logs. Each is
// there at least once, or exactly.
func (d *folder) expectHandedOn(exactly bool) {
	d.t.Helper()
	handed := map[string]int{}
	for name := range strings.Lines(d.read("handed")) {
		handed[filepath.Base(strings.TrimSpace(name))]++
	}
	for _, name := range d.names("logs") {
		if n := handed[name]; n == 0 || exactly && n != 1 {
			d.t.Errorf("%s was handed on %d times", name, n)
		}
	}
}

// expectCompressed fails the test unless all files in logs have the ending.
func (d *folder) expectCompressed(ending string) {
	d.t.Helper()
	for _, name := range d.names("logs") {
		if !strings.HasSuffix(name, ending) {
			d.t.Errorf("%s is not compressed", name)
		}
	}
}

// Two logreels with one pattern, as while a server reloads, switch every second, compress,
// delete what is old, and hand on.
func TestArchiveTwoAtOnce(t *testing.T) {
	t.Parallel()
	for format, ending := range map[string]string{"gzip": ".gz", "zstd": ".zst"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			d := newLogs(t)
			d.put("logs/20200101-000000.log", "old\n")
			d.put("logs/20200101-000001.log.zst", "old\n")
			args := []string{"--compress=" + format, "--keep-age=1y", "--keep-count=1000", "--keep-size=1T", "--keep-free=1K",
				"--exec", `echo "$1" >> handed`, "logs/" + everySecond}
			var logreels []*process
			var stops []func() int
			for _, name := range "AB" {
				p := d.startPlain(args...)
				logreels = append(logreels, p)
				stops = append(stops, feed(t, p.input, 2000, func(n int) []byte { return fmt.Appendf(nil, "%c%07d\n", name, n) }))
			}
			time.Sleep(4 * time.Second) // in which they switch
			lines := []int{stops[0](), stops[1]()}
			for _, p := range logreels {
				p.endSilent()
			}
			d.settleAll(args...)
			got := d.count("logs")
			for i, name := range "AB" {
				for n := range lines[i] {
					line := fmt.Sprintf("%c%07d", name, n)
					if got[line] != 1 {
						t.Fatalf("line %s is there %d times", line, got[line])
					}
				}
			}
			if want := lines[0] + lines[1]; len(got) != want {
				t.Errorf("got %d lines, want %d", len(got), want)
			}
			d.expectCompressed(".log" + ending)
			d.expectHandedOn(true)
		})
	}
}

// overAfter is how long a fault was said to have lasted.
var overAfter = regexp.MustCompile(`over after (\S+?);`)

// On a small disk old files make room, both at a switch and when a write meets a full
// disk. Lines flow on.
func TestArchiveKeepFree(t *testing.T) {
	t.Parallel()
	p := newSmallDisk(t, "5m").startPaced("--keep-free=512K", "logs/"+everySecond)
	p.pace(7 * time.Second)
	p.awaitTaken()
	p.finish(0)
	for _, said := range p.complained() {
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
	if len(p.heard) == 0 {
		t.Error("the disk was never full, which tells nothing of a write that meets a full one")
	}
	p.expectNeverHeldUp()
	// What is left is the newest lines, without a gap.
	got := p.content("logs/*.log")
	first, err := strconv.Atoi(strings.TrimLeft(got[:min(len(got), pacedWidth-1)], "0"))
	must(t, err)
	want := ""
	if n := len(got) / pacedWidth; first+n == p.sent {
		var all strings.Builder
		for i := range n {
			all.WriteString(pacedLine(first + i))
		}
		want = all.String()
	}
	if got != want {
		t.Errorf("got %d bytes from line %d on, %d lines sent", len(got), first, p.sent)
	}
	t.Logf("%d faults; the lines from %d of %d are there", len(p.heard)/2, first, p.sent)
}

// A disk too full to compress: the file stays, that is said once, and lines flow on.
func TestArchiveCompressOnFullDisk(t *testing.T) {
	t.Parallel()
	d := newSmallDisk(t, "1m")
	random := rand.New(rand.NewPCG(1, 2))
	old := make([]byte, 700<<10)
	for i := range old {
		old[i] = byte(random.Uint32())
	}
	d.put("logs/20200101-000000.log", string(old))
	p := d.startPaced("--verbose", "--compress=zstd", "logs/"+everySecond)
	said := p.hear("warning: compress ")
	if want := "logreel: warning: compress logs/20200101-000000.log: write logs/.20200101-000000.log.zst.tmp: no space left on device; it is left as it is"; said != want {
		t.Errorf("got %q, want %q", said, want)
	}
	for range 2 {
		p.push(3)
		p.hear("compressed logs/") // by a pass that has met the old file before
	}
	p.finish(0)
	p.expectSaidOnce("it is left as it is")
	p.expect("logs/20200101-000000.log", string(old))
	if left := p.glob("logs/.*"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// Files whose names lie in the future, as after a clock was set back, are left alone. It
// is said once, however many switches there are. Nor is the live file of another logreel
// touched, though its name says that it is old.
func TestArchiveFuture(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	d.put("20990101-000000.log", "later\n")
	other := d.start("--every=never", "20200101-000000.log")
	other.write("alive")
	p := d.startPaced("--verbose", "--compress=zstd", "--keep-age=1y", "--exec=:", everySecond)
	for range 3 {
		p.push(1)
		p.hear("compressed ") // which comes after what the pass says of the others
	}
	other.write("still alive")
	p.finish(0)
	p.expectSaidOnce("warning: 20990101-000000.log: its name lies in the future; it is left alone")
	other.end()
	d.expect("20990101-000000.log", "later\n")
	d.expect("20200101-000000.log", "alive\nstill alive\n")
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
			d := newFolder(t)
			for n := range 6 {
				d.put(fmt.Sprintf("201%d-01-01.log", 3+n), strings.Repeat("line\n", 1000))
			}
			d.put(".2014-01-01.log.pending", "")
			args := append(strings.Fields(flags), "%F.log")
			plan := d.startOnce(append(args, "--preview=1")...)
			d.startOnce(args...)
			_, plan, _ = strings.Cut(plan, "\n\n")
			said := 0
			for line := range strings.Lines(plan) {
				action, rest, _ := strings.Cut(line, "\t")
				path, why, _ := strings.Cut(rest, "\t")
				said++
				did := "delete"
				if d.exists(path) {
					did = "keep"
				} else if len(d.glob(path+".*")) == 1 {
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
