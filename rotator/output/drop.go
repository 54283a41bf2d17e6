package output

import (
	"bytes"
	"fmt"
	"time"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/record"
)

// reserve is how much of a buffer only records take that were begun before, so that a
// record is seldom cut; a quarter of a small buffer.
const reserve = record.MaxRecord

// A dropping is what a buffer knows of the lines that it drops.
type dropping struct {
	records rotator.Records // where records begin; nil if every line is one
	// skipping says that a line is being dropped whose end has not come yet.
	skipping bool
	// rest says that a record is being dropped of which more lines may come, and restBytes
	// how much of it was dropped.
	rest      bool
	restBytes int
	dropped   drops
}

// drops are lines that were dropped in a row.
type drops struct {
	lines, records int
	from, to       time.Time // when they were read
}

// fitting returns the lines at the beginning of a text that there is room for: whole ones
// if those that find none are dropped, and whole records as far as that can be told.
func (b *buffer) fitting(lines []byte) []byte {
	room := b.room()
	fits := lines[:min(len(lines), room)]
	if !b.drop {
		return fits
	}
	if len(fits) < len(lines) {
		fits = fits[:bytes.LastIndexByte(fits, '\n')+1]
	}
	if b.records == nil || len(fits) == 0 {
		return fits
	}
	begin := b.records.First(lines)
	if begin < 0 || begin >= len(fits) {
		return fits // of a record that was begun before
	}
	// What begins here must leave room for what it goes on with.
	most := max(begin, min(len(fits), room-min(reserve, b.limit/4)))
	if most == len(lines) {
		return fits
	}
	return fits[:max(begin, b.records.Last(lines[:most+len(record.FirstLine(lines[most:]))]))]
}

// skip drops the rest of what is being dropped and returns what comes after it.
func (b *buffer) skip(lines []byte, at time.Time) []byte {
	if b.skipping && len(lines) > 0 {
		rest := record.FirstLine(lines)
		b.refuse(rest, at)
		lines = lines[len(rest):]
	}
	if !b.rest || b.skipping || len(lines) == 0 {
		return lines
	}
	if b.restBytes >= record.MaxRecord {
		b.rest = false
		return lines
	}
	rest := lines
	if i := b.records.First(lines); i >= 0 {
		rest = lines[:i]
	}
	b.refuse(rest, at)
	b.rest = len(rest) == len(lines)
	return lines[len(rest):]
}

// refuse drops lines. A line of which a piece was taken in already is ended there;
// it is whole if only its newline was missing.
func (b *buffer) refuse(lines []byte, at time.Time) {
	if b.open && len(lines) > 0 {
		b.add(newline, at)
		lines = bytes.TrimPrefix(lines, newline)
	}
	if len(lines) == 0 {
		return
	}
	d := &b.dropped
	if d.from.IsZero() {
		d.from = at
	}
	d.to = at
	d.lines += bytes.Count(lines, newline)
	b.skipping = lines[len(lines)-1] != '\n'
	if b.records == nil {
		return
	}
	first := b.records.First(lines)
	if !b.rest && first != 0 {
		d.records++ // of which the beginning was taken in
	}
	b.rest = true
	b.restBytes += len(lines)
	for i := first; i >= 0; i = b.records.First(lines) {
		d.records++
		b.restBytes = len(lines) - i
		lines = lines[i:]
		lines = lines[len(record.FirstLine(lines)):]
	}
}

// note puts in our line about dropped lines, where they are missing.
func (b *buffer) note() {
	d := b.dropped
	if d.lines == 0 {
		return
	}
	b.dropped = drops{}
	count := messages.Lines(d.lines)
	switch {
	case b.records != nil && d.records == 0:
		count = "the rest of a record"
	case b.records != nil:
		count = messages.Count(d.records, "record")
	}
	text := fmt.Appendf(nil, "logreel: %s dropped from %s to %s\n", count, d.from.Format(time.RFC3339), d.to.Format(time.RFC3339))
	b.spans = append(b.spans, span{at: d.to, ended: b.ended}) // a span of its own, for giveUp
	b.ended = false
	b.add(text, d.to)
	b.spans[len(b.spans)-1].dropped = d.lines
}
