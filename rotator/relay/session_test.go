package relay

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
)

// A fickle file system does with each write what the test says: how many bytes of it
// are written, and how it fails. It may wait as well.
type fickle struct {
	files.System
	open  func() // is called before a file is opened
	mu    sync.Mutex
	write func(n int) (int, error)
}

type fickleFile struct {
	files.File
	files *fickle
}

func (f *fickle) Open(path string, create bool, mode uint32) (files.File, error) {
	if f.open != nil {
		f.open()
	}
	file, err := f.System.Open(path, create, mode)
	if err != nil {
		return nil, err
	}
	return fickleFile{file, f}, nil
}

// be changes what writes do; nil for what the disk does.
func (f *fickle) be(write func(n int) (int, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write = write
}

func (f fickleFile) Write(p []byte) (int, error) {
	f.files.mu.Lock()
	write := f.files.write
	f.files.mu.Unlock()
	if write == nil {
		return f.File.Write(p)
	}
	n, err := write(len(p))
	if n == 0 {
		return 0, err
	}
	n, failed := f.File.Write(p[:n])
	if failed != nil {
		err = failed
	}
	return n, err
}

// full is a disk without room.
func full(int) (int, error) { return 0, unix.ENOSPC }

// A session is a Run in a directory of its own.
type session struct {
	t     *testing.T
	files *fickle
	dir   string
	input *os.File
	said  chan string
	ended chan error
}

func run(t *testing.T, c output.Config) *session {
	t.Helper()
	return runOn(t, &fickle{System: files.Disk{}}, c)
}

func runOn(t *testing.T, system *fickle, c output.Config) *session {
	t.Helper()
	s, in := newSession(t, system)
	out := s.open(s.dir+"/%H%M%S", system, c)
	in.Boundary = func(t time.Time) time.Time { return out.names.Period(t).End }
	s.run(in, Stream{Output: out.Output})
	return s
}

// newSession returns a session that does not run yet, and how it is to read.
func newSession(t *testing.T, system *fickle) (*session, intake.Config) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, dir: t.TempDir(), files: system, input: os.NewFile(uintptr(ends[1]), "pipe"),
		said: make(chan string, 1000), ended: make(chan error, 1)}
	return s, intake.Config{Input: ends[0], Linger: 5 * time.Millisecond, MaxLine: 1 << 20}
}

// printer has the session take down what is said.
func (s *session) printer() messages.Printer {
	say := func(format string, args ...any) { s.said <- fmt.Sprintf(format, args...) }
	return messages.Printer{Say: say, Warn: say}
}

// An opened output, and its names.
type opened struct {
	*output.Output
	names *pattern.Pattern
}

func (s *session) open(text string, system *fickle, c output.Config) opened {
	s.t.Helper()
	names, err := pattern.New(pattern.Config{Pattern: text, Zone: time.UTC})
	if err != nil {
		s.t.Fatal(err)
	}
	c.Messages = s.printer()
	c.Rotator = rotator.Config{Pattern: names, Mode: 0o600, DirMode: 0o700, Eager: c.Rotator.Eager, Files: system, Messages: c.Messages}
	out, err := output.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return opened{out, names}
}

// run runs until the end of input.
func (s *session) run(in intake.Config, stream Stream, others ...*output.Output) {
	s.t.Helper()
	var err error
	if stream.Reader, err = intake.New(in); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		s.ended <- Run(Config{Streams: []Stream{stream}, Others: others, Messages: s.printer()})
		_ = unix.Close(in.Input)
	}()
}

// send writes to the pipe.
func (s *session) send(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.input, text); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until a text is said, and returns the message.
func (s *session) await(text string) string {
	s.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case said := <-s.said:
			if strings.Contains(said, text) {
				return said
			}
		case <-deadline:
			s.t.Fatalf("nobody said %q", text)
		}
	}
}

// awaitAll is await for several messages in any order.
func (s *session) awaitAll(texts ...string) {
	s.t.Helper()
	for len(texts) > 0 {
		said := s.await("")
		texts = slices.DeleteFunc(texts, func(text string) bool { return strings.Contains(said, text) })
	}
}

// end ends the input and returns what the files hold.
func (s *session) end() string {
	s.t.Helper()
	if err := s.awaitEnd(); err != nil {
		s.t.Error(err)
	}
	return s.content()
}

// awaitEnd ends the input and returns what the relay ends with.
func (s *session) awaitEnd() (err error) {
	s.t.Helper()
	if err := s.input.Close(); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err = <-s.ended:
	case <-time.After(patience):
		s.t.Fatal("still running")
	}
	return err
}

func (s *session) content() string {
	s.t.Helper()
	names, err := filepath.Glob(s.dir + "/*")
	if err != nil {
		s.t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
