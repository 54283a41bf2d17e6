package relay

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/output/outputtest"
)

// TestMain plays the process that makes a pass when it is told to: it notes that in the
// file that its last argument names.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == archive.Flag {
		notes, err := os.OpenFile(os.Args[len(os.Args)-1], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err == nil {
			_, err = io.WriteString(notes, "pass\n")
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// While a write hangs, reading goes on: more than the pipe holds is taken. Then
// everything is written in order, and it is said how much was held.
func TestHang(t *testing.T) {
	t.Parallel()
	s := run(t, output.Config{Buffer: 16 << 20})
	s.send(outputtest.Numbered(0, 1))
	release := make(chan bool)
	s.files.be(func(n int) (int, error) { <-release; return n, nil })
	for i := 1; i < 60_000; i += 1000 { // 3 MB; the test's own limit ends it otherwise
		s.send(outputtest.Numbered(i, i+1000))
	}
	s.await("the disk does not answer; lines wait in memory")
	close(release)
	over := s.await("over after")
	s.files.be(nil)
	s.send(outputtest.Numbered(60_001, 60_002))
	outputtest.Check(t, s.end(), outputtest.Numbered(0, 60_002))
	// What came before the spooler took over is counted too, but for the batch that
	// hung, of which an unknown part may have been written.
	if held, err := strconv.Atoi(regexp.MustCompile(`(\d+) lines were held`).FindStringSubmatch(over)[1]); err != nil || held > 60_001 || held < 50_000 {
		t.Errorf("said %q", over)
	}
}

// So it does when opening the first file hangs, before any line has come.
func TestHangAtStart(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	s := runOn(t, &fickle{System: files.Disk{}, open: func() { <-release }}, output.Config{
		Buffer: 16 << 20, Rotator: rotator.Config{Eager: true},
	})
	for i := 0; i < 60_000; i += 1000 { // 3 MB, of which the pipe holds a third
		s.send(outputtest.Numbered(i, i+1000))
	}
	s.await("the disk does not answer; lines wait in memory")
	close(release)
	s.await("over after")
	outputtest.Check(t, s.end(), outputtest.Numbered(0, 60_000))
}

// A full buffer holds up the application until there is room, and loses nothing.
func TestFullBufferWaits(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 1, 64 << 10} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			t.Parallel()
			s := run(t, output.Config{Buffer: limit})
			s.files.be(full)
			sent := make(chan bool)
			go func() {
				defer close(sent)
				s.send(outputtest.Numbered(0, 40_000)) // 2.2 MB: more than pipe, buffer and reader hold
			}()
			// In any order: on a busy machine a write that fails may take long enough for
			// the buffer to fill meanwhile.
			s.awaitAll("lines wait in memory, trying again every second", "the buffer is full; the application waits")
			select {
			case <-sent:
				t.Error("the application was not held up")
			default:
			}
			s.files.be(nil)
			<-sent
			s.await("were held")
			outputtest.Check(t, s.end(), outputtest.Numbered(0, 40_000))
		})
	}
}

// When the disk hangs for good, the lines that are not in the file are counted, and
// those that are there are not.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	s := run(t, output.Config{Buffer: 1 << 20})
	s.send(outputtest.Numbered(0, 10))
	var calls int
	s.files.be(func(n int) (int, error) {
		if calls++; calls == 1 {
			return n / 2, nil
		}
		select {} // for ever
	})
	s.send(outputtest.Numbered(10, 1000))
	s.await("the disk does not answer")
	s.send(outputtest.Numbered(1000, 2000))
	err := s.awaitEnd()
	got := s.content()
	there := strings.Count(got, "\n")
	if want := fmt.Sprintf("%d lines lost", 2000-there); err == nil || !strings.HasPrefix(err.Error(), want) || there == 0 {
		t.Errorf("%d lines are there; got %v, want %s", there, err, want)
	}
	outputtest.Check(t, got[:strings.LastIndexByte(got, '\n')+1], outputtest.Numbered(0, there))
}

// With Drop, a full buffer drops whole lines and says how many, where they are
// missing; the application is not held up.
func TestFullBufferDrops(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 64 << 10, 1 << 20} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			t.Parallel()
			s := run(t, output.Config{Buffer: limit, Drop: true})
			s.send(outputtest.Numbered(0, 10))
			s.files.be(full)
			for i := 10; i < 60_010; i += 1000 { // 3.3 MB
				s.send(outputtest.Numbered(i, i+1000))
			}
			s.await("the buffer is full; lines are dropped")
			s.files.be(nil)
			s.await("were held")
			s.send(outputtest.Numbered(60_010, 60_020))
			if dropped := outputtest.CheckDropped(t, s.end(), outputtest.Numbered(0, 60_020)); dropped < 10_000 {
				t.Errorf("%d lines dropped", dropped)
			}
		})
	}
}

// Whatever writes do, for however long, and however little memory there is: every
// line is written once, whole and in order, or counted.
func TestFickleDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		drop := seed%2 == 1
		t.Run(fmt.Sprintf("seed %d, drop %v", seed, drop), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 3))
			s := run(t, output.Config{Buffer: 1 << (10 + random.IntN(10)), Drop: drop})
			fate := rand.New(rand.NewPCG(seed, 4))
			var mu sync.Mutex
			s.files.be(func(n int) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				switch fate.IntN(12) {
				case 0:
					return 0, unix.ENOSPC
				case 1:
					return fate.IntN(n), unix.EIO
				case 2:
					time.Sleep(time.Duration(fate.IntN(300)) * time.Millisecond)
				case 3, 4:
					return 1 + fate.IntN(n), nil
				}
				return n, nil
			})
			var sent strings.Builder
			for i := 0; i < 30_000; {
				to := i + 1 + random.IntN(1<<random.IntN(13))
				text := outputtest.Numbered(i, to)
				if random.IntN(20) == 0 {
					text += strings.Repeat("long ", random.IntN(400_000)) + "\n"
				}
				sent.WriteString(text)
				s.send(text)
				i = to
			}
			if got := s.end(); drop {
				t.Logf("%d lines dropped", outputtest.CheckDropped(t, got, sent.String()))
			} else {
				outputtest.Check(t, got, sent.String())
			}
		})
	}
}

// When no line comes, a pass over the finished files is made all the same, an hour after
// the last one.
func TestPassWithoutLines(t *testing.T) {
	t.Parallel()
	p, err := pattern.New(pattern.Config{Pattern: t.TempDir() + "/%Y", Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(t.TempDir(), "passes")
	const moment = 300 * time.Millisecond
	s := run(t, output.Config{Arguments: []string{notes}, Archive: archive.Config{
		Pattern: p, KeepCount: 1,
		Now: func() time.Time { return time.Now().Add(moment - time.Hour) }, // of the first pass
	}})
	const want = "pass\npass\n"
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got, err := os.ReadFile(notes)
		if string(got) == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	s.end()
	if got, err := os.ReadFile(notes); string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
