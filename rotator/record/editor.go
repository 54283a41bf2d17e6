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

// WantsWriters reports whether [Editor.Route] is to be told who wrote each line, and which is
// the rest of another.
func (c *EditorConfig) WantsWriters() bool { return c.NamesWriters() || c != nil && len(c.Redact) > 0 }

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

	rests rests
	// cut is what may be the beginning of a control sequence, at the end of the last
	// batch, and joined memory for it and the next one.
	cut, joined []byte
	// plain is memory for read.
	plain []byte
	// read is a batch, without its control sequences, and edited what is to be written.
	read, edited text
	line         openLine

	stamper stamper

	// main is what the main output gets, and part what another one does.
	main, part []byte
	push       func(output int, run []byte)
	route      func(output int, run []byte)
}

// NewEditor returns an editor at the beginning of a stream. What it edits goes through the
// router; nil if there is the main output alone.
func NewEditor(c EditorConfig, router *Router) *Editor {
	e := &Editor{config: c, router: router, stamper: stamper{
		stamp: c.Stamp, tracker: newTracker(c.Start, c.MaxLine), wrote: map[int32]time.Time{},
	}}
	if len(c.Redact) > 0 {
		e.redactor = newRedactor(c.Redact, c.MaxLine)
	}
	if router != nil {
		router.pushes = true
	}
	e.route = func(output int, run []byte) {
		if output < 0 {
			e.main = e.stamper.stamps.appendTo(e.main, run, e.router.from)
			return
		}
		with := &e.stamper.stamps
		if output < len(c.AsRead) && c.AsRead[output] {
			with = &e.edited.controls
		}
		e.part = with.appendTo(shrunk(e.part), run, e.router.from)
		e.push(output, e.part)
	}
	return e
}

// Route is as [Router.Route]: it calls push with what belongs to each of the other outputs,
// and returns what belongs to the main one, in memory that is valid until the next call.
// Writers are who wrote the lines that begin in the batch.
func (e *Editor) Route(lines []byte, at time.Time, writers []Writer, push func(output int, run []byte)) (main []byte) {
	lines = e.edit(e.hide(lines, writers))
	e.stamper.mark(lines, at, writers)
	e.main = shrunk(e.main)
	switch {
	case e.router != nil:
		e.push = push
		if e.config.Start == nil {
			writers = nil
		}
		e.router.Route(lines, at, writers, e.route)
	case e.config.Stamp == nil:
		return lines
	default:
		e.main = e.stamper.stamps.appendTo(e.main, lines, 0)
	}
	return e.main
}

// End says that the record is over: the next line begins another.
func (e *Editor) End() {
	e.stamper.end()
	if e.router != nil {
		e.router.End()
	}
}

// Keep leaves the memory of what Route returned last to the caller.
func (e *Editor) Keep() {
	e.edited.restart()
	e.main, e.edited.bytes = nil, nil
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
