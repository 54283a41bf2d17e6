package tests

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	killRate = 6000 // lines a second
	killLine = 100  // bytes
	// killLoss is how many lines a kill may cost: those of one read, which are as
	// many as come in a linger of 40 ms, and some for a machine that is slow.
	killLoss = 300
)

// killedLine is the line of a number.
func killedLine(n int) []byte {
	return fmt.Appendf(nil, "%08d %s\n", n, strings.Repeat("k", killLine-10))
}

// A logreel that is killed loses at most the lines it has just read, and the next one
// goes on with the pipe and the files: no line is there twice or broken. It is serial,
// since what runs beside it would make reads larger.
func TestKill(t *testing.T) {
	kills := 10
	if testing.Short() {
		kills = 4
	}
	random, _ := seeded(t)
	d := newFolder(t)
	pipe := newStream(t, "pipe")
	begin := func() *process {
		t.Helper()
		cmd := exec.Command(logreel, everySecond)
		cmd.Stdin = pipe.read
		return d.launch(cmd)
	}

	p := begin()
	stop := feed(t, pipe.write, killRate, killedLine)
	said := ""
	for range kills {
		time.Sleep(50*time.Millisecond + time.Duration(random.IntN(600))*time.Millisecond) // the random moment
		p.kill()
		said += p.wait(-1) // by a signal, not by itself
		p = begin()
	}
	written := stop()
	must(t, pipe.write.Close())
	if said += p.wait(0); said != "" {
		t.Errorf("logreel said: %s", said)
	}

	next, lost, wrong := 0, []int{}, &tally{t: t}
	names := d.inOrder()
	for _, name := range names {
		d.eachLine(name, func(line []byte) {
			n, err := strconv.Atoi(string(line[:min(len(line), 8)]))
			if whole := err == nil && bytes.Equal(line, killedLine(n)); !whole || n < next {
				wrong.errorf("%s: %.120q after line %d", name, line, next-1)
			} else {
				if n > next {
					lost = append(lost, n-next)
				}
				next = n + 1
			}
		})
	}
	if next != written {
		t.Errorf("the last line is %d, want %d", next-1, written-1)
	}
	wrong.end()
	all := 0
	for _, n := range lost {
		all += n
	}
	t.Logf("%d lines in %d files; %d kills cost %d lines, in gaps of %v", written, len(names), kills, all, lost)
	if all > kills*killLoss || len(lost) > kills {
		t.Errorf("%d kills cost %d lines in %d places, want at most %d lines each", kills, all, len(lost), killLoss)
	}
	if want := min(2, 1+written/killRate); len(names) < want {
		t.Errorf("%d files, want %d at least, since they switch every second", len(names), want)
	}
}

// seeded returns random numbers that are others each time, and logs the seed.
func seeded(t *testing.T) (random *rand.Rand, seed uint64) {
	t.Helper()
	seed = uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// Logreel and the process that looks after finished files are killed again and again.
// What was written is there once all the same, and was handed on.
func TestArchiveKilled(t *testing.T) {
	t.Parallel()
	lasts := 9 * time.Second
	if testing.Short() {
		lasts = 4 * time.Second
	}
	random, seed := seeded(t)
	d := newLogs(t)
	pipe := newStream(t, "pipe")
	// A copy of each line that is written. The last ones before a kill may lack.
	written := d.create("written")
	args := []string{"--compress=zstd", "--keep-count=1000", "--exec", `test -s "$1" && sleep 0.02 && echo "$1" >> handed`, "logs/" + everySecond}
	begin := func() *process {
		t.Helper()
		cmd := exec.Command("logreel", append([]string{"--tee"}, args...)...)
		cmd.Stdin, cmd.Stdout = pipe.read, written
		return d.launch(cmd)
	}
	p := begin()
	stop := feed(t, pipe.write, killRate/3, func(n int) []byte { return []byte(randomLine(seed, n) + "\n") })
	kills, children := 0, 0
	// On a busy machine there may be few of them in that time.
	for end := time.Now().Add(lasts); time.Now().Before(end) || kills == 0 || children == 0; {
		pause := time.Duration(random.IntN(30)) * time.Millisecond
		if random.IntN(3) == 0 {
			time.Sleep(20 * pause) // the random moment
		} else {
			child := 0
			eventually(t, "a process that looks after finished files", func() bool { child = archiverOf(t, p.pid()); return child != 0 })
			time.Sleep(pause)
			if random.IntN(2) == 0 {
				if kill(child) == nil {
					children++
				}
				continue
			}
		}
		p.kill()
		p.waitAny()
		kills++
		p = begin()
	}
	fed := stop()
	must(t, pipe.write.Close())
	p.wait(0)
	begun := time.Now()
	eventually(t, "what the killed ones had started to end", func() bool { return nobodyIn(d.dir) })
	t.Logf("after %v nobody was left", time.Since(begun).Round(time.Millisecond))
	d.settleAll(args...)

	got, missing, twice := d.count("logs"), 0, 0
	d.unpack("written", func(line string) {
		// A kill leaves a piece of a line.
		if number, err := strconv.Atoi(line[:min(len(line), 8)]); err == nil && line == randomLine(seed, number) && got[line] == 0 {
			missing++
		}
	})
	pieces := 0
	for line, n := range got {
		number, err := strconv.Atoi(line[:min(len(line), 8)])
		whole := randomLine(seed, number)
		switch {
		case err == nil && line == whole:
		case len(line) < 8 || err == nil && strings.HasPrefix(whole, line):
			pieces += n // of what a write was in when it was killed
			delete(got, line)
			continue
		default:
			t.Errorf("got %.60q, which nobody wrote", line)
		}
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d lines fed, %d lost by %d kills; %d kills of the other", fed, fed-len(got), kills, children)
	if pieces > kills {
		t.Errorf("%d kills left %d pieces of lines", kills, pieces)
	}
	if missing > 0 || twice > 0 {
		t.Errorf("%d lines that were written are missing, %d are there twice", missing, twice)
	}
	if lost := fed - len(got); lost > kills*killLoss {
		t.Errorf("%d kills cost %d lines, want at most %d each", kills, lost, killLoss)
	}
	d.expectCompressed(".zst")
	d.expectHandedOn(false)
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
