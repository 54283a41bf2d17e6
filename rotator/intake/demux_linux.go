package intake

import (
	"bytes"
	"maps"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/record"
)

const (
	// slots is how many messages one system call takes from a socket, and slotSize
	// how much of each: the rest of a longer one comes with the next slot.
	slots    = 64
	slotSize = 4 << 10
	// maxWriters is how many writers may have an unfinished line.
	maxWriters = 1024
	// maxRests is how many bytes of unfinished lines are kept before the longest one
	// is passed on in pieces, and maxRest how many of one, if Config.MaxLine is not
	// more. Others may write another maxRests until that line ends. So the chunks take
	// 32 MiB, and up to 6 more since some are not full: one for each of maxWriters, and
	// some in held. Records count like unfinished lines, and take another chunk for each of
	// maxWriters; then there is demux.line.
	maxRests = 16 << 20
	maxRest  = 2 << 20
	// lookForGone is how often to look whether writers of unfinished lines are gone, and
	// whether there is memory that is not needed.
	lookForGone = time.Second
	// longestWait is how long a whole line waits for something that is unfinished.
	longestWait = record.MaxQuiet
	// messageCost is about what a short message takes of a socket's buffer besides its
	// bytes: the kernel counts the memory of whole buffers (SKB_TRUESIZE).
	messageCost = 700
)

// A demux, or demultiplexer, tells the writers of a Unix stream socket apart and puts
// their lines together. With SO_PASSCRED the kernel says of every byte which process wrote it,
// and never returns bytes of two processes as one message (unix(7), and
// unix_stream_read_generic in Linux).
//
// It costs about three times what a pipe does, since each line is a message of its
// own: at 20,000 lines/s 35 ms a second instead of 12. A loop in C that does nothing
// but recvmmsg needs 23 to 29 ms, and 30 to 35 with recvmsg; without asking who wrote,
// 17.
type demux struct {
	fd int
	// most is maxRests and longestWait the constant, except in tests; longest is how many
	// bytes of a line are kept.
	most, longest int
	longestWait   time.Duration

	// lastStart is Config.LastStart, and largestMessage the largest that the kernel makes.
	lastStart      func(text []byte) int
	largestMessage int

	// writers are those with an unfinished line or record, by process.
	writers map[int32]*writer
	// streaming is the writer whose line is passed on in pieces; nil for none. Until that
	// line ends, whole lines of others wait in held, the first of them since heldSince.
	streaming *writer
	held      chunks
	heldSince time.Time
	// ready is what is passed on. It is drained before more is read.
	ready chunks
	// names says that readyBy and heldBy are to tell who wrote what is ready and held.
	names           bool
	readyBy, heldBy []written
	// cut are the processes whose line was cut in two, and that have not written since.
	cut map[int32]bool
	// pool holds all of these lines.
	pool pool
	// run is what was read last, if there is a lastStart.
	run run
	// line is memory for a line whose beginning was kept.
	line []byte
	// spare are writers whose memory is used again.
	spare []*writer
	// now is when what is being taken was read.
	now time.Time
	// looked is when the writers were last looked for.
	looked time.Time
	// late is when the first of the lines that wait will have waited for long enough; an
	// earlier time if that one has gone on since, and the zero time if none waits.
	late time.Time
	// marked is the time of the last look, until what was found is passed on; unread is how
	// many bytes are to be read before that.
	marked time.Time
	unread int
	// known says that the kernel has named a writer. What came before that was written
	// before the kernel was asked for names.
	known bool
	// early is how many bytes may have been written before that, and nameless is called for
	// a line without a name that was written later; nil once it was.
	early    int
	nameless func()

	messages [slots]message
	control  [slots]credentials
	vectors  [slots]unix.Iovec
	memory   []byte
}

// A writer is a process that has written a part of a line, or of a record.
type writer struct {
	pid int32
	// record are the whole lines of its last record, which wait for rest to become one, the
	// last of them since a time; rest is the unfinished line.
	record, rest chunks
	since        time.Time
	gone         bool
}

// A message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	length uint32
}

// Credentials are the control message that SO_PASSCRED brings. There is no room for
// another: descriptors that someone may send are dropped by the kernel.
type credentials struct {
	header unix.Cmsghdr
	who    unix.Ucred
	_      [4]byte
}

