// Package output writes the lines of one pattern: it holds those that cannot be written
// yet, has the others written into the live file, and has finished files looked after.
//
// An [Output] is a buffer, a rotator and an archiver. Two goroutines use it. One writes:
// it calls everything that waits for the disk. The other one reads the input. There are
// two ways to share the work between them:
//
//   - One goroutine reads and writes by turns: it lends a batch and writes it. While the
//     disk keeps it, another goroutine reads, and pushes what it has read. That is the
//     cheapest way, for the output that most lines go into.
//   - The output has a goroutine of its own ([Output.RunInBackground]) and is given lines. A fault of
//     its disk delays nobody else, until its buffer is full.
//
// # Guarantees
//
//   - Lines are written in the order in which they were lent or pushed.
//   - Lines that cannot be written wait in memory of Config.Buffer bytes at the most,
//     which is taken only then and given back. Those that find no room are left with the
//     caller, or with Config.Drop dropped, whole and counted; the count is written where
//     they are missing.
//   - A fault is reported once when it begins, and once when it is over, with how many
//     lines were held.
//
// # Not guaranteed
//
// What is in the buffer does not survive SIGKILL.
package output

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/hook"
	"github.com/logreel/logreel/rotator/messages"
)

// retryEvery is the pause between two attempts to write.
const retryEvery = time.Second

// Config says what to write where. Rotator is required.
type Config struct {
	// Name is what the user calls the output.
	Name string
	// Rotator says which files to write. Its Opened and Finished are set by New.
	Rotator rotator.Config
	// ExecOpen is run for each file that is opened; the zero Command for none.
	ExecOpen hook.Command
	// Archive says what to do with finished files; the zero Config for nothing.
	Archive archive.Config
	// Arguments are those that this process was started with, without a command.
	Arguments []string
	// Buffer is how many bytes of lines that cannot be written are kept; 0 for none.
	Buffer int
	// Batch is how many bytes Give may take past that; 0 if it is not called.
	Batch int
	// Drop says that lines which find no room in a full buffer are dropped, rather
	// than left with the caller.
	Drop bool
	// Stdout is where lines go instead of into files; nil for files. Only says that they
	// go nowhere else.
	Stdout io.Writer
	Only   bool
	// Tee gets a copy of every line; nil for none. When it fails it gets no more.
	Tee io.Writer
	// Messages are what the user is told; the zero Printer is silent.
	Messages messages.Printer
}

// An Output writes the lines of one pattern. The methods in this file, but for New, are for
// the goroutine that writes.
type Output struct {
	name     string
	prefix   string // of messages that name no file, where there are several outputs
	sink     sink
	archiver *archive.Archiver
	messages messages.Printer
	buffer   buffer
	tee      io.Writer
	started  time.Time

	// fault reports what keeps lines from being written.
	fault messages.Fault
	// failing says that it has.
	failing atomic.Bool
	// teeing says that lines are being copied, and nobody waits for the disk.
	teeing atomic.Bool
	// watch belongs to the goroutine that reads.
	watch      watch
	background background

	// roomy is called when there is room again in a buffer that was full, failed when
	// lines could not be written.
	roomy, failed func()

	mu     sync.Mutex
	status rotator.Status // as it was when the disk was last turned to, or failed
}

// New validates the configuration. It opens nothing; see [Output.Start].
func New(c Config) (*Output, error) {
	archiver := archive.NewArchiver(c.Archive, c.Arguments)
	c.Rotator.Opened, c.Rotator.Finished = archiver.Opened, archiver.Finished
	if c.ExecOpen.Text != "" {
		opener := hook.NewOpener(c.Arguments, c.Messages)
		c.Rotator.Opened = func(path string) { archiver.Opened(path); opener.Opened(path) }
		c.Rotator.Finished = func(path string) { archiver.Finished(path); opener.Closed() }
	}
	r, err := rotator.New(c.Rotator)
	if err != nil {
		return nil, err
	}
	c.Messages = c.Messages.OrSilent()
	var to sink = r
	if c.Stdout != nil {
		to = &stdout{out: c.Stdout, only: c.Only, messages: c.Messages}
	}
	return &Output{
		name: c.Name, sink: to, archiver: archiver, messages: c.Messages, tee: c.Tee, started: time.Now(),
		buffer: buffer{limit: c.Buffer, over: c.Batch, drop: c.Drop, dropping: dropping{records: c.Rotator.Records}},
		roomy:  func() {}, failed: func() {},
		fault: messages.Fault{Printer: c.Messages},
		watch: watch{hanging: messages.Fault{Printer: c.Messages}},
	}, nil
}

