package relay

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/output/outputtest"
	"github.com/logreel/logreel/rotator/record"
)

// A pair is a relay with two outputs that both get every line. The first one has room for
// all of them, whatever a busy machine makes it wait for.
type pair struct {
	*session
	other      *fickle
	otherDir   string
	otherLines func() string
}

func runPair(t *testing.T, c output.Config) *pair {
	t.Helper()
	s, in := newSession(t, &fickle{System: files.Disk{}})
	p := &pair{session: s, other: &fickle{System: files.Disk{}}, otherDir: t.TempDir()}
	first := p.open(p.dir+"/%Y", p.files, output.Config{Buffer: 64 << 20})
	c.Batch = 1 << 20
	second := p.open(p.otherDir+"/%Y", p.other, c)
	p.otherLines = func() string { return (&session{t: t, dir: p.otherDir}).content() }
	router := record.NewRouter(record.Config{MaxLine: in.MaxLine, Outputs: []record.Output{{}}})
	p.run(in, Stream{Output: first.Output, Router: router}, second.Output)
	return p
}

// awaitLines waits until a file holds so many lines.
func (p *pair) awaitLines(content func() string, n int) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); strings.Count(content(), "\n") < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%d lines of %d are there", strings.Count(content(), "\n"), n)
		}
	}
}

// What one output's disk does delays neither the application nor the other output, and
// nothing is lost in either when it is over.
func TestFaultOfOneOutput(t *testing.T) {
	t.Parallel()
	for about, fault := range map[string]func(over chan bool) func(n int) (int, error){
		"a full disk": func(chan bool) func(int) (int, error) { return full },
		"an error":    func(chan bool) func(int) (int, error) { return func(int) (int, error) { return 0, unix.EIO } },
		"a hang":      func(over chan bool) func(int) (int, error) { return func(n int) (int, error) { <-over; return n, nil } },
	} {
		for which := range 2 {
			t.Run(fmt.Sprintf("%s %d", about, which), func(t *testing.T) {
				t.Parallel()
				p := runPair(t, output.Config{Buffer: 16 << 20})
				p.send(outputtest.Numbered(0, 10))
				p.awaitLines(p.content, 10)
				p.awaitLines(p.otherLines, 10)
				broken, well := p.files, p.otherLines
				if which == 1 {
					broken, well = p.other, p.content
				}
				over := make(chan bool)
				broken.be(fault(over))
				for i := 10; i < 60_000; i += 1000 { // 3 MB; the pipe alone holds a third
					p.send(outputtest.Numbered(i, min(i+1000, 60_000)))
				}
				p.awaitLines(well, 60_000)
				p.await("lines wait in memory")
				broken.be(nil)
				close(over)
				p.await("were held")
				outputtest.Check(t, p.end(), outputtest.Numbered(0, 60_000))
				outputtest.Check(t, p.otherLines(), outputtest.Numbered(0, 60_000))
			})
		}
	}
}

// A full buffer of the other output holds up the application, and nothing is lost.
func TestOtherBufferFull(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 64 << 10} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			p := runPair(t, output.Config{Buffer: limit})
			p.other.be(full)
			sent := make(chan bool)
			go func() {
				defer close(sent)
				p.send(outputtest.Numbered(0, 80_000))
			}()
			p.await("the buffer is full; the application waits")
			select {
			case <-sent:
				t.Error("the application was not held up")
			default:
			}
			p.other.be(nil)
			<-sent
			outputtest.Check(t, p.end(), outputtest.Numbered(0, 80_000))
			outputtest.Check(t, p.otherLines(), outputtest.Numbered(0, 80_000))
		})
	}
}

// With Drop it does not, and the other output says what is missing.
func TestOtherBufferDrops(t *testing.T) {
	t.Parallel()
	p := runPair(t, output.Config{Buffer: 64 << 10, Drop: true})
	p.other.be(full)
	for i := 0; i < 60_000; i += 1000 {
		p.send(outputtest.Numbered(i, i+1000))
	}
	p.await("the buffer is full; lines are dropped")
	p.awaitLines(p.content, 60_000)
	p.other.be(nil)
	p.await("were held")
	outputtest.Check(t, p.end(), outputtest.Numbered(0, 60_000))
	if dropped := outputtest.CheckDropped(t, p.otherLines(), outputtest.Numbered(0, 60_000)); dropped < 10_000 {
		t.Errorf("%d lines dropped", dropped)
	}
}

// At the end of input a disk that does nothing any more is given up, in either output, and
// the lines of both are counted.
func TestGiveUpOther(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1 << 10, 16 << 20} { // the input ends with lines in the pipe, or all read
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			p := runPair(t, output.Config{Buffer: limit})
			p.send(outputtest.Numbered(0, 10))
			p.awaitLines(p.otherLines, 10)
			p.other.be(func(int) (int, error) { select {} })
			p.send(outputtest.Numbered(10, 2000))
			p.send(outputtest.Numbered(2000, 5000))
			err := p.awaitEnd()
			if want := "4990 lines lost"; err == nil || !strings.HasPrefix(err.Error(), want) || errors.Is(err, unix.EIO) {
				t.Errorf("got %v, want %s", err, want)
			}
			outputtest.Check(t, p.content(), outputtest.Numbered(0, 5000))
			outputtest.Check(t, p.otherLines(), outputtest.Numbered(0, 10))
		})
	}
}
