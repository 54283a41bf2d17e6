package relay

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/output/outputtest"
	"github.com/logreel/logreel/rotator/record"
)

// What is edited stays as it is while a disk that hangs has it, and lines are read on.
func TestEditedLinesWait(t *testing.T) {
	t.Parallel()
	stamp, err := record.NewStamp(record.DefaultStamp, '%', time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := record.CompileRedaction("secret")
	if err != nil {
		t.Fatal(err)
	}
	for about, c := range map[string]record.EditorConfig{
		"stamped":  {Stamp: stamp},
		"redacted": {Redact: []*record.Redaction{secret}},
		"stripped": {Strip: true},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			s, in := newSession(t, &fickle{System: files.Disk{}})
			c.MaxLine = in.MaxLine
			out := s.open(s.dir+"/%Y", s.files, output.Config{Buffer: 64 << 20})
			s.run(in, Stream{Output: out.Output, Editor: record.NewEditor(c, nil)})
			over := make(chan bool)
			hanging := make(chan bool, 1000)
			s.files.be(func(n int) (int, error) { hanging <- true; <-over; return n, nil })
			s.send("secret \x1b[31mof the first lines\n" + outputtest.Numbered(0, 2000))
			<-hanging
			for i := 2000; i < 20_000; i += 1000 {
				s.send("secret \x1b[32m" + outputtest.Numbered(i, i+1000))
			}
			s.await("lines wait in memory")
			s.files.be(nil)
			close(over)
			s.await("were held")
			got := regexp.MustCompile(`(?m)^\d{4}-\S+ `).ReplaceAllString(s.end(), "")
			got = regexp.MustCompile("(?:secret|\\*{3}) |\x1b\\[..m").ReplaceAllString(got, "")
			outputtest.Check(t, strings.TrimPrefix(got, "of the first lines\n"), outputtest.Numbered(0, 20_000))
		})
	}
}
