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
	"sync"
	"sync/atomic"
	"time"

	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/record"
)

var newline = []byte{'\n'}

// Config says what to connect. Reader and Output are required.
type Config struct {
	Reader *intake.Reader
	Output *output.Output
	// Others are further outputs. Each writes what it is given from a goroutine of its
	// own.
	Others []*output.Output
	// Router says which records go to which of the outputs; nil if all go to Output.
	Router *record.Router
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
	started  time.Time
	handover handover
	signals  chan os.Signal
	// terminated says that somebody has asked for the end.
	terminated atomic.Bool

	// What follows belongs to whoever has the reader.

	// spill is the part of the last batch that found no room in the buffer.
	spill   []byte
	spillAt time.Time
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

// Run moves lines until the end of input, and waits for what is to be done with finished
// files. It returns nil if every line was written.
func Run(c Config) error {
	c.Messages = c.Messages.OrSilent()
	if c.Reader.Regular() {
		if path := c.Output.Path(time.Now()); c.Reader.Reads(path) {
			return fmt.Errorf("standard input is %s, the file to be written", path)
		}
		c.Output.NeverDrop() // what is not read stays in the file
	}
	r := &relay{
		Config: c, started: time.Now(),
		handover: handover{back: make(chan struct{})},
		signals:  make(chan os.Signal, 16),
	}
	r.give = func(other int, lines []byte) { r.Others[other].Give(lines, r.routed) }
	if err := r.handover.timer.Open(c.Poller); err != nil {
		return err
	}
	for _, o := range c.Others {
		o.Attach(c.Reader.Interrupt, func() {})
		if err := o.Go(c.Poller); err != nil {
			return err
		}
	}
	c.Output.Attach(c.Reader.Interrupt, r.callSpooler)
	go r.listen()
	results := make(chan result, 2)
	go func() { results <- result{err: r.copy()} }()
	go r.spooler(results)
	return r.end(<-results)
}

// A result is how an output has ended.
type result struct {
	lost int // how many lines
	err  error
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
		one := <-results
		all.lost += one.lost
		all.err = errors.Join(all.err, one.err)
	}
	patience := time.Duration(math.MaxInt64)
	if r.Grace != nil {
		patience = *r.Grace
	}
	var finishing sync.WaitGroup
	for _, o := range append([]*output.Output{r.Output}, r.Others...) {
		finishing.Go(func() { o.Finish(patience, r.terminated.Load) })
	}
	finishing.Wait()
	if all.lost > 0 {
		all.err = errors.Join(all.err, fmt.Errorf("%s lost that could not be written within %v of the end of input", messages.Lines(all.lost), lastTry))
	}
	return all.err
}

// copy is the copier: it reads and writes until the end of input.
func (r *relay) copy() error {
	r.offerReader()
	r.Output.Start()
	for r.takeBackAll(); r.ended == nil; r.takeBackAll() {
		lines, at, err := r.next(r.untilGrace(r.Output.Until()))
		r.ended = err
		r.takeSignals()
		r.deliver(lines, at)
	}
	r.handover.reader.Store(closed)
	r.handover.timer.Set(0)
	err := r.ended
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.Output.Close())
}

// deliver writes a batch, and before it what is in the buffer, and does what else is
// to be done on the disk. Meanwhile the spooler may take the reader.
func (r *relay) deliver(lines []byte, at time.Time) {
	requests := r.requests
	r.requests = nil
	idle := len(lines) == 0
	more := idle && r.Reader.Waiting() > 0
	r.Output.Lend(lines, at)
	r.offerReader()
	r.Output.WriteAll()
	for _, s := range requests {
		r.serve(s)
	}
	r.Output.Tick(time.Now(), idle, more)
	if idle {
		for _, o := range r.Others {
			o.Wake() // the clock may have been set
		}
	}
}

// takeBackAll takes the reader back, and writes what the spooler has left.
func (r *relay) takeBackAll() {
	for r.takeBack() {
		r.Output.Recovered()
		lines := r.spill
		r.spill = nil
		r.deliver(lines, r.spillAt)
	}
	r.Output.Release()
	if r.Reader.AfterQuiet() {
		r.silence()
	}
}

// untilGrace returns the earlier of an instant and the end of the grace; the zero time
// when there is neither.
func (r *relay) untilGrace(until time.Time) time.Time {
	if r.graceEnd.IsZero() {
		return until
	}
	// Reckoned anew from the monotonic clock, since someone may set the wall clock.
	end := time.Now().Add(time.Until(r.graceEnd))
	if until.IsZero() || end.Before(until) {
		return end
	}
	return until
}
