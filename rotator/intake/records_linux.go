package intake

import (
	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/record"
)

// maxRecord is how many bytes of a record wait for its last line to be finished. With more
// it is over, so that an expression that never matches collects no more.
const maxRecord = record.MaxRecord

// A run is what one process wrote with no other in between, as far as it has been read.
type run struct {
	pid    int32
	length int
	// open says that the last read may have ended inside a message.
	open bool
}

// extend notes that a process wrote more, and whether more of it may follow in the same
// message. It reports whether the process may be in the midst of a write, so that the
// newline at the end of text does not say that the record is whole.
//
// The kernel makes several messages of a large write, and another process's can come
// between them (unix_stream_sendmsg in Linux). All but the last are of the largest size.
// Where one ends is not to be seen, except at the end of a run: so that is taken to be
// inside a write if a write of largest messages can have begun where the run or a record
// did.
func (d *demux) extend(pid int32, text []byte, more bool) (inside bool) {
	if d.run.open && d.run.pid == pid {
		d.run.length += len(text)
	} else {
		d.run = run{pid: pid, length: len(text)}
	}
	d.run.open = more
	if text[len(text)-1] != '\n' {
		return false
	}
	if d.run.open = more && waiting(d.fd) > 0; d.run.open {
		return true
	}
	record := len(text)
	if w := d.writers[pid]; w != nil {
		record += w.record.length + w.rest.length
	}
	for n := d.largestMessage; n <= d.run.length; n += d.largestMessage {
		if n == d.run.length || n == record || d.begins(text, len(text)-n) {
			return true
		}
	}
	return false
}

// begins reports whether a record begins at a place in text that is not its beginning.
func (d *demux) begins(text []byte, at int) bool {
	if at <= 0 || text[at-1] != '\n' {
		return false
	}
	line := text[at:]
	return d.lastStart(record.FirstLine(line)) == 0
}

// openRecord returns where in the whole lines that a writer has written the last record
// begins; 0 if it began before them. What the writer has of an earlier one is passed on.
func (d *demux) openRecord(w *writer, lines []byte) int {
	first := 0 // where the first line begins that is all in lines
	if w != nil && (w.rest.length > 0 || w == d.streaming) {
		first = len(record.FirstLine(lines))
	}
	if first < len(lines) {
		if start := d.lastStart(lines[first:]); start >= 0 {
			if first+start == 0 && w != nil {
				d.passRecord(w)
			}
			return first + start
		}
	}
	if w == nil || w.record.length == 0 {
		if w == d.streaming {
			return first // its record has become too long
		}
		return 0
	}
	if first > 0 && w.rest.length+first <= maxRecord {
		d.line = append(w.rest.appendTo(d.line[:0]), lines[:first]...)
		if d.lastStart(d.line) == 0 {
			d.passRecord(w)
		}
	}
	return 0
}

// keep has whole lines of a writer's last record wait.
func (d *demux) keep(w *writer, lines []byte) {
	d.pool.move(&w.record, &w.rest)
	d.pool.add(&w.record, lines)
	w.since = d.now
	d.wait(d.now)
}

// passRecord passes on the whole lines that a writer has, though its record may go on.
func (d *demux) passRecord(w *writer) {
	if w.record.length > 0 {
		d.move(d.destination(w), &w.record, w.pid)
	}
}

// giveUp passes on the whole lines that a writer has, and forgets it if that is all.
func (d *demux) giveUp(w *writer) {
	d.passRecord(w)
	if w.rest.length == 0 && w != d.streaming {
		d.forget(w)
	}
}

// largestMessage returns the size of all messages but the last that the kernel makes of a
// large write to a socket of so much room. It depends on how the kernel was configured, so it
// is tried, with some memory: a message that brings descriptors is read alone.
func largestMessage(text []byte, room int) int {
	size := 32<<10 + 4096 - 320 // as most kernels have it
	if ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err == nil {
		if sent, err := unix.SendmsgN(ends[1], text, unix.UnixRights(ends[0]), nil, 0); err == nil {
			if n, err := unix.Read(ends[0], text); err == nil && n < sent {
				size = n
			}
		}
		_ = unix.Close(ends[0])
		_ = unix.Close(ends[1])
	}
	if room > 0 {
		size = max(1, min(size, room/2-64))
	}
	return size
}
