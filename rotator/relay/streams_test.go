package relay

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/output/outputtest"
	"github.com/logreel/logreel/rotator/record"
)

// Two streams, as of a command whose standard error has files of its own: a hang of one's
// disk does not delay the other, a signal is for both, the further output has the lines of
// both, and the end is that of both.
func TestTwoStreams(t *testing.T) {
	t.Parallel()
	one, inOne := newSession(t, &fickle{System: files.Disk{}})
	two, inTwo := newSession(t, &fickle{System: files.Disk{}})
	shared, _ := newSession(t, &fickle{System: files.Disk{}})
	config := Config{Messages: one.printer()}
	for _, s := range []struct {
		*session
		in intake.Config
	}{{one, inOne}, {two, inTwo}} {
		reader, err := intake.New(s.in)
		if err != nil {
			t.Fatal(err)
		}
		config.Streams = append(config.Streams, Stream{
			Reader: reader, Output: s.open(s.dir+"/%Y", s.files, output.Config{Buffer: 64 << 20}).Output,
			Router: record.NewRouter(record.Config{MaxLine: s.in.MaxLine, Outputs: []record.Output{{}}}),
		})
	}
	config.Others = []*output.Output{shared.open(shared.dir+"/%Y", shared.files, output.Config{Buffer: 64 << 20, Batch: 1 << 20}).Output}
	signals := make(chan os.Signal, 1)
	config.Signals = signals
	go func() { one.ended <- Run(config) }()

	p := &pair{session: one}
	over := make(chan bool)
	one.files.be(func(n int) (int, error) { <-over; return n, nil })
	one.send(outputtest.Numbered(0, 10))
	two.send(outputtest.Numbered(0, 40_000))
	p.awaitLines(two.content, 40_000)
	one.await("the disk does not answer")
	signals <- syscall.SIGUSR1
	for _, s := range []*session{one, two, shared} {
		s.await("bytes waiting")
	}
	if err := two.input.Close(); err != nil {
		t.Fatal(err)
	}
	one.files.be(nil)
	close(over)
	one.send(outputtest.Numbered(10, 20))
	outputtest.Check(t, one.end(), outputtest.Numbered(0, 20))
	outputtest.Check(t, two.content(), outputtest.Numbered(0, 40_000))
	if got := strings.Count(shared.content(), "\n"); got != 40_020 {
		t.Errorf("%d lines of both", got)
	}
}
