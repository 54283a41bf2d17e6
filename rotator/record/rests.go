package record

import "slices"

// Rests are of lines that were cut in two before we had them, for lack of memory or of time.
// What a secret begins with may be in the other half, so they are not written where anything
// is redacted.
type rests struct {
	// inside says that the last batch ended inside a line, and hiding that this is one not to
	// be written.
	inside, hiding bool
	kept           []byte
}

// hide puts stars in the place of lines that are the rest of others.
func (e *Editor) hide(lines []byte, writers []Writer) []byte {
	r := &e.rests
	if e.redactor == nil || len(lines) == 0 {
		return lines
	}
	from, line := 0, 0
	if r.inside {
		line = lineEnd(lines, 0)
	}
	r.inside = lines[len(lines)-1] != '\n'
	if !r.hiding && !slices.ContainsFunc(writers, func(w Writer) bool { return w.Rest }) {
		return lines
	}
	r.kept = shrunk(r.kept)
	skip := func(to int) { // a line that ends there, but not its newline
		if from, r.hiding = to, lines[to-1] != '\n'; !r.hiding {
			from--
		}
	}
	if r.hiding {
		skip(lineEnd(lines, 0))
	}
	for _, w := range writers {
		if w.Rest && w.Lines > 0 && line < len(lines) {
			r.kept = append(append(r.kept, lines[from:line]...), stars...)
			skip(lineEnd(lines, line))
		}
		for range w.Lines {
			line = lineEnd(lines, line)
		}
	}
	r.kept = append(r.kept, lines[from:]...)
	return r.kept
}