// newDemux returns a demux if the input is a Unix stream socket, else nil.
func newDemux(c Config) *demux {
	input := c.Input
	domain, err := unix.GetsockoptInt(input, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_UNIX {
		return nil
	}
	kind, err := unix.GetsockoptInt(input, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM || unix.SetsockoptInt(input, unix.SOL_SOCKET, unix.SO_PASSCRED, 1) != nil {
		return nil
	}
	d := &demux{fd: input, most: maxRests, longestWait: longestWait, longest: max(maxRest, c.MaxLine), writers: map[int32]*writer{}, memory: make([]byte, slots*slotSize)}
	d.nameless, d.names, d.cut = c.Nameless, c.Writers, map[int32]bool{}
	d.early, _ = unix.IoctlGetInt(input, ioctlWaiting)
	if d.lastStart = c.LastStart; d.lastStart != nil {
		d.largestMessage = largestMessage(d.memory, c.Room)
	}
	for i := range d.messages {
		d.vectors[i].Base = &d.memory[i*slotSize]
		d.vectors[i].SetLen(slotSize)
		d.messages[i].header.Iov = &d.vectors[i]
		d.messages[i].header.SetIovlen(1)
		d.messages[i].header.Control = (*byte)(unsafe.Pointer(&d.control[i]))
	}
	return d
}

// read takes what is there, but no more than the limit. Then whole lines are ready,
// and pieces of one that is too long. It returns how many bytes it took (0 at the end
// of input), how much of the socket's buffer they had filled, and whether there may be
// more.
func (d *demux) read(limit int) (took, filled int, more bool, err error) {
	n := min(slots, (limit+slotSize-1)/slotSize)
	for i := range n {
		d.messages[i].header.SetControllen(int(unsafe.Sizeof(d.control[i])))
		d.control[i].who.Pid = 0
		d.vectors[i].SetLen(min(slotSize, limit-i*slotSize))
	}
	d.now = time.Now()
	count, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(d.fd), uintptr(unsafe.Pointer(&d.messages)), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		d.run.open = false
		return 0, 0, false, errno
	}
	took, filled = d.sort(int(count), int(count) == n)
	d.early -= took
	if d.unread -= took; !d.marked.IsZero() && (int(count) < n || d.unread <= 0) {
		d.passMarked()
	}
	return took, filled, int(count) == n, nil
}

// sort takes so many messages. More says that others may follow at once.
func (d *demux) sort(count int, more bool) (took, filled int) {
	for i := 0; i < count; {
		// If there are records, what follows a full slot and is of the same process belongs
		// to one text.
		pid, begin, full := d.control[i].who.Pid, i*slotSize, true
		end := begin
		for ; full && i < count && d.control[i].who.Pid == pid; i++ {
			length := int(d.messages[i].length)
			full = length == slotSize && d.lastStart != nil
			end += length
			filled += messageCost
		}
		text := d.memory[begin:end]
		took += len(text)
		filled += len(text) + messageCost*bytes.Count(text, newline)
		inside := len(text) > 0 && d.lastStart != nil && d.extend(pid, text, full && more && i == count)
		d.take(pid, text, inside)
	}
	return took, filled
}

// waits reports whether something is ready.
func (d *demux) waits() bool { return d.ready.length > 0 }

// drain appends what is ready to out, as much as its capacity allows.
func (d *demux) drain(out []byte) []byte { return d.pool.drain(out, &d.ready) }

// rests is how many bytes wait in writers and held.
func (d *demux) rests() int { return d.pool.used - d.ready.length }

// take takes a writer's bytes and passes on the lines that they complete. Inside says that
// the writer may be in the midst of a write all the same.
func (d *demux) take(pid int32, text []byte, inside bool) {
	if pid != 0 && !d.known {
		d.known = true
		d.name(pid)
	}
	cut := bytes.LastIndexByte(text, '\n') + 1
	w := d.writers[pid]
	passed := cut
	if cut > 0 && d.lastStart != nil && (inside || cut < len(text)) {
		passed = d.openRecord(w, text[:cut])
	}
	if passed > 0 {
		d.pass(w, pid, text[:passed])
		w = nil
	}
	if passed < len(text) {
		if w == nil {
			w = d.newWriter(pid)
		}
		if passed < cut {
			d.keep(w, text[passed:cut])
		}
		to := &w.rest
		if w == d.streaming {
			to = &d.ready
			d.by(to, pid, len(text)-cut)
		}
		d.pool.add(to, text[cut:])
		if d.streaming == nil && w.rest.length > d.longest {
			d.stream(w)
		}
		if w.record.length > 0 && w.record.length+w.rest.length > maxRecord {
			d.giveUp(w)
		}
	}
	for d.streaming == nil && d.rests() > d.most {
		if w := d.largest(); w.record.length > 0 {
			d.giveUp(w)
		} else {
			d.stream(w)
		}
	}
	if d.streaming != nil {
		d.move(&d.ready, &d.streaming.rest, d.streaming.pid)
	}
	for d.rests() > 2*d.most || len(d.writers) > maxWriters {
		d.relieve()
	}
}

// newWriter returns a writer that begins a line.
func (d *demux) newWriter(pid int32) *writer {
	if pid == 0 && d.early <= 0 && d.nameless != nil {
		d.nameless()
		d.nameless = nil
	}
	var w *writer
	if last := len(d.spare) - 1; last >= 0 {
		w, d.spare = d.spare[last], d.spare[:last]
	} else {
		w = &writer{}
	}
	w.pid = pid
	d.writers[pid] = w
	return w
}

// stream begins to pass on a writer's line in pieces.
func (d *demux) stream(w *writer) {
	d.passRecord(w)
	d.move(&d.ready, &w.rest, w.pid)
	d.streaming = w
}

// largest returns the writer of whose line and record there is most.
func (d *demux) largest() (largest *writer) {
	for _, w := range d.writers {
		if largest == nil || w.record.length+w.rest.length > largest.record.length+largest.rest.length {
			largest = w
		}
	}
	return largest
}

// name takes the first writer with a name to be the one that began the line of the
// writer without a name.
func (d *demux) name(pid int32) {
	if w := d.writers[0]; w != nil {
		delete(d.writers, 0)
		w.pid = pid
		d.writers[pid] = w
	}
}

// destination returns where what a writer has completed is to go.
func (d *demux) destination(w *writer) *chunks {
	if d.streaming == nil || d.streaming == w {
		return &d.ready
	}
	if d.held.length == 0 {
		d.heldSince = d.now
		d.wait(d.now)
	}
	return &d.held
}

// pass passes on lines of a writer, after its record and what its unfinished line began
// with; w is nil for a writer without one.
func (d *demux) pass(w *writer, pid int32, lines []byte) {
	to := d.destination(w)
	if w != nil {
		d.move(to, &w.record, pid)
		d.move(to, &w.rest, pid)
		d.forget(w)
	}
	d.by(to, pid, len(lines))
	d.pool.add(to, lines)
	if d.streaming != nil && d.streaming == w {
		// Now comes what others have written during the long line.
		d.streaming = nil
		d.pool.move(&d.ready, &d.held)
		d.readyBy, d.heldBy = append(d.readyBy, d.heldBy...), d.heldBy[:0]
	}
}

// forget takes out a writer whose line has ended.
func (d *demux) forget(w *writer) {
	delete(d.writers, w.pid)
	if len(d.spare) < slots {
		*w = writer{}
		d.spare = append(d.spare, w)
	}
}

// end passes on what a writer has written, and ends its line.
func (d *demux) end(w *writer) {
	if w.rest.length > 0 || w == d.streaming {
		d.pass(w, w.pid, newline)
	} else {
		d.pass(w, w.pid, nil)
	}
}

// relieve cuts a line in two, since no more can be kept: the one that others wait for,
// or else the longest.
func (d *demux) relieve() {
	w := d.streaming
	if w == nil {
		w = d.largest()
	}
	d.endEarly(w)
}

// unfinished reports whether there are lines whose writers are to be looked for.
func (d *demux) unfinished() bool { return len(d.writers) > 0 }

// watches reports whether there is something to look for, writers or memory.
func (d *demux) watches() bool { return d.unfinished() || d.pool.many() }

// endAll ends all lines, at the end of input.
func (d *demux) endAll() {
	if d.streaming != nil {
		d.end(d.streaming)
	}
	for _, w := range d.inOrder() {
		d.end(w)
	}
}

// inOrder returns the writers in an order that does not change from run to run.
func (d *demux) inOrder() []*writer {
	return slices.SortedFunc(maps.Values(d.writers), func(a, b *writer) int { return int(a.pid - b.pid) })
}
