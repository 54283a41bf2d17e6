// Package intake turns a descriptor into batches of whole lines.
//
// A [Reader] is made to cost little. The pipe is the buffer: the reader waits for
// the first byte, then sleeps for a while, the linger, and takes all there is with
// one read. While it sleeps nobody watches the pipe, so the application's writes
// wake nobody and cost less as well. A stream that would fill the pipe meanwhile is
// read without lingering.
//
// # Guarantees
//
//   - Every byte read is returned, once, in order.
//
//   - A batch ends with a newline, unless it is a piece of a line longer than
//     Config.MaxLine. At the end of input a newline is added to an unfinished line.
//
//   - The linger does not reach past the instant that the caller names, so a line
//     written before a boundary is not held back to be filed after it.
//
//   - The descriptor's flags are left as they are.
//
//   - On Linux the writers of a Unix stream socket are told apart: each line is
//     whole, whatever its length and however many processes write at once. Lines of
//     one writer keep their order. An unfinished line waits for as long as its writer
//     lives, and is ended when the writer has ended. No whole line waits for another
//     writer's unfinished one for more than a second.
//
//   - With Config.LastStart the records of a writer are whole there too, if each comes with
//     one write, or in pieces that do not end with a newline. While a writer's last line is
//     unfinished, its last record waits; when what it wrote ends with a newline, nothing
//     does. One exception: the kernel makes several messages of a write of more than about
//     36 KiB, so a record waits for its writer to go on if it ends where such a message may.
//     A record is over, and its whole lines are passed on, when it has more than 1 MiB, or
//     when no line of it has come for a second, or when there is no more memory.
//
// # Not guaranteed
//
// Lines longer than PIPE_BUF (4,096 bytes on Linux) that several processes write
// into one pipe arrive mixed: the kernel does not say who wrote what. A line that
// several processes write together into a socket comes as several. On a socket, a
// line is cut in two when the memory for unfinished lines is used up (see below),
// when more than 1,024 writers have one, or when it is passed on in pieces and a line of
// another writer has waited for it for a second. What follows is a line of its own.
//
// A line or record that waited is returned with the time at which it was passed on, so one
// that is unfinished at a boundary is filed behind it. To file it before, all that others
// write meanwhile would have to wait, or two files would have to be live.
//
// # Memory
//
// A line that is returned whole is in memory, up to Config.MaxLine. A socket takes up
// to 38 MiB more, for unfinished lines and those that wait for a long one to end; 44 MiB
// if records are kept together. What is no longer needed is given back within about two
// seconds.
//
// # Cost
//
// Context switches of the whole program over 2 s with lines of 120 bytes, one write each,
// on 2 cores, about 95 of them at its start; and its CPU seconds without the start:
//
//	           poll, 20 ms    poller, 40 ms            rotatelogs
//	lines/s    switches       switches    CPU          switches    CPU
//	500          790            260       0.011           980      0.015
//	1,000        870            260       0.012         2,000      0.020
//	5,000        680            250       0.013         9,300      0.127
//
// What remains is the wake-up itself: at 5 lines/s, each after a silence, a line costs 0.2
// to 0.5 ms where rotatelogs takes 0.08, since all that the runtime does is done with cold
// caches.
//
// What was tried and did not help:
//
//   - The input on the runtime's poller: woken by every write even while nobody reads,
//     six times the CPU of rotatelogs at 20,000 lines/s.
//   - System calls that the runtime is not told of (RawSyscall), which do not wake its
//     monitor: nothing is gained unless the write is one of them. With it, 50 lines in 10 s
//     take about 140 switches instead of 230, and a fifth less CPU with the start; but a
//     write that hangs would stop the collector, and so the spooler.
//   - One processor (GOMAXPROCS=1): the runtime's monitor takes it away at every system
//     call of more than 20 µs, and bulk input takes up to three times as long.
//   - Timers of the runtime for the linger: two threads take turns at the poller and
//     wake each other, 1.5 times the CPU of a blocking poll.
//   - splice(2): no cheaper for the reader, twice the cost for the writer, and not
//     possible with O_APPEND.
package intake

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/record"
)

