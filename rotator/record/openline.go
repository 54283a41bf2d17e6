package record

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
