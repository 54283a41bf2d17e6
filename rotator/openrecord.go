package rotator

import (
	"bytes"
	"time"

	"github.com/logreel/logreel/rotator/record"
)

// Records tells where records begin: a line and those after it that belong to it, such as
// a traceback. A text is lines, of which the first begins with the text.
type Records interface {
	// First and Last return where the first and the last line of a text is that begins
	// a record; -1 if none does.
	First(text []byte) int
	Last(text []byte) int
}

// An openRecord is the record that the live file ends with. It is over after
// record.MaxRecord or record.MaxQuiet, so that an expression that never matches does not
// stop the rotation. Its lines to come belong there too.
type openRecord struct {
	text []byte    // what the file has of it; none if it is over
	at   time.Time // when its last line was read
}

// open reports whether lines of the given time may belong to the record.
func (o *openRecord) open(at time.Time) bool {
	since := at.Sub(o.at)
	return len(o.text) > 0 && -record.MaxQuiet < since && since < record.MaxQuiet
}

// note notes that lines of the given time are in the file. They may begin inside a line,
// of which the rest begins no record.
func (o *openRecord) note(begins Records, lines []byte, inside bool, at time.Time) {
	from := 0
	if inside {
		from = len(throughNewline(lines))
	}
	if i := begins.Last(lines[from:]); i >= 0 {
		o.text, lines = o.text[:0], lines[from+i:]
	}
	if o.text = append(o.text, lines...); len(o.text) > record.MaxRecord {
		o.text = o.text[:0]
	}
	o.at = at
}

// busy reports whether the live file is not to be let go of at the given time, since the
// line or the record that it ends with may go on. It returns until when that is so; the
// zero time for a line.
func (r *Rotator) busy(at time.Time) (until time.Time, busy bool) {
	if r.midLine {
		return time.Time{}, true
	}
	if r.config.Records == nil || r.live == nil || !r.record.open(at) {
		return time.Time{}, false
	}
	return r.record.at.Add(record.MaxQuiet), true
}

// rest returns the lines at the beginning of a batch that belong to the record that the
// live file ends with.
func (r *Rotator) rest(batch []byte, at time.Time) []byte {
	if r.config.Records == nil || !r.record.open(at) {
		return nil
	}
	if i := r.config.Records.First(batch); i >= 0 {
		return batch[:i]
	}
	return batch
}

// firstRecord returns the first record of a batch that begins with one, or with a line if
// every line is one.
func (r *Rotator) firstRecord(batch []byte) []byte {
	first := throughNewline(batch)
	if r.config.Records == nil {
		return first
	}
	if i := r.config.Records.First(batch[len(first):]); i >= 0 {
		return batch[:len(first)+i]
	}
	return batch
}

// recordsWithin returns the records at the beginning of a batch that have room, none if
// the first one has not.
func (r *Rotator) recordsWithin(batch []byte, room int64) []byte {
	whole := batch[:room]
	if r.config.Records == nil {
		return whole[:bytes.LastIndexByte(whole, '\n')+1]
	}
	// The line that the room ends in, or that follows, may begin a record.
	whole = batch[:int(room)+len(throughNewline(batch[room:]))]
	return batch[:max(r.config.Records.Last(whole), 0)]
}