const (
	// readSize is how much one read takes at the most. Larger buffers fall out of
	// the processor's cache: 256 KiB copied as fast as cat, 1 MiB did not.
	readSize = 256 << 10
	// pipeSize is what a pipe is enlarged to: the most that Linux allows without
	// privilege.
	pipeSize = 1 << 20
	// MinMaxLine and MaxMaxLine bound Config.MaxLine, in bytes.
	MinMaxLine = 1 << 10
	MaxMaxLine = 1 << 30
)

var newline = []byte{'\n'}

// Config says what to read, and how.
type Config struct {
	// Input is the descriptor to read: a pipe, a socket, a file or a terminal.
	Input int
	// Linger is how long the reader waits for more after the first byte of a
	// batch. 0 means not at all. For a slow stream, of up to about 2,000 lines a second, it
	// is Slow, if that is less and not 0.
	Linger, Slow time.Duration
	// Boundary returns the first instant after a time that a linger is not to reach
	// past. It is called when Next was given no instant. Nil for no such instant.
	Boundary func(time.Time) time.Time
	// MaxLine is the length in bytes from which an unfinished line is returned in
	// pieces.
	MaxLine int
	// LastStart is given whole lines, and returns where the last of them begins that begins
	// a record; -1 if none does. On a socket the lines of a record are kept together. With
	// it [Reader.Silent] tells when a record is over, and Next returns without lines when it
	// is. Nil if every line is a record.
	LastStart func(text []byte) int
	// Nameless is called when the kernel does not name who writes to a socket, so that the
	// lines of several may be mixed; once, when the first of them is unfinished. Nil for
	// nobody.
	Nameless func()
	// Writers says that [Reader.Writers] is to tell who wrote what.
	Writers bool
	// Room is how many bytes a socket holds, as the kernel counts them; 0 when that
	// is not known.
	Room int
	// Poller says that the Go runtime's poller may be used to wait. It needs two
	// descriptors, and the process ends if there are none.
	Poller bool
}

// A Reader reads lines. Only Interrupt and Waiting may be called while another
// goroutine uses it.
type Reader struct {
	config Config
	waiter *waiter
	linger linger
	// regular says that the input is a file, which is always ready.
	regular bool
	// demux tells the writers apart; nil where the system cannot.
	demux *demux

	// buf[start:end] is what has been read and not returned.
	buf        []byte
	start, end int
	// spare is the memory that buf changes places with.
	spare []byte
	// wrote is who wrote the bytes that are in buf, and writers who wrote the last batch, if
	// Config.Writers is set.
	wrote   []written
	writers []record.Writer
	// at is when the lines that the demultiplexer has ready were read.
	at time.Time
	// due is when the linger that has begun is over; zero when none has.
	due time.Time
	// afterQuiet says that the last batch came after a silence, and was not lingered over.
	afterQuiet bool
	// fired says that the caller is wanted: its instant has come, or Interrupt was
	// called, at a moment when Next had something else to return.
	fired bool
	// silence is that before what Next returned last; returned says that this was lines.
	silence  silence
	returned bool
	// open says that the last batch was a piece without a newline.
	open bool
	// left is how many bytes to read before the end, if limited says that one is set.
	left    int
	limited bool
	// ended is why there is nothing more to read: io.EOF or an error.
	ended error
}

