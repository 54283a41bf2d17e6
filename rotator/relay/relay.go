// Package relay moves lines from the intake to the output until the input ends, and
// answers the signals and the clock meanwhile.
//
// While the disk works, one goroutine, the copier, reads a batch and writes it. When a
// write fails, or takes more than a tenth of a second, another goroutine, the spooler,
// reads on into a buffer, so that the application is not held up; the copier tries
// again every second, writes what is in the buffer, and takes the reader back. Handing
// every batch from one goroutine to another would cost more than reading and writing it.
//
// # Guarantees
//
//   - The normal end is the end of input: what is left is written, then Run
//     returns. SIGTERM, SIGINT and SIGQUIT do not end it while anybody may still
//     write, since servers and supervisors signal the whole group, or the logger
//     first, and the application's last lines are still to come.
//   - A second SIGTERM, or the end of Config.Grace after the first, sets the end of
//     input: what waits then is still written. On a terminal SIGINT and SIGTERM do so.
//   - SIGHUP reopens the live file, SIGALRM switches, SIGUSR1 reports; SIGUSR2,
//     SIGPIPE and SIGXFSZ do nothing. None of them ends it.
//   - While the disk keeps lines from being written, reading goes on until the output's
//     buffer is full.
//   - After the end of input it goes on trying until ten seconds after the last
//     success; what is lost then is counted.
//   - After the start it opens no descriptors but those of files. It sets no timer of
//     the runtime, since the first one opens two descriptors, and the process ends if
//     there are none left.
//
// # Not guaranteed
//
// What is in the buffer does not survive SIGKILL. A process whose write hangs can
// end only when the system lets go of it.
package relay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/record"
)

var newline = []byte{'\n'}

// A Stream is an input and the output that it goes to.
type Stream struct {
	Reader *intake.Reader
	Output *output.Output
	// Router says which records go to others instead, or as well; nil if all go to Output
	// alone. Editor changes what is written; it has the Router then. Nil for nothing.
	Router *record.Router
	Editor *record.Editor
}

// Config says what to connect. There is at least one stream.
type Config struct {
	Streams []Stream
	// Others are further outputs, which all streams share. Each writes what it is given
	// from a goroutine of its own.
	Others []*output.Output
	// Signals are those to answer, from process.Signals or command.Command.Signals.
	// SIGCHLD says that the command whose output is read has ended.
	Signals <-chan os.Signal
	// Grace is how long the input may last after SIGTERM or SIGCHLD; nil for no
	// limit.
	Grace *time.Duration
	// Poller says that waits may be on the Go runtime's poller, as process.PrepareRuntime tells.
	Poller bool
	// Terminal says that a person is typing the input.
	Terminal bool
	// Messages are what the user is told; the zero Printer is silent.
	Messages messages.Printer
}

// A relay is the state of one Run.
type relay struct {
	Config
	started time.Time
	streams []*stream
	// terminated says that somebody has asked for the end.
	terminated atomic.Bool
}

// A stream is the state of one of the streams.
type stream struct {
	*relay
	Stream
	// tells says that it is this stream which tells the user what concerns all.
	tells    bool
	handover handover
	signals  chan os.Signal

	// What follows belongs to whoever has the reader.

	// spill is the part of the last batch that found no room in the buffer.
	spill   []byte
	spillAt time.Time
	// silent says that no line has come since a silence that ended the last record, or that
	// none will. Other streams look at it.
	silent atomic.Bool
	// routed is when the last batch was read that was routed; give gives an output what is
	// its own of it.
	routed time.Time
	give   func(other int, lines []byte)
	// ended is why there is nothing more to read; nil while there may be.
	ended error
	// requests are signals that the copier is to answer.
	requests []os.Signal
	terms    int
	// graceEnd is when Grace is over; zero while none has begun.
	graceEnd time.Time
}

// Run moves lines until the end of all input, and waits for what is to be done with
// finished files. It returns nil if every line was written.
func Run(c Config) error {
	c.Messages = c.Messages.OrSilent()
	r := &relay{Config: c, started: time.Now()}
	for _, given := range c.Streams {
		s, err := r.stream(given)
		if err != nil {
			return err
		}
		r.streams = append(r.streams, s)
	}
	for _, o := range c.Others {
		o.Attach(r.interrupt, func() {})
		if err := o.RunInBackground(c.Poller); err != nil {
			return err
		}
	}
	go r.listen()
	results := make(chan result, len(r.streams))
	for _, s := range r.streams {
		go func() { results <- s.run() }()
	}
	var all result
	for range r.streams {
		all.add(<-results)
	}
	return r.end(all)
}

