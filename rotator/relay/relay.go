// Package relay moves lines from the intake to the rotator until the input ends,
// and answers the signals and the clock meanwhile.
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
//   - Lines that cannot be written wait, in order, in memory of Config.Buffer bytes
//     at the most, which is taken only then and given back. When it is full nothing
//     more is read, or with Config.Drop whole lines are dropped and counted, and
//     the count is written where they are missing.
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

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/messages"
)

// retryEvery is the pause between two attempts to write.
const retryEvery = time.Second

var newline = []byte{'\n'}

// Config says what to connect. Reader and Rotator are required.
type Config struct {
	Reader  *intake.Reader
	Rotator *rotator.Rotator
	// Archiver looks after finished files; nil for nobody.
	Archiver *archive.Archiver
	// Signals are those to answer, from process.Signals or command.Command.Signals.
	// SIGCHLD says that the command whose output is read has ended.
	Signals <-chan os.Signal
	// Buffer is how many bytes of lines that cannot be written are kept; 0 for none.
	Buffer int
	// Drop says that lines which find no room in a full buffer are dropped, rather
	// than left in the input. If the input is a file, they are left there anyway.
	Drop bool
	// Grace is how long the input may last after SIGTERM or SIGCHLD; nil for no
	// limit.
	Grace *time.Duration
	// Poller says that waits may be on the Go runtime's poller, as process.PrepareRuntime tells.
	Poller bool
	// Terminal says that a person is typing the input.
	Terminal bool
	// Tee gets a copy of every line; nil for none. When it fails it gets no more.
	Tee io.Writer
	// Messages are what the user is told; the zero Printer is silent.
	Messages messages.Printer
}

// A relay is the state of one Run.
type relay struct {
	Config
	started  time.Time
	buffer   buffer
	handover handover
	// failing belongs to the copier, and reports what keeps it from writing.
	failing messages.Fault
	signals chan os.Signal
	// terminated says that somebody has asked for the end.
	terminated atomic.Bool

	mu     sync.Mutex
	status rotator.Status // as it was when the copier last turned to the disk, or failed there

	// What follows belongs to whoever has the reader.

	// spill is the part of the last batch that found no room in the buffer.
	spill   []byte
	spillAt time.Time
	// ended is why there is nothing more to read; nil while there may be.
	ended error
	// requests are signals that the copier is to answer.
	requests []os.Signal
	terms    int
	// graceEnd is when Grace is over; zero while none has begun.
	graceEnd time.Time
}

// Run moves lines until the end of input, and closes the archiver. It returns nil if
// every line was written.
func Run(c Config) error {
	c.Messages = c.Messages.OrSilent()
	if c.Archiver == nil {
		c.Archiver = archive.NewArchiver(archive.Config{}, nil)
	}
	r := &relay{
		Config: c, started: time.Now(),
		buffer:   buffer{limit: c.Buffer, drop: c.Drop && !c.Reader.Regular()},
		handover: handover{back: make(chan struct{})},
		failing:  messages.Fault{Printer: c.Messages},
		signals:  make(chan os.Signal, 16),
	}
	if err := r.handover.timer.open(c.Poller); err != nil {
		return err
	}
	c.Archiver.Start()
	go r.listen()
	result := make(chan error, 2)
	go func() { result <- r.copy() }()
	go r.spooler(result)
	err := <-result
	patience := time.Duration(math.MaxInt64)
	if c.Grace != nil {
		patience = *c.Grace
	}
	c.Archiver.Close(patience, r.terminated.Load)
	return err
}

// copy is the copier: it reads and writes until the end of input.
func (r *relay) copy() error {
	for r.ended == nil {
		lines, at, err := r.Reader.Next(r.untilGrace(sooner(r.Rotator.Until(), r.Archiver.Until())))
		r.ended = err
		r.takeSignals()
		for r.deliver(lines, at); r.takeBack(); r.deliver(lines, at) {
			r.recovered()
			lines, at, r.spill = r.spill, r.spillAt, nil
		}
		r.buffer.release()
		if r.Reader.AfterQuiet() {
			r.silence()
		}
	}
	r.handover.reader.Store(closed)
	r.handover.timer.set(0)
	err := r.ended
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.Rotator.Close())
}

// deliver writes a batch, and before it what is in the buffer, and does what else is
// to be done on the disk.
func (r *relay) deliver(lines []byte, at time.Time) {
	requests := r.requests
	r.requests = nil
	r.noteStatus()
	more := len(lines) == 0 && r.Reader.Waiting() > 0
	r.buffer.lend(lines, at)
	r.offerReader()
	for r.writeFront() {
	}
	for _, s := range requests {
		r.serve(s)
	}
	if len(lines) == 0 {
		r.Rotator.Tick(time.Now(), more)
	}
	r.Archiver.Tick(time.Now())
}

// writeFront writes the oldest lines that wait. It reports false when there are none.
func (r *relay) writeFront() bool {
	lines, at := r.buffer.front()
	if len(lines) == 0 {
		return false
	}
	n, err := r.Rotator.Write(lines, at)
	r.buffer.wrote(n)
	r.tee(lines[:n])
	if r.buffer.advance(n) {
		r.Reader.Interrupt() // there is room again
	}
	if err != nil {
		r.failing.Begin(time.Now(), err, "lines wait in memory, trying again every second")
		r.handover.failing.Store(true)
		r.noteStatus()
		r.callSpooler()
		if !r.Archiver.MakeRoom(err) {
			_, _ = unix.Poll(nil, int(retryEvery.Milliseconds()))
		}
	}
	return true
}

// recovered reports that a fault is over, when all that waited is written.
func (r *relay) recovered() {
	r.failing.End(time.Now(), held(r.buffer.held()))
	r.handover.failing.Store(false)
}

// untilGrace returns the earlier of an instant and the end of the grace; the zero time
// when there is neither.
func (r *relay) untilGrace(until time.Time) time.Time {
	if r.graceEnd.IsZero() {
		return until
	}
	// Reckoned anew from the monotonic clock, since someone may set the wall clock.
	return sooner(until, time.Now().Add(time.Until(r.graceEnd)))
}

// sooner returns the earlier of two instants, of which a zero one does not count.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// tee copies lines to standard output.
func (r *relay) tee(lines []byte) {
	if r.Tee == nil || len(lines) == 0 {
		return
	}
	r.handover.teeing.Store(true)
	defer r.handover.teeing.Store(false)
	if _, err := r.Tee.Write(lines); err != nil {
		r.Messages.Warn("--tee: %v; going on without it", err)
		r.Tee = nil
	}
}

func plural(lines int) string {
	if lines == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", lines)
}

func held(lines int) string {
	if lines == 1 {
		return "1 line was held"
	}
	return plural(lines) + " were held"
}
