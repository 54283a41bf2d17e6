package intake

import (
	"bytes"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// compact moves what has not been returned to the beginning of buf.
func (r *Reader) compact() {
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
}

// makeRoom makes room in buf after what has not been returned.
func (r *Reader) makeRoom() {
	r.compact()
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, min(len(r.buf), max(readSize, r.config.MaxLine-len(r.buf))))...)
	}
}

// read reads once and returns the lines that are complete, or a piece of one that
// is too long. It returns nothing if no line is complete, or if nothing was read.
func (r *Reader) read() []byte {
	r.makeRoom()
	limit := readSize
	if r.limited {
		limit = min(limit, r.left)
	}
	n, took, err := r.fill(limit)
	switch {
	case err == unix.EINTR || err == unix.EAGAIN || err == unix.ECONNRESET:
		// A socket whose other end was closed with something unread in it reports that
		// once, and then goes on with what is waiting.
		return nil
	case err == unix.EIO && IsTerminal(r.config.Input):
		// The terminal has gone.
		r.ended = io.EOF
		return nil
	case err != nil:
		r.ended = fmt.Errorf("read input: %w", err)
		return nil
	case took == 0:
		r.ended = io.EOF
		return nil
	}
	if r.left -= took; r.limited && r.left <= 0 {
		r.ended = io.EOF
	}
	return r.cut(n)
}

// fill reads once and puts the bytes after end in buf. It returns how many that was, and
// how many were taken from the input.
func (r *Reader) fill(limit int) (n, took int, err error) {
	if r.demux == nil {
		room := r.buf[r.end:min(len(r.buf), r.end+limit)]
		n, err := unix.Read(r.config.Input, room)
		if n > 0 {
			r.linger.note(n, n == len(room))
		}
		return n, n, err
	}
	took, filled, more, err := r.demux.read(limit)
	if took > 0 {
		r.linger.note(filled, more)
	}
	return r.takeDrained(), took, err
}

// buffered is what has not been returned, with the room after it as its capacity.
func (r *Reader) buffered() []byte { return r.buf[:r.end:len(r.buf)] }

// drain returns what the demultiplexer has ready, in batches.
func (r *Reader) drain() []byte {
	for r.demux != nil && r.demux.waits() {
		r.makeRoom()
		if lines := r.cut(r.takeDrained()); len(lines) > 0 {
			return lines
		}
	}
	return nil
}

// cut returns the lines that are complete, now that n more bytes are in buf, or a piece
// of one that is too long.
func (r *Reader) cut(n int) []byte {
	fresh := r.buf[r.end : r.end+n]
	r.end += n
	cut, open := r.end, r.open
	if i := bytes.LastIndexByte(fresh, '\n'); i >= 0 {
		cut = r.end - n + i + 1
		r.open = false
	} else if r.end < r.config.MaxLine {
		return nil
	} else {
		r.open = true
	}
	r.start = cut
	if r.config.Writers {
		r.noteWriters(r.buf[:cut], open)
	}
	return r.buf[:cut]
}

// overdue returns the lines that nobody is to wait for any longer: those of writers that
// ended inside one, with a newline each, and what has waited for a line without end. It
// also gives back memory that is no longer needed.
func (r *Reader) overdue() []byte {
	now := time.Now()
	if r.demux == nil || !r.demux.watches() || r.demux.due(now) > 0 {
		return nil
	}
	if r.demux.look(now) {
		r.shrink()
	}
	r.at = now
	return r.drain()
}

// endAll returns what the demultiplexer has left at the end of input, in batches.
func (r *Reader) endAll() []byte {
	if r.demux == nil {
		return nil
	}
	r.demux.endAll()
	r.at = time.Now()
	return r.drain()
}

// shrink gives back to the system what the garbage collector would keep for minutes.
// The caller may go on using the memory of the last batch.
func (r *Reader) shrink() {
	if r.compact(); r.end == 0 {
		r.buf = nil
	}
	r.spare = nil
	debug.FreeOSMemory()
	if r.buf == nil {
		r.buf = make([]byte, readSize)
	}
}

// patience returns how long to wait for input before something else is to be done.
func (r *Reader) patience() time.Duration {
	patience := time.Duration(-1)
	if r.silence.listens {
		patience = r.silence.due(r.linger.last, time.Now())
	}
	if r.demux != nil && r.demux.watches() {
		if due := r.demux.due(time.Now()); patience < 0 || due < patience {
			return due
		}
	}
	return patience
}

// last returns the unfinished last line, with a newline.
func (r *Reader) last() []byte {
	r.writers = r.writers[:0]
	rest := r.buf[r.start:r.end]
	r.start, r.end = 0, 0
	if len(rest) == 0 && !r.open {
		return nil
	}
	r.open = false
	return append(rest, '\n')
}
