package intake

import (
	"bytes"
	"maps"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
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
	// some in held.
	maxRests = 16 << 20
	maxRest  = 2 << 20
	// lookForGone is how often to look whether writers of unfinished lines are gone, and
	// whether there is memory that is not needed.
	lookForGone = time.Second
	// longestWait is how long a whole line waits for something that is unfinished.
	longestWait = time.Second
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
	// most is maxRests, except in tests; longest is how many bytes of a line are kept.
	most, longest int

	// writers are those with an unfinished line, by process.
	writers map[int32]*writer
	// streaming is the writer whose line is passed on in pieces; nil for none. Until that
	// line ends, whole lines of others wait in held, the first of them since heldSince.
	streaming *writer
	held      chunks
	heldSince time.Time
	// ready is what is passed on. It is drained before more is read.
	ready chunks
	// pool holds all of these lines.
	pool pool
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

	messages [slots]message
	control  [slots]credentials
	vectors  [slots]unix.Iovec
	memory   []byte
}

// A writer is a process that has written a part of a line.
type writer struct {
	pid  int32
	rest chunks
	gone bool
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
func newDemux(input, maxLine int) *demux {
	domain, err := unix.GetsockoptInt(input, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_UNIX {
		return nil
	}
	kind, err := unix.GetsockoptInt(input, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM || unix.SetsockoptInt(input, unix.SOL_SOCKET, unix.SO_PASSCRED, 1) != nil {
		return nil
	}
	d := &demux{fd: input, most: maxRests, longest: max(maxRest, maxLine), writers: map[int32]*writer{}, memory: make([]byte, slots*slotSize)}
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
		return 0, 0, false, errno
	}
	for i := range int(count) {
		length := int(d.messages[i].length)
		text := d.memory[i*slotSize:][:length]
		took += length
		filled += length + messageCost*(1+bytes.Count(text, newline))
		d.take(d.control[i].who.Pid, text)
	}
	if d.unread -= took; !d.marked.IsZero() && (int(count) < n || d.unread <= 0) {
		d.passMarked()
	}
	return took, filled, int(count) == n, nil
}

// waits reports whether something is ready.
func (d *demux) waits() bool { return d.ready.length > 0 }

// drain appends what is ready to out, as much as its capacity allows.
func (d *demux) drain(out []byte) []byte { return d.pool.drain(out, &d.ready) }

// rests is how many bytes wait in writers and held.
func (d *demux) rests() int { return d.pool.used - d.ready.length }

// take takes a writer's bytes and passes on the lines that they complete.
func (d *demux) take(pid int32, text []byte) {
	if pid != 0 && !d.known {
		d.known = true
		d.name(pid)
	}
	cut := bytes.LastIndexByte(text, '\n') + 1
	w := d.writers[pid]
	if cut > 0 {
		d.pass(w, text[:cut])
	}
	if rest := text[cut:]; len(rest) > 0 {
		if w == nil || cut > 0 {
			w = d.newWriter(pid)
		}
		to := &w.rest
		if w == d.streaming {
			to = &d.ready
		}
		d.pool.add(to, rest)
		if d.streaming == nil && w.rest.length > d.longest {
			d.streaming = w
		}
	}
	if d.streaming == nil && d.rests() > d.most {
		d.streaming = d.largest()
	}
	if d.streaming != nil {
		d.pool.move(&d.ready, &d.streaming.rest)
	}
	for d.rests() > 2*d.most || len(d.writers) > maxWriters {
		d.relieve()
	}
}

// newWriter returns a writer that begins a line.
func (d *demux) newWriter(pid int32) *writer {
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

// largest returns the writer of whose line there is most.
func (d *demux) largest() (largest *writer) {
	for _, w := range d.writers {
		if largest == nil || w.rest.length > largest.rest.length {
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

// pass passes on lines of a writer, after what its unfinished line began with; w is nil
// for a writer without one.
func (d *demux) pass(w *writer, lines []byte) {
	to := &d.ready
	if d.streaming != nil && d.streaming != w {
		to = &d.held
		if d.held.length == 0 {
			d.heldSince = d.now
			d.wait(d.now)
		}
	}
	if w != nil {
		d.pool.move(to, &w.rest)
		d.forget(w)
	}
	d.pool.add(to, lines)
	if d.streaming != nil && d.streaming == w {
		// Now comes what others have written during the long line.
		d.streaming = nil
		d.pool.move(&d.ready, &d.held)
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

// relieve cuts a line in two, since no more can be kept: the one that others wait for,
// or else the longest.
func (d *demux) relieve() {
	w := d.streaming
	if w == nil {
		w = d.largest()
	}
	d.pass(w, newline)
}

// unfinished reports whether there are lines whose writers are to be looked for.
func (d *demux) unfinished() bool { return len(d.writers) > 0 }

// watches reports whether there is something to look for, writers or memory.
func (d *demux) watches() bool { return d.unfinished() || d.pool.many() }

// due returns how long it is until the next look.
func (d *demux) due(now time.Time) time.Duration {
	next := d.looked.Add(lookForGone)
	if !d.late.IsZero() && d.late.Before(next) {
		next = d.late
	}
	return min(max(next.Sub(now), 0), lookForGone)
}

// wait has a look be due when what waits since a time has waited for long enough.
func (d *demux) wait(since time.Time) {
	if late := since.Add(longestWait); d.late.IsZero() || late.Before(d.late) {
		d.late = late
	}
}

// look marks the writers that are gone, and the lines that have waited for long enough.
// What waits in the socket then is to be read before anything is passed on, since the
// rest may be there. It reports whether much memory was let go of.
func (d *demux) look(now time.Time) (trimmed bool) {
	if now.Sub(d.looked) >= lookForGone {
		d.looked = now
		for _, w := range d.writers {
			w.gone = w.gone || gone(w.pid)
		}
		trimmed = d.pool.trim()
	}
	d.late = time.Time{}
	d.marked, d.unread = now, waiting(d.fd)
	if d.unread == 0 {
		d.passMarked()
	}
	return trimmed
}

// passMarked ends the lines of the writers that are gone, and the line that others have
// waited for. What is written of that one later is a line of its own.
func (d *demux) passMarked() {
	marked := d.marked
	d.marked = time.Time{}
	if d.held.length > 0 && marked.Sub(d.heldSince) >= longestWait {
		d.pass(d.streaming, newline)
	}
	for _, w := range d.inOrder() {
		if w.gone {
			d.pass(w, newline)
		}
	}
	if d.held.length > 0 {
		d.wait(d.heldSince)
	}
}

// endAll ends all lines, at the end of input.
func (d *demux) endAll() {
	if d.streaming != nil {
		d.pass(d.streaming, newline)
	}
	for _, w := range d.inOrder() {
		d.pass(w, newline)
	}
}

// inOrder returns the writers in an order that does not change from run to run.
func (d *demux) inOrder() []*writer {
	return slices.SortedFunc(maps.Values(d.writers), func(a, b *writer) int { return int(a.pid - b.pid) })
}

// gone reports whether a process has ended, be it reaped or not. One that cannot be
// looked up is taken to be alive.
func gone(pid int32) bool {
	fd, err := unix.PidfdOpen(int(pid), 0)
	if err != nil {
		return err == unix.ESRCH
	}
	defer unix.Close(fd)
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(ready, 0)
	return n == 1 && err == nil
}
