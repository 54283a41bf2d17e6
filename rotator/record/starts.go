package record

import "bytes"

// Starts finds the lines that begin a record in lines of which it knows nothing before,
// for those who have their own way of telling when a record is over. It is for one
// goroutine at a time, if it looks through control sequences.
type Starts struct {
	start   *Expression
	maxLine int
	// stamp is what a line has before it that begins a record; nil for nothing.
	stamp *Stamp
	// plain is memory for a line without control sequences; nil if they are looked at.
	plain []byte
}

// NewStarts returns what finds the lines that match. MaxLine is how much of a line is
// matched.
func NewStarts(start *Expression, maxLine int) *Starts {
	return &Starts{start: start, maxLine: maxLine}
}

// Stamped returns what finds the same lines when they have a stamp.
func (s *Starts) Stamped(stamp *Stamp) *Starts {
	return &Starts{start: s.start, maxLine: s.maxLine, stamp: stamp}
}

// Plain returns what finds the lines that match without their control sequences.
func (s *Starts) Plain() *Starts {
	return &Starts{start: s.start, maxLine: s.maxLine, plain: []byte{}}
}

// First returns where the first line of a text is that matches; -1 if none does. The text
// begins where a line does.
func (s *Starts) First(text []byte) int {
	for at := 0; at < len(text); at = lineEnd(text, at) {
		if s.matches(text, at) {
			return at
		}
	}
	return -1
}

// Last returns where the last line of a text is that matches; -1 if none does.
func (s *Starts) Last(text []byte) int {
	for end := len(text); end > 0; {
		line := bytes.LastIndexByte(text[:end-1], '\n') + 1
		if s.matches(text, line) {
			return line
		}
		end = line
	}
	return -1
}

// matches reports whether the line at a place begins a record.
func (s *Starts) matches(text []byte, at int) bool {
	line := head(text, at, s.maxLine+maxStamp)
	if s.stamp != nil {
		var stamped bool
		if line, stamped = s.stamp.behind(line); !stamped {
			return false
		}
	}
	if s.plain != nil && bytes.IndexByte(line, escape) >= 0 {
		line = s.strip(line)
	}
	return s.start.matches(line[:min(len(line), s.maxLine)])
}

// strip returns a line without its control sequences.
func (s *Starts) strip(line []byte) []byte {
	s.plain = s.plain[:0]
	rest := eachControl(line, func(text, _ []byte) { s.plain = append(s.plain, text...) })
	return append(s.plain, rest...) // which the line is cut in, or ends with
}
