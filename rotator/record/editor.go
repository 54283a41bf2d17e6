package record

import (
	"bytes"
	"time"
)

// An EditorConfig says what is to be written of lines. Nothing of it is required.
type EditorConfig struct {
	// Redact is what becomes ***, in all outputs. Control sequences are looked through.
	Redact []*Redaction
	// Strip leaves control sequences out.
	Strip bool
	// Stamp is put before each record; nil for none.
	Stamp *Stamp
	// Start matches the lines that begin a record; nil if all do.
	Start *Expression
	// MaxLine is the length from which lines may come in pieces.
	MaxLine int
	// AsRead says which of the router's outputs get lines as they were read, but for what is
	// redacted.
	AsRead []bool
}

// On returns the same for another stream, which %{stream} names.
func (c *EditorConfig) On(stream string) *EditorConfig {
	if c == nil || c.Stamp == nil {
		return c
	}
	on := *c
	on.Stamp = c.Stamp.On(stream)
	return &on
}

// NamesWriters reports whether stamps tell who wrote a line.
func (c *EditorConfig) NamesWriters() bool { return c != nil && c.Stamp != nil && c.Stamp.Needs("pid") }

// maxRead is more than the lines of a batch that are shorter than MaxLine have.
const maxRead = 512 << 10

// MaxBatch returns the most that [Editor.Route] may push to an output at once, if batches
// have size bytes at the most. It may hold back twice as much, and make three characters of
// one.
func (c *EditorConfig) MaxBatch(size int) int {
	most := size
	if c.Strip || len(c.Redact) > 0 {
		most *= 3
	}
	if len(c.Redact) > 0 {
		most *= len(stars)
	}
	if c.Stamp != nil {
		most += maxRead * c.Stamp.Size
	}
	return most
}

// An Editor changes what is written: it redacts a batch, routes it, and then strips and
// stamps what each output gets. What is routed is what is written, without the stamp.
//
// A line that comes in pieces is held back for as long as it is not known what is to
// be written of it: the beginning of what may match a redaction or be a control sequence,
// and less than MaxLine of what an expression is to match.
type Editor struct {
	config   EditorConfig
	router   *Router   // nil for the main output alone
	redactor *redactor // nil without redactions
	tracker  *tracker

	// cut is what may be the beginning of a control sequence, at the end of the last
	// batch, and joined memory for it and the next one.
	cut, joined []byte
	// plain is memory for read.
	plain []byte
	// read is a batch, without its control sequences, and edited what is to be written.
	read, edited text
	line         openLine

	// stamps are those of a batch, and stamped those that there are for each process.
	stamps  insertions
	stamped []stamped
	// writers are who wrote the next lines.
	writers writerQueue
	// wrote is when each process wrote its last line, if records are told.
	wrote map[int32]time.Time
	quiet quiet

	// main is what the main output gets, and part what another one does.
	main, part []byte
	push       func(output int, run []byte)
	route      func(output int, run []byte)
}

// A text has had its control sequences taken out, or those that were to be.
type text struct {
	bytes    []byte
	controls insertions
}

func (t *text) reset() {
	t.bytes = t.bytes[:0]
	t.controls.reset()
}

// restart empties the text, but for control sequences that nothing is behind yet.
func (t *text) restart() {
	kept := shrunk(t.bytes)
	t.cut(len(t.bytes))
	t.bytes = kept
}

// An openLine is a line that comes in pieces.
type openLine struct {
	open bool
	// held is what is not known yet how to write, from a place of the line on.
	held text
	at   int
	// long says that the line is longer than MaxLine, so that a redactor has begun it.
	long bool
	// first is what is known, until it is as much as an expression is to match; then some
	// is passed on.
	first  text
	passed bool
}

// A stamped is what has been put before the lines of a process.
type stamped struct {
	pid int32
	mark
}

// NewEditor returns an editor at the beginning of a stream. What it edits goes through the
// router; nil if there is the main output alone.
func NewEditor(c EditorConfig, router *Router) *Editor {
	e := &Editor{config: c, router: router, tracker: newTracker(c.Start, c.MaxLine), wrote: map[int32]time.Time{}}
	if len(c.Redact) > 0 {
		e.redactor = newRedactor(c.Redact, c.MaxLine)
	}
	if router != nil {
		router.pushes = true
	}
	e.route = func(output int, run []byte) {
		from := e.router.from
		switch {
		case output < 0:
			e.main = e.stamps.appendTo(e.main, run, from)
		case output < len(c.AsRead) && c.AsRead[output]:
			e.part = e.edited.controls.appendTo(e.part[:0], run, from)
			e.push(output, e.part)
		default:
			e.part = e.stamps.appendTo(e.part[:0], run, from)
			e.push(output, e.part)
		}
	}
	return e
}

