package output

import (
	"bytes"
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var newline = []byte{'\n'}

// MaxBuffer is the most that Config.Buffer may be: what a process can address, with
// room to spare.
const MaxBuffer = min(64<<30, math.MaxInt/2+1)

// A span is bytes of a ring that were read within one second, and so belong in one file.
type span struct {
	at time.Time
	n  int
	// ended says that the record before it is over.
	ended bool
	// dropped is how many lines were dropped, if the span is our line about that.
	dropped int
}

// A buffer holds the lines that are read and not written yet, in order. While all is
// well that is one batch at a time, in the reader's memory. The reader puts lines in,
// the copier takes them out, each from its own goroutine.
//
// More than that goes into a ring of its own memory, which is mapped when the first
// lines come and given back when the last ones are gone. It is not the garbage
// collector's: that would keep up to twice as much, and take its time to give it
// back.
type buffer struct {
	limit int
	over  int  // how many bytes past the limit may be put in
	drop  bool // whether lines that find no room are dropped

	mu sync.Mutex
	// lent is the batch in the reader's memory. The oldest bytes of the ring, as many
	// as ahead says, go before it.
	lent   []byte
	lentAt time.Time
	ahead  int
	// lentEnded says that the record before lent is over, and ended that the one is which was
	// put in last, whatever comes.
	lentEnded, ended bool

	ring  []byte
	head  int    // where the oldest byte is
	size  int    // how many bytes there are
	spans []span // their times, oldest first

	// written is how many bytes of front are in the file, while advance is still to
	// be called.
	written int
	// open says that the last line taken in has no newline yet.
	open bool
	dropping
	// count is how many lines were taken in since the last call of hold, and
	// overflowed whether some found no room.
	count      int
	overflowed bool
	// moves is how often lines were taken out.
	moves int
}

// lend puts in a batch that stays in the reader's memory, after the one before is
// written.
func (b *buffer) lend(lines []byte, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines = b.skip(lines, at)
	if !b.skipping {
		b.note()
	}
	b.lent, b.lentAt, b.ahead = lines, at, b.size
	if len(lines) > 0 {
		b.lentEnded, b.ended = b.ended, false
		b.open = lines[len(lines)-1] != '\n'
	}
}

// front returns the oldest lines; none if the buffer is empty. They stay where they
// are until advance.
func (b *buffer) front() (lines []byte, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting()
}

func (b *buffer) waiting() (lines []byte, at time.Time) {
	switch {
	case len(b.lent) > 0 && b.ahead == 0:
		return b.lent, b.lentAt
	case b.size > 0:
		n := b.spans[0].n
		if len(b.lent) > 0 {
			n = min(n, b.ahead)
		}
		return b.ring[b.head:min(b.head+n, len(b.ring))], b.spans[0].at
	}
	return nil, time.Time{}
}

// wrote notes that the first n bytes of front are in the file.
func (b *buffer) wrote(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written = n
	if n > 0 {
		b.moves++
	}
}

// advance takes out the first n bytes of front, and reports whether that made room
// in a full buffer.
func (b *buffer) advance(n int) (room bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written = 0
	if len(b.lent) > 0 && b.ahead == 0 {
		b.lent = b.lent[n:]
		return false
	}
	if n == 0 || b.size == 0 { // nothing was written, or all was given up
		return false
	}
	room = b.filled()
	b.size -= n
	b.head += n
	b.ahead = max(0, b.ahead-n)
	if b.head == len(b.ring) || b.size == 0 {
		b.head = 0
	}
	if b.spans[0].n -= n; b.spans[0].n == 0 {
		b.spans = b.spans[1:]
	}
	return room
}

// push puts in a copy of lines and returns those that find no room: none if such lines
// are dropped.
func (b *buffer) push(lines []byte, at time.Time) (rest []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines = b.skip(lines, at)
	fits := b.fitting(lines)
	if len(fits) > 0 {
		b.note()
		b.add(fits, at)
		b.count += bytes.Count(fits, newline)
	}
	rest = lines[len(fits):]
	b.overflowed = b.overflowed || len(rest) > 0
	if b.drop {
		b.refuse(rest, at)
		return nil
	}
	return rest
}

// add copies lines into the ring. Our line about dropped lines may take it a little past
// its limit.
func (b *buffer) add(lines []byte, at time.Time) {
	b.room()
	tail := (b.head + b.size) % len(b.ring)
	copy(b.ring, lines[copy(b.ring[tail:], lines):])
	b.size += len(lines)
	b.open = lines[len(lines)-1] != '\n'
	last := len(b.spans) - 1
	if last >= 0 && b.spans[last].dropped == 0 && b.spans[last].at.Unix() == at.Unix() && !b.ended {
		b.spans[last].n += len(lines)
	} else {
		b.spans = append(b.spans, span{at: at, n: len(lines), ended: b.ended})
	}
	b.ended = false
}

// endRecord says that the record is over which was put in last.
func (b *buffer) endRecord() {
	if b.records == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended, b.rest = true, false
}

// takeEnded reports whether the record before the oldest lines is over, or the last one if
// there are none, and forgets it.
func (b *buffer) takeEnded() (ended bool) {
	if b.records == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	from := &b.ended
	switch {
	case len(b.lent) > 0 && b.ahead == 0:
		from = &b.lentEnded
	case b.size > 0:
		from = &b.spans[0].ended
	}
	ended, *from = *from, false
	return ended
}

// slack is how much a ring has beyond its limit: for the newline that ends a line
// whose rest is dropped, and for a line about what was dropped.
const slack = 4 << 10

// room returns how many bytes may be put in, and maps the ring if there is none. Memory
// is taken from the system only as it is used.
func (b *buffer) room() int {
	if b.ring == nil {
		ring, err := unix.Mmap(-1, 0, b.limit+b.over+slack, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			// Without memory, go on as if no buffer had been asked for.
			ring, b.limit = make([]byte, b.over+slack), 0
		}
		b.ring = ring
	}
	if b.drop { // then nothing has to be put in that finds no room
		return max(0, max(b.limit, b.over)-b.size)
	}
	return max(0, b.limit+b.over-b.size)
}

// settle puts in our line about what was dropped last, if the last of it has ended.
func (b *buffer) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.skipping {
		b.note()
	}
}

