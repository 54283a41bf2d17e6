// Package record tells where the records of a stream of lines begin, which records go
// where, and what is written of them. It has functions of batches of bytes only: it opens
// nothing, waits for nothing and has no clock.
//
// A record is a line that matches an [Expression], with the lines behind it up to the next
// that matches, such as an error and its traceback. Without an expression every line is
// a record. [Starts] finds where a batch may be divided, a [Router] sends records
// to outputs, by their first line, and an [Editor] changes what is written: secrets, control
// sequences of terminals, and the time before each record.
//
// A batch is bytes as package intake returns them: it ends with a newline, or with a
// piece of a line of which the next batch has more. An expression is matched against
// the line without its newline, and of a longer one against its first MaxLine bytes. So
// the decision is made on the first piece, which is to have that much, and holds for
// the rest.
//
// # Guarantees
//
//   - How a stream is cut into batches makes no difference.
//   - Every byte is routed in order, and a record never in part. There is one exception,
//     since no line is to be lost that belongs to another record: where nobody tells who
//     wrote a line, one that is dropped and goes nowhere takes only indented lines with it.
//   - Where writers are told apart, a record goes on with lines of the same writer only.
//   - A record is over when it has [MaxRecord] bytes, at the end of that line, and when
//     the caller says so, which it does when no line has come for [MaxQuiet]. The next
//     line begins a record, whether it matches or not. So an expression that never
//     matches stops nothing.
//   - The time for a batch is linear in its length, whatever it contains; but an
//     expression that finds a short match only at the end of a line, such as a.*b|a, is
//     looked for again behind each.
//   - After the start nothing is allocated, but for a copy of the batch in lower case if
//     there are expressions that ignore case, for what is redacted, and for the time of a
//     batch.
//   - No part of what a [Redaction] matches in a whole line is written, however the line
//     comes. What may match is held back until it is known, but no more than MaxLine of it:
//     then it is redacted as if it did.
//
// # Not guaranteed
//
// A secret that is in two lines, or in a form that no expression describes, is written.
//
// # Cost
//
// Go's regexp takes about 4 s for 100 MB, line by line. So no line is looked at without
// need. Boundaries are looked for backwards from the end of a batch or from where it is to
// be divided, and around lines that were selected. Of an expression are taken the
// [literals] of which each match has one, and these are searched for in the whole
// batch; only lines that have one are matched.
package record

import (
	"bytes"
	"time"
)

const (
	// MaxRecord is how many bytes end a record.
	MaxRecord = 1 << 20
	// MaxQuiet is how long a silence ends a record. The caller has the clock.
	MaxQuiet = time.Second
)

// A tracker follows a stream, and knows how much of a record has gone before. Find where
// records begin in a batch, then advance.
type tracker struct {
	start   *Expression
	maxLine int
	// maxRecord is [MaxRecord], but in tests.
	maxRecord int
	// length is how much there is of the record that is open: the bytes since its
	// beginning, or maxRecord if the next line begins another.
	length int
	// inside says that the stream is inside a line.
	inside bool
}

// newTracker returns a tracker at the beginning of a stream. Start matches the lines that
// begin a record; nil if all do. MaxLine is how much of a line is matched.
func newTracker(start *Expression, maxLine int) *tracker {
	return &tracker{start: start, maxLine: maxLine, maxRecord: MaxRecord, length: MaxRecord}
}

// end says that the record is over: the next line begins another.
func (t *tracker) end() { t.length = t.maxRecord }

// advance goes on behind a batch, in which a record is known to begin at a place, and no
// other in the lines before from.
func (t *tracker) advance(lines []byte, begin, from int) {
	if len(lines) == 0 {
		return
	}
	begin = t.last(lines, begin, from, len(lines))
	t.length = min(len(lines)-begin, t.maxRecord)
	t.inside = lines[len(lines)-1] != '\n'
}

// firstLine returns where the first line begins that begins in the batch.
func (t *tracker) firstLine(lines []byte) int {
	if !t.inside {
		return 0
	}
	return lineEnd(lines, 0)
}

// next returns the first place at or after the line at from where a record begins. The one
// before began at begin, which is negative if that was in an earlier batch.
func (t *tracker) next(lines []byte, begin, from int) int {
	for from < len(lines) && from-begin < t.maxRecord && !t.begins(lines, from) {
		from = lineEnd(lines, from)
	}
	return from
}

// last returns the last place at or before a byte where a record begins. One is known to
// begin at begin, and no other in the lines between it and from.
func (t *tracker) last(lines []byte, begin, from, at int) int {
	for end := min(at, len(lines)-1); end >= from; {
		line := from + bytes.LastIndexByte(lines[from:end], '\n') + 1
		if t.begins(lines, line) {
			begin = line
			break
		}
		end = line - 1
	}
	// Behind it, records are over by their length.
	for {
		over := max(from, begin+t.maxRecord)
		if over > from && over <= len(lines) {
			over = lineEnd(lines, over-1)
		}
		if over > at || over >= len(lines) {
			return begin
		}
		begin, from = over, over
	}
}

// begins reports whether the line at a place matches.
func (t *tracker) begins(lines []byte, at int) bool {
	return t.start == nil || t.start.matches(head(lines, at, t.maxLine))
}

// head returns what is matched of the line at a place.
func head(lines []byte, at, maxLine int) []byte {
	line := lines[at:min(len(lines), at+maxLine)]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		return line[:i]
	}
	return line
}

// FirstLine returns the first line of a text, with its newline if there is one.
func FirstLine(text []byte) []byte { return text[:lineEnd(text, 0)] }

// lineEnd returns the place behind the line that a byte is in.
func lineEnd(lines []byte, at int) int {
	if i := bytes.IndexByte(lines[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(lines)
}