// Route is as [Router.Route]: it calls push with what belongs to each of the other outputs,
// and returns what belongs to the main one, in memory that is valid until the next call.
// Writers are who wrote the lines that begin in the batch.
func (e *Editor) Route(lines []byte, at time.Time, writers []Writer, push func(output int, run []byte)) (main []byte) {
	lines = e.edit(lines)
	e.stamp(lines, at, writers)
	e.main = shrunk(e.main)
	switch {
	case e.router != nil:
		e.push = push
		e.router.Route(lines, at, writers, e.route)
	case e.config.Stamp == nil:
		return lines
	default:
		e.main = e.stamps.appendTo(e.main, lines, 0)
	}
	return e.main
}

// End says that the record is over: the next line begins another.
func (e *Editor) End() {
	e.tracker.end()
	clear(e.wrote)
	if e.router != nil {
		e.router.End()
	}
}

// Keep leaves the memory of what Route returned last to the caller.
func (e *Editor) Keep() {
	e.edited.restart()
	e.main, e.edited.bytes = nil, nil
}

// shrunk empties a buffer, and gives it up if most of it is not needed.
func shrunk(buffer []byte) []byte {
	if cap(buffer) > 1<<20 && len(buffer) < cap(buffer)/4 {
		return nil
	}
	return buffer[:0]
}

// edit redacts a batch, and strips it or leaves it as it is.
func (e *Editor) edit(lines []byte) []byte {
	if e.redactor == nil && !e.config.Strip || len(lines) == 0 {
		return lines
	}
	e.edited.restart()
	if same := e.strip(lines); same && !e.line.open && e.whole(lines, 0) == len(lines) {
		var found []span
		if e.redactor != nil {
			found = e.redactor.lines(lines)
		}
		if len(found) == 0 {
			return lines
		}
		e.put(&e.edited, &e.read, 0, len(lines), found, 0)
		return e.edited.bytes
	}
	read := e.read.bytes
	for from := 0; from < len(read); {
		if !e.line.open {
			if end := e.whole(read, from); end > from {
				var found []span
				if e.redactor != nil {
					found = e.redactor.lines(read[from:end])
				}
				e.put(&e.edited, &e.read, from, end, found, from)
				from = end
				continue
			}
		}
		end := lineEnd(read, from)
		e.piece(from, end)
		from = end
	}
	if e.read.cut(len(read)); len(e.read.controls.marks) > 0 {
		e.line.open = true
		e.line.held.appendControls(&e.read)
	}
	return e.edited.bytes
}

// strip reads a batch: it takes out the control sequences. It reports whether there are
// none.
func (e *Editor) strip(lines []byte) (same bool) {
	e.read.controls.reset()
	if len(e.cut) == 0 && bytes.IndexByte(lines, escape) < 0 {
		e.read.bytes = lines
		return true
	}
	if len(e.cut) > 0 {
		e.joined = append(append(e.joined[:0], e.cut...), lines...)
		lines = e.joined
	}
	plain := shrunk(e.plain)
	cut := eachControl(lines, func(before, control []byte) {
		plain = append(plain, before...)
		if len(control) > 0 && e.wanted(control) {
			e.read.controls.add(len(plain), control)
		}
	})
	e.cut = append(e.cut[:0], cut...)
	e.read.bytes, e.plain = plain, plain
	return false
}

// wanted reports whether a control sequence is to be written anywhere. One with a secret in
// it is not: a link may have a password.
func (e *Editor) wanted(control []byte) bool {
	return (!e.config.Strip || len(e.config.AsRead) > 0) &&
		(e.redactor == nil || !isString(control) || !e.redactor.matches(control))
}

// whole returns where the lines end, from a place on, that are whole and shorter than
// MaxLine.
func (e *Editor) whole(read []byte, from int) int {
	if len(read)-from <= e.config.MaxLine && read[len(read)-1] == '\n' {
		return len(read)
	}
	for from < len(read) {
		i := bytes.IndexByte(read[from:min(len(read), from+e.config.MaxLine)], '\n')
		if i < 0 {
			break
		}
		from += i + 1
	}
	return from
}

// piece goes on with a line that comes in pieces, or is longer than MaxLine. The next piece
// is read[from:end].
func (e *Editor) piece(from, end int) {
	l := &e.line
	l.open = true
	whole := e.read.bytes[end-1] == '\n'
	l.held.append(&e.read, from, end)
	size := len(l.held.bytes)
	if whole {
		size--
	}
	if !l.long && size < e.config.MaxLine && !whole {
		return
	}
	known, found := size, []span(nil)
	switch {
	case e.redactor == nil:
	case !l.long && size < e.config.MaxLine:
		found = e.redactor.lines(l.held.bytes)
	default:
		if !l.long {
			e.redactor.begin()
		}
		known, found = e.redactor.piece(l.held.bytes[:size], l.at, whole)
		known -= l.at
	}
	l.long = true
	if whole {
		known = size + 1
	}
	to := &l.first
	if l.passed {
		to = &e.edited
	}
	e.put(to, &l.held, 0, known, found, -l.at)
	l.held.cut(known)
	if l.at += known; e.redactor != nil {
		e.redactor.forget(l.at)
	}
	if !l.passed && (whole || len(l.first.bytes) >= e.config.MaxLine) {
		l.passed = true
		e.edited.append(&l.first, 0, len(l.first.bytes))
		l.first.restart()
		e.edited.appendControls(&l.first)
		l.first.reset()
	}
	if whole {
		l.end()
	}
}