// full reports whether nothing more is to be read.
func (b *buffer) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.filled() && !b.drop
	b.overflowed = b.overflowed || full
	return full
}

// filled reports whether there is as much as there may be. What may be put in past the
// limit is put in when nothing waits, even if the limit is 0.
func (b *buffer) filled() bool { return b.size >= b.limit && (b.size > 0 || b.over == 0) }

// overflow reports whether lines have found no room since hold was called.
func (b *buffer) overflow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.overflowed
}

// bytes returns how many bytes wait.
func (b *buffer) bytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lent) + b.size
}

// progress returns a number that changes when lines are taken out.
func (b *buffer) progress() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.moves
}

// hold begins to count the lines that are held.
func (b *buffer) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count = bytes.Count(b.lent, newline)
	b.overflowed = false
}

// held returns how many lines were held since hold was called.
func (b *buffer) held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// release gives the memory back if the buffer is empty.
func (b *buffer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring != nil && b.size == 0 {
		_ = unix.Munmap(b.ring) // which fails only for what was not mapped
		b.ring, b.spans = nil, nil
	}
}

// giveUp empties the buffer and returns how many lines are lost: those in it, and those
// that were dropped before without a word in the log. The memory stays: the copier may
// be reading it.
func (b *buffer) giveUp() (lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost = b.dropped.lines + bytes.Count(b.lent, newline)
	front, _ := b.waiting()
	lost -= bytes.Count(front[:min(b.written, len(front))], newline)
	tail := min(b.head+b.size, len(b.ring))
	lost += bytes.Count(b.ring[b.head:tail], newline)
	lost += bytes.Count(b.ring[:b.head+b.size-tail], newline)
	for _, s := range b.spans {
		if s.dropped > 0 {
			lost += s.dropped - 1 // our line itself is not the application's
		}
	}
	b.lent, b.size, b.spans, b.dropped = nil, 0, nil, drops{}
	return lost
}