// Attach says whom to call when there is room again in a buffer that was full, and when
// lines could not be written, before the pause.
func (o *Output) Attach(roomy, failed func()) { o.roomy, o.failed = roomy, failed }

// Start begins the archiver's work, and opens the first file if the rotator is eager.
func (o *Output) Start() {
	o.archiver.Start()
	o.sink.Start()
}

// Path returns the path of the file that lines of the given time go into; empty if that
// cannot be told.
func (o *Output) Path(at time.Time) string {
	r, ok := o.sink.(*rotator.Rotator)
	if !ok {
		return ""
	}
	_, path, _ := r.Place(at)
	return path
}

// Until returns when Tick is to be called, if no line comes before; the zero time for
// never.
func (o *Output) Until() time.Time {
	a, b := o.sink.Until(), o.archiver.Until()
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Lend puts in a batch that stays in the caller's memory until it is written. It
// comes after all that is in the buffer.
func (o *Output) Lend(lines []byte, at time.Time) {
	o.noteStatus()
	o.buffer.lend(lines, at)
}

// WriteAll writes all that waits, the oldest first, however long that takes. It reports
// whether there was nothing.
func (o *Output) WriteAll() (idle bool) {
	for idle = true; o.writeOldest(); idle = false {
	}
	return idle
}

// writeOldest writes the oldest lines that wait, as many as one system call takes. After
// a failure it waits for a while. It reports whether there were any.
func (o *Output) writeOldest() bool {
	if o.buffer.takeEnded() {
		o.sink.EndRecord()
	}
	lines, at := o.buffer.front()
	if len(lines) == 0 {
		return false
	}
	n, err := o.sink.Write(lines, at)
	o.buffer.wrote(n)
	o.archiver.Wrote(n)
	o.copy(lines[:n])
	if o.buffer.advance(n) {
		o.roomy()
	}
	if err != nil {
		o.fault.Begin(time.Now(), err, "lines wait in memory, trying again every second")
		o.failing.Store(true)
		o.noteStatus()
		o.failed()
		if !o.archiver.MakeRoom(err) {
			_, _ = unix.Poll(nil, int(retryEvery.Milliseconds()))
		}
	}
	return true
}

// Recovered reports that a fault is over, when all that waited is written.
func (o *Output) Recovered() {
	o.fault.End(time.Now(), held(o.buffer.held()))
	o.failing.Store(false)
}

// Release gives the memory of the buffer back if it is empty.
func (o *Output) Release() { o.buffer.release() }

// Tick does what is to be done by the clock. More says that lines are about to come, Idle
// that none have.
func (o *Output) Tick(now time.Time, idle, more bool) {
	if idle {
		o.sink.Tick(now, more)
	}
	o.archiver.Tick(now)
}

// Reopen opens the live file anew, as after SIGHUP.
func (o *Output) Reopen() { o.sink.Reopen(time.Now()) }

// Switch goes on to the next file now, as after SIGALRM.
func (o *Output) Switch() {
	if err := o.sink.Switch(time.Now()); errors.Is(err, rotator.ErrSameName) {
		o.messages.Warn("SIGALRM: %v; give --size to have numbered files", err)
	} else if err != nil {
		o.messages.Warn("SIGALRM: %v", err)
	}
}

// Close closes the live file.
func (o *Output) Close() error { return o.sink.Close() }

// Finish waits for the archiver; see [archive.Archiver.Close].
func (o *Output) Finish(patience time.Duration, stop func() bool) { o.archiver.Close(patience, stop) }

// copy copies lines to the tee.
func (o *Output) copy(lines []byte) {
	if o.tee == nil || len(lines) == 0 {
		return
	}
	o.teeing.Store(true)
	defer o.teeing.Store(false)
	if _, err := o.tee.Write(lines); err != nil {
		o.messages.Warn("--tee: %v; going on without it", err)
		o.tee = nil
	}
}

// noteStatus notes what the report is to say while the disk keeps who writes.
func (o *Output) noteStatus() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status = o.sink.Status()
}

// held says how many lines were held.
func held(lines int) string {
	if lines == 1 {
		return "1 line was held"
	}
	return messages.Lines(lines) + " were held"
}