// end ends the line.
func (l *openLine) end() {
	l.open, l.long, l.passed, l.at = false, false, false, 0
	l.held.bytes, l.first.bytes = shrunk(l.held.bytes), shrunk(l.first.bytes)
}

// append appends a part of a text to another, with the control sequences in it.
func (t *text) append(in *text, from, end int) {
	shift := len(t.bytes) - from
	for _, m := range in.controls.marks[in.controls.after(from):] {
		if m.at >= end {
			break
		}
		t.controls.add(m.at+shift, in.controls.bytes[m.from:m.to])
	}
	t.bytes = append(t.bytes, in.bytes[from:end]...)
}

// appendControls appends the control sequences of a text that has nothing else.
func (t *text) appendControls(in *text) {
	for _, m := range in.controls.marks {
		t.controls.add(len(t.bytes), in.controls.bytes[m.from:m.to])
	}
}

// cut cuts off the beginning of a text.
func (t *text) cut(n int) {
	t.bytes = t.bytes[:copy(t.bytes, t.bytes[n:])]
	kept := t.controls.marks[t.controls.after(n):]
	if len(kept) == 0 {
		t.controls.reset()
		return
	}
	begin := kept[0].from
	t.controls.bytes = t.controls.bytes[:copy(t.controls.bytes, t.controls.bytes[begin:])]
	for i, m := range kept {
		t.controls.marks[i] = mark{m.at - n, m.from - begin, m.to - begin}
	}
	t.controls.marks = t.controls.marks[:len(kept)]
}

// put appends a part of a text to another, with stars for what is not to be written. Found
// has its places, shifted. What begins before the part has its stars already.
func (e *Editor) put(to, in *text, from, end int, found []span, shift int) {
	marks := in.controls.marks[in.controls.after(from):]
	at := from
	// goOn goes on to a place, with the control sequences up to there, and if it is written
	// the text.
	goOn := func(place int, written bool) {
		for len(marks) > 0 && marks[0].at <= place && marks[0].at < end {
			m := marks[0]
			marks = marks[1:]
			if written {
				to.bytes = append(to.bytes, in.bytes[at:m.at]...)
			}
			at = m.at
			if control := in.controls.bytes[m.from:m.to]; e.config.Strip {
				to.controls.add(len(to.bytes), control)
			} else {
				to.bytes = append(to.bytes, control...)
			}
		}
		if written {
			to.bytes = append(to.bytes, in.bytes[at:place]...)
		}
		at = place
	}
	for _, s := range found {
		begin, stop := s.from+shift, end
		if s.to < end-shift {
			stop = s.to + shift
		}
		if begin >= end {
			break
		}
		if begin >= from {
			goOn(begin, true)
			to.bytes = append(to.bytes, stars...)
		}
		if stop > at {
			goOn(stop-1, false)
			at = stop
		}
	}
	goOn(end, true)
}

// stamp notes where in a batch stamps are to be put.
func (e *Editor) stamp(lines []byte, at time.Time, writers []Writer) {
	s := e.config.Stamp
	if s == nil {
		return
	}
	e.writers.add(writers)
	e.quiet.hear(at)
	e.stamps.reset()
	e.stamped = e.stamped[:0]
	t := e.tracker
	begin := -t.length
	for from := t.firstLine(lines); from < len(lines); from = lineEnd(lines, from) {
		writer, follows := e.writers.first(), from-begin < t.maxRecord
		if writer.Lines > 0 {
			e.writers.take(1)
			follows = (t.start == nil || e.follows(writer.PID, at)) && follows
		}
		if !follows || t.begins(lines, from) {
			e.stampAt(from, at, writer.PID)
			begin = from
		}
	}
	t.advance(lines, begin, len(lines))
}

// follows reports whether a process has written a line before, and was not quiet since, so
// that its next one may belong to the same record.
func (e *Editor) follows(pid int32, at time.Time) bool {
	last, wrote := e.wrote[pid]
	if len(e.wrote) >= maxRecords {
		clear(e.wrote)
	}
	e.wrote[pid] = at
	return wrote && !e.quiet.over(last, at)
}

// stampAt puts a stamp before a line. Those of one process and one batch are the same.
func (e *Editor) stampAt(place int, at time.Time, pid int32) {
	for _, s := range e.stamped {
		if s.pid == pid {
			e.stamps.again(place, s.mark)
			return
		}
	}
	from := len(e.stamps.bytes)
	e.stamps.bytes = e.config.Stamp.append(e.stamps.bytes, at, pid)
	m := mark{place, from, len(e.stamps.bytes)}
	e.stamps.marks = append(e.stamps.marks, m)
	if len(e.stamped) < maxStamped {
		e.stamped = append(e.stamped, stamped{pid, m})
	}
}

// maxStamped is how many processes are looked through.
const maxStamped = 16
