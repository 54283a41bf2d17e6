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
	// line ends, whole lines of others wait in held.
	streaming *writer
	held      chunks
	// ready is what is passed on. It is drained before more is read.
	ready chunks
	// pool holds all of these lines.
	pool pool
	// spare are writers whose memory is used again.
	spare []*writer
	// looked is when the writers were last looked for, and marked says that some of
	// them were gone.
	looked time.Time
	marked bool
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
	if int(count) < n {
		d.endGone()
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
	return min(max(lookForGone-now.Sub(d.looked), 0), lookForGone)
}

// markGone marks the writers that are gone. What they have left in the socket is to be
// read before their lines are ended.
func (d *demux) markGone(now time.Time) {
	d.looked = now
	for _, w := range d.writers {
		w.gone = w.gone || gone(w.pid)
		d.marked = d.marked || w.gone
	}
}

// endGone ends the lines of the writers that are marked, when the socket has been
// empty since.
func (d *demux) endGone() {
	if !d.marked {
		return
	}
	d.marked = false
	for _, w := range d.inOrder() {
		if w.gone {
			d.pass(w, newline)
		}
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

// trim lets go of memory that nobody has needed since it was last called, and reports
// whether that was much.
func (d *demux) trim() bool { return d.pool.trim() }

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
