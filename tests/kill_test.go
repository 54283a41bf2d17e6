package tests

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	killRate = 6000 // lines a second
	killLine = 100  // bytes
	// killLoss is how many lines a kill may cost: those of one read, which are as
	// many as come in a linger of 40 ms, and some for a machine that is slow.
	killLoss = 300

	// twinsFor is how long two write at once, twinsRoom how many bytes each at the
	// most: a machine that is fast fills the disk.
	twinsFor    = 2500 * time.Millisecond
	twinsRoom   = 400_000_000
	longestTwin = 60_000
)

// inOrder returns the paths of the files in a directory in the order in which they
// were written: by period, and within it by number.
func inOrder(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	split := func(name string) (base string, number int) {
		base, digits, found := strings.Cut(name, ".log")
		if !found || digits == "" {
			return base, 0
		}
		number, err := strconv.Atoi(strings.TrimPrefix(digits, "."))
		if err != nil {
			t.Fatalf("unexpected file %s", name)
		}
		return base, number
	}
	slices.SortFunc(names, func(a, b string) int {
		baseA, a1 := split(a)
		baseB, b1 := split(b)
		return cmp.Or(cmp.Compare(baseA, baseB), cmp.Compare(a1, b1))
	})
	return names
}

// eachLine calls f with every line of a file, and with the rest after the last one.
func eachLine(t *testing.T, path string, f func(line []byte)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for r := bufio.NewReaderSize(file, 4*longestTwin); ; {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			f(line)
		}
		if err == io.EOF {
			return
		}
		if err != nil && err != bufio.ErrBufferFull {
			t.Fatal(err)
		}
	}
}

// killedLine is the line of a number.
func killedLine(n int) []byte {
	return fmt.Appendf(nil, "%08d %s\n", n, strings.Repeat("k", killLine-10))
}

// feedKilled writes numbered lines at killRate, one write each, until done is closed
// or writing fails. It returns how many.
func feedKilled(fd int, done chan struct{}) (lines int, err error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; {
		select {
		case <-done:
			return lines, nil
		case <-tick.C:
		}
		for due := int(time.Since(begun).Seconds() * killRate); lines < due; {
			n, err := unix.Write(fd, killedLine(lines))
			switch {
			case err == unix.EINTR:
				continue
			case err != nil:
				return lines, err
			case n < killLine:
				return lines, fmt.Errorf("%d bytes of a line were written", n)
			}
			lines++
		}
	}
}

// A logreel that is killed loses at most the lines it has just read, and the next one
// goes on with the pipe and the files: no line is there twice or broken. It is serial,
// since what runs beside it would make reads larger.
func TestKill(t *testing.T) {
	kills := 10
	if testing.Short() {
		kills = 4
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	pipe := newStream(t, "pipe")
	var said bytes.Buffer
	begin := func() *exec.Cmd {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), logreel, everySecond)
		cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr = dir, testEnv(""), pipe.read, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}

	cmd := begin()
	var feeder sync.WaitGroup
	written, err, done := 0, error(nil), make(chan struct{})
	feeder.Go(func() { written, err = feedKilled(int(pipe.write.Fd()), done) })
	for range kills {
		time.Sleep(50*time.Millisecond + time.Duration(random.IntN(600))*time.Millisecond) // the random moment
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); cmd.ProcessState.Exited() {
			t.Fatalf("it ended by itself: %v; it said: %s", err, &said)
		}
		cmd = begin()
	}
	close(done)
	feeder.Wait()
	if err := errors.Join(err, pipe.write.Close(), cmd.Wait()); err != nil || complaints(said.String()) != "" {
		t.Errorf("%v; logreel said: %s", err, &said)
	}

	next, lost, wrong := 0, []int{}, 0
	names := inOrder(t, dir)
	for _, name := range names {
		eachLine(t, name, func(line []byte) {
			n, err := strconv.Atoi(string(line[:min(len(line), 8)]))
			if whole := err == nil && bytes.Equal(line, killedLine(n)); !whole || n < next {
				if wrong++; wrong <= 5 {
					t.Errorf("%s: %.120q after line %d", filepath.Base(name), line, next-1)
				}
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
	if wrong > 5 {
		t.Errorf("… %d such lines in all", wrong)
	}
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

// A twin is a writer of lines that tell who wrote them and which they are, as far as
// their length has room for it.
type twin struct {
	name    byte
	count   int
	lengths *rand.Rand
	text    []byte
	line    []byte
}

func newTwin(name byte) *twin {
	return &twin{name: name, lengths: rand.New(rand.NewPCG(uint64(name), 0)), text: newLetters()}
}

// next returns the next line, valid until the call after. Most are short.
func (w *twin) next() []byte {
	length := min(1+w.lengths.IntN(1<<w.lengths.IntN(w.lengths.IntN(17)+1)), longestTwin)
	w.line = fmt.Appendf(w.line[:0], "%c%d ", w.name, w.count)
	w.line = append(w.line, w.text[w.count%1000:w.count%1000+length]...)
	w.count++
	return append(w.line[:length], '\n')
}

// feedTwin writes flat out, one write a line. It returns how many.
func feedTwin(w *twin, f *os.File) (lines int, err error) {
	begun := time.Now()
	for written := 0; written < twinsRoom && time.Since(begun) < twinsFor; {
		n, err := f.Write(w.next())
		if err != nil {
			return w.count, err
		}
		written += n
	}
	return w.count, nil
}

// Two logreels write the same files at once, as while a server reloads: every line is
// whole, none is missing, and each one's are in order. It is serial, since it takes
// all processors.
func TestTwoAtOnce(t *testing.T) {
	for _, test := range []struct {
		about, size string
		files       int // at the least
	}{
		{"by time", "", 2},
		{"by size too", "1M", 50},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Setenv("LOGREEL_SIZE", test.size)
			dir := roomyDir(t, 2*twinsRoom)
			var feeders sync.WaitGroup
			var readers [2]*reader
			var counts [2]int
			var errs [2]error
			for i := range readers {
				readers[i] = startReader(t, dir)
				feeders.Go(func() { counts[i], errs[i] = feedTwin(newTwin("AB"[i]), readers[i].input) })
			}
			feeders.Wait()
			for i, r := range readers {
				r.end(t)
				if errs[i] != nil {
					t.Fatal(errs[i])
				}
			}
			files := checkTwins(t, dir, counts)
			t.Logf("%d and %d lines, %d files", counts[0], counts[1], files)
			if files < test.files {
				t.Errorf("%d files, want at least %d", files, test.files)
			}
		})
	}
}

// checkTwins compares the files with what the twins wrote, and returns how many files
// there are.
func checkTwins(t *testing.T, dir string, counts [2]int) (files int) {
	t.Helper()
	want := [2]*twin{newTwin('A'), newTwin('B')}
	expected := [2][]byte{want[0].next(), want[1].next()}
	wrong := 0
	names := inOrder(t, dir)
	for _, name := range names {
		number := 0
		eachLine(t, name, func(line []byte) {
			number++
			for i, w := range want {
				if bytes.Equal(line, expected[i]) {
					expected[i] = w.next()
					return
				}
			}
			if wrong++; wrong <= 5 {
				t.Errorf("%s:%d: %d bytes %.60q, want %.30q or %.30q", filepath.Base(name), number,
					len(line), line, expected[0], expected[1])
			}
		})
	}
	if wrong > 5 {
		t.Errorf("… %d such lines in all", wrong)
	}
	for i, w := range want {
		if got := w.count - 1; got != counts[i] {
			t.Errorf("twin %c: %d lines in order, want %d", w.name, got, counts[i])
		}
	}
	return len(names)
}