// New returns a reader. It enlarges a pipe to 1 MiB, where the system lets it.
func New(c Config) (*Reader, error) {
	c.MaxLine = min(max(c.MaxLine, MinMaxLine), MaxMaxLine)
	if listens, err := unix.GetsockoptInt(c.Input, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens != 0 {
		return nil, errors.New("standard input is a socket that listens, from which nothing can be read; in a systemd socket unit write Accept=yes or ListenFIFO=")
	}
	w, err := newWaiter(c.Input, c.Poller)
	if err != nil {
		return nil, err
	}
	r := &Reader{config: c, waiter: w, buf: make([]byte, readSize)}
	var st unix.Stat_t
	if err := unix.Fstat(c.Input, &st); err == nil {
		r.regular = st.Mode&unix.S_IFMT == unix.S_IFREG
	}
	r.silence.listens = c.LastStart != nil && !r.regular
	r.linger = linger{most: c.Linger, slow: c.Slow, wait: c.Linger, room: enlarge(c.Input) / 4}
	if r.demux = newDemux(c); r.demux != nil && c.Room > 0 {
		r.linger.room = c.Room / 2
	}
	if r.regular || r.packets(uint32(st.Mode)) {
		r.linger.most, r.linger.wait = 0, 0
	}
	return r, nil
}

// Next returns the next batch of lines and the time they were read. The batch is
// valid until the next call. It returns without lines when until has come (a zero
// until never comes), when the clock was set, and after [Reader.Interrupt].
//
// After the last batch the error is io.EOF, or what reading failed with.
func (r *Reader) Next(until time.Time) (lines []byte, at time.Time, err error) {
	if r.returned {
		r.silence.over = false
	}
	lines, at, err = r.next(until)
	r.returned = len(lines) > 0
	return lines, at, err
}

func (r *Reader) next(until time.Time) (lines []byte, at time.Time, err error) {
	if err := r.waiter.arm(until); err != nil {
		return nil, time.Now(), err
	}
	for {
		if lines := r.drain(); len(lines) > 0 {
			return lines, r.at, nil
		}
		if r.ended != nil {
			break
		}
		if lines := r.overdue(); len(lines) > 0 {
			return lines, r.at, nil
		}
		at, ready := r.pause(until)
		if !ready {
			return nil, at, nil
		}
		r.at = at
		if lines := r.read(); len(lines) > 0 {
			return lines, at, nil
		}
	}
	if lines := r.endAll(); len(lines) > 0 {
		return lines, r.at, nil
	}
	return r.last(), time.Now(), r.ended
}

// Reads reports whether a path names the file that is the input.
func (r *Reader) Reads(path string) bool {
	var input, at unix.Stat_t
	return r.regular && unix.Fstat(r.config.Input, &input) == nil && unix.Stat(path, &at) == nil &&
		input.Dev == at.Dev && input.Ino == at.Ino
}

// Regular reports whether the input is a file, so that no writer ever waits for us.
func (r *Reader) Regular() bool { return r.regular }

// AfterQuiet reports whether the last batch came after a silence, so that another is not
// likely to follow at once.
func (r *Reader) AfterQuiet() bool { return r.afterQuiet }

// Keep leaves the memory of the last batch to the caller until it calls Keep again:
// the reader goes on in other memory.
func (r *Reader) Keep() {
	rest := r.buf[r.start:r.end]
	if len(r.spare) < max(readSize, len(rest)) {
		r.spare = make([]byte, max(readSize, len(rest)))
	}
	r.start, r.end = 0, copy(r.spare, rest)
	r.buf, r.spare = r.spare, r.buf
}

// Interrupt makes Next return early.
func (r *Reader) Interrupt() { r.waiter.interrupt() }

// EndHere sets the end of input: what is waiting now is still read, nothing after.
func (r *Reader) EndHere() {
	r.left, r.limited = r.Waiting(), true
	r.due = time.Time{}
	if r.left == 0 && r.ended == nil {
		r.ended = io.EOF
	}
}

// Waiting returns how many bytes wait in the input, as far as the system says.
func (r *Reader) Waiting() int { return waiting(r.config.Input) }

// waiting returns how many bytes wait in a descriptor, as far as the system says.
func waiting(fd int) int {
	n, err := unix.IoctlGetInt(fd, ioctlWaiting)
	if err != nil {
		return 0
	}
	return n
}

// WritersGone reports whether nothing more can come than what is waiting.
func (r *Reader) WritersGone() bool {
	if r.regular {
		return r.Waiting() == 0
	}
	return r.ended != nil || r.limited || r.look().hangup
}

// look looks at the input without waiting. An alarm or an interrupt that it finds is
// kept for the next call of Next.
func (r *Reader) look() events {
	events := r.waiter.wait(true, 0)
	r.fired = r.fired || events.alarm || events.wake
	return events
}

// takeFired reports whether the caller is wanted, and forgets it.
func (r *Reader) takeFired() (fired bool) {
	fired, r.fired = r.fired, false
	return fired
}

// pause waits until it is time to read: until there is input and the linger is
// over. It returns the time under which to file what is read, and false when the
// caller is wanted first.
func (r *Reader) pause(until time.Time) (at time.Time, ready bool) {
	r.afterQuiet = false
	if r.takeFired() {
		return time.Now(), false
	}
	if r.linger.steady {
		if r.due.IsZero() {
			r.due = r.linger.last.Add(r.linger.wait)
		}
		at, ready := r.sleep(until)
		if !ready || r.look().input {
			return at, ready
		}
		r.linger.steady = false
		if r.takeFired() {
			return time.Now(), false
		}
	}
	if r.due.IsZero() {
		events := r.waiter.wait(true, r.patience())
		now := time.Now()
		if !events.input || events.alarm || events.wake {
			r.listen(now)
			return now, false
		}
		if r.afterQuiet = r.linger.quiet(now); r.afterQuiet || events.hangup || r.limited || r.linger.wait == 0 {
			return now, true
		}
		r.due = now.Add(r.linger.wait)
	}
	if until.IsZero() && r.config.Boundary != nil {
		until = r.config.Boundary(r.due.Add(-r.linger.wait))
		if err := r.waiter.arm(until); err != nil {
			return time.Now(), true
		}
	}
	return r.sleep(until)
}

// Sleep waits for a time, or until Interrupt is called.
func (r *Reader) Sleep(d time.Duration) {
	for end := time.Now().Add(d); ; {
		rest := time.Until(end)
		if rest <= 0 {
			return
		}
		events := r.waiter.wait(false, rest)
		r.fired = r.fired || events.alarm
		if events.wake {
			return
		}
	}
}

// sleep waits until the linger is over or until has come. Then it is time to read:
// what has arrived by until is filed under the time before it.
func (r *Reader) sleep(until time.Time) (at time.Time, ready bool) {
	for {
		now := time.Now()
		rest := r.due.Sub(now)
		if rest <= 0 {
			r.due = time.Time{}
			return now, true
		}
		events := r.waiter.wait(false, rest)
		if events.wake {
			r.fired = r.fired || events.alarm
			return time.Now(), false
		}
		if events.alarm {
			r.fired, r.due = true, time.Time{}
			now := time.Now()
			if late := now.Sub(until); 0 <= late && late <= r.linger.most {
				return until.Add(-1), true
			}
			return now, true
		}
	}
}

// packets reports whether one read takes one write only, so that lingering over each
// would hold up whoever writes: a terminal gives a line at a time, and there are
// sockets and pipes that keep writes apart.
func (r *Reader) packets(mode uint32) bool {
	switch mode & unix.S_IFMT {
	case unix.S_IFIFO:
		flags, err := unix.FcntlInt(uintptr(r.config.Input), unix.F_GETFL, 0)
		return err == nil && flags&packetPipe != 0
	case unix.S_IFSOCK:
		kind, err := unix.GetsockoptInt(r.config.Input, unix.SOL_SOCKET, unix.SO_TYPE)
		return err == nil && kind != unix.SOCK_STREAM
	}
	return mode&unix.S_IFMT == unix.S_IFCHR
}

// enlarge makes a pipe as large as the system lets us, and returns how many bytes
// the input can hold while nobody reads.
func enlarge(input int) int {
	if size := enlargePipe(input, pipeSize); size > 0 {
		return size
	}
	return 64 << 10
}