// stream prepares a stream.
func (r *relay) stream(given Stream) (*stream, error) {
	s := &stream{
		relay: r, Stream: given, tells: len(r.streams) == 0,
		handover: handover{back: make(chan struct{})},
		signals:  make(chan os.Signal, 16),
	}
	if s.Reader.Regular() {
		if path := s.Output.Path(time.Now()); s.Reader.Reads(path) {
			return nil, fmt.Errorf("standard input is %s, the file to be written", path)
		}
		s.Output.NeverDrop() // what is not read stays in the file
	}
	s.give = func(other int, lines []byte) { s.Others[other].Give(lines, s.routed) }
	s.Output.Attach(s.Reader.Interrupt, s.callSpooler)
	return s, s.handover.timer.Open(r.Poller)
}

// interrupt has all readers look at what has changed.
func (r *relay) interrupt() {
	for _, s := range r.streams {
		s.Reader.Interrupt()
	}
}

// A result is how an output has ended.
type result struct {
	lost int // how many lines
	err  error
}

// add adds the result of another output.
func (r *result) add(other result) {
	r.lost += other.lost
	r.err = errors.Join(r.err, other.err)
}

// end waits for the other outputs, and for what is to be done with finished files. It
// returns the result of all.
func (r *relay) end(all result) error {
	results := make(chan result, len(r.Others))
	for _, o := range r.Others {
		go func() {
			lost, err := o.End(lastTry)
			results <- result{lost, err}
		}()
	}
	for range r.Others {
		all.add(<-results)
	}
	patience := time.Duration(math.MaxInt64)
	if r.Grace != nil {
		patience = *r.Grace
	}
	outputs := slices.Clone(r.Others)
	for _, s := range r.streams {
		outputs = append(outputs, s.Output)
	}
	var finishing sync.WaitGroup
	for _, o := range outputs {
		finishing.Go(func() { o.Finish(patience, r.terminated.Load) })
	}
	finishing.Wait()
	if all.lost > 0 {
		all.err = errors.Join(all.err, fmt.Errorf("%s lost that could not be written within %v of the end of input", messages.Lines(all.lost), lastTry))
	}
	return all.err
}

// run moves lines of the stream until its end.
func (s *stream) run() result {
	results := make(chan result, 2)
	go func() { results <- result{err: s.copy()} }()
	go s.spooler(results)
	return <-results
}

// copy is the copier: it reads and writes until the end of input.
func (s *stream) copy() error {
	s.offerReader()
	s.Output.Start()
	for s.takeBackAll(); s.ended == nil; s.takeBackAll() {
		lines, at, err := s.next(s.untilGrace(s.Output.Until()))
		s.ended = err
		s.takeSignals()
		s.deliver(lines, at)
	}
	s.silent.Store(true)
	s.handover.reader.Store(closed)
	s.handover.timer.Set(0)
	err := s.ended
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, s.Output.Close())
}

// deliver writes a batch, and before it what is in the buffer, and does what else is
// to be done on the disk. Meanwhile the spooler may take the reader.
func (s *stream) deliver(lines []byte, at time.Time) {
	requests := s.requests
	s.requests = nil
	idle := len(lines) == 0
	more := idle && s.Reader.Waiting() > 0
	s.Output.Lend(lines, at)
	s.offerReader()
	s.Output.WriteAll()
	for _, sig := range requests {
		s.serve(sig)
	}
	s.Output.Tick(time.Now(), idle, more)
	if idle {
		for _, o := range s.Others {
			o.Wake() // the clock may have been set
		}
	}
}

// takeBackAll takes the reader back, and writes what the spooler has left.
func (s *stream) takeBackAll() {
	for s.takeBack() {
		s.Output.Recovered()
		lines := s.spill
		s.spill = nil
		s.deliver(lines, s.spillAt)
	}
	s.Output.Release()
	if s.Reader.AfterQuiet() {
		s.silence()
	}
}

// untilGrace returns the earlier of an instant and the end of the grace; the zero time
// when there is neither.
func (s *stream) untilGrace(until time.Time) time.Time {
	if s.graceEnd.IsZero() {
		return until
	}
	// Reckoned anew from the monotonic clock, since someone may set the wall clock.
	end := time.Now().Add(time.Until(s.graceEnd))
	if until.IsZero() || end.Before(until) {
		return end
	}
	return until
}
