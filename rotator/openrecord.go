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

// An openRecord is what the live file has of the record that it ends with; nothing if that
// is over. It is over with record.MaxRecord bytes, and when [Rotator.EndRecord] says so, so
// that an expression that never matches does not stop the rotation. Its lines to come belong
// there too.
type openRecord []byte

// note notes that lines are in the file. They may begin inside a line, of which the rest
// begins no record.
func (o *openRecord) note(begins Records, lines []byte, inside bool) {
	from := 0
	if inside {
		from = len(record.FirstLine(lines))
	}
	if i := begins.Last(lines[from:]); i >= 0 {
		*o, lines = (*o)[:0], lines[from+i:]
	}
	if *o = append(*o, lines...); len(*o) > record.MaxRecord {
		*o = (*o)[:0]
	}
}

// EndRecord says that the record is over which was written last, since no line has come
// for record.MaxQuiet: the next line begins another.
func (r *Rotator) EndRecord() { r.record = r.record[:0] }

// busy reports whether the live file is not to be let go of, since the line or the record
// that it ends with may go on. If it is, Tick is to be called again.
func (r *Rotator) busy(at time.Time) bool {
	if !r.midLine && (r.live == nil || len(r.record) == 0) {
		return false
	}
	r.again = at.Add(retryEvery)
	return true
}

// rest returns the lines at the beginning of a batch that belong to the record that the
// live file ends with.
func (r *Rotator) rest(batch []byte) []byte {
	if len(r.record) == 0 {
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
	first := record.FirstLine(batch)
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
	whole = batch[:int(room)+len(record.FirstLine(batch[room:]))]
	return batch[:max(r.config.Records.Last(whole), 0)]
}
