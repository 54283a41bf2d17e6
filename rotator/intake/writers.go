package intake

import (
	"bytes"

	"github.com/logreel/logreel/rotator/record"
)

// A written is how many bytes a process wrote, one behind the other.
type written struct {
	pid    int32
	length int
	// rest says that they begin with the rest of a line that was cut in two.
	rest bool
}

// TellsWriters reports whether [Reader.Writers] can tell who wrote what: the input is a
// socket, on a system that says so.
func (r *Reader) TellsWriters() bool { return r.demux != nil }

// Writers returns who wrote the lines that begin in the last batch, if Config.Writers asks
// for that. It is valid until the next call of Next.
func (r *Reader) Writers() []record.Writer { return r.writers }

// takeDrained takes so many bytes that the demultiplexer has ready into buf. It returns how
// many there were.
func (r *Reader) takeDrained() int {
	n := len(r.demux.drain(r.buffered())) - r.end
	if r.config.Writers {
		r.wrote = r.demux.drained(r.wrote, n)
	}
	return n
}

// noteWriters notes who wrote the lines of a batch, which are the oldest bytes of wrote. Open
// says that it begins inside a line.
func (r *Reader) noteWriters(batch []byte, open bool) {
	r.writers = r.writers[:0]
	done := 0
	for ; len(batch) > 0 && done < len(r.wrote); done++ {
		w := &r.wrote[done]
		part := batch[:min(len(batch), w.length)]
		batch = batch[len(part):]
		lines := bytes.Count(part, newline)
		if !open {
			lines++
		}
		if open = part[len(part)-1] != '\n'; !open {
			lines--
		}
		r.writers = append(r.writers, record.Writer{PID: w.pid, Lines: lines, Rest: w.rest})
		w.rest = false
		if w.length -= len(part); w.length > 0 {
			break
		}
	}
	r.wrote = r.wrote[:copy(r.wrote, r.wrote[done:])]
}
