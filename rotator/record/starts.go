package record

import "bytes"

// Starts finds the lines that begin a record in lines of which it knows nothing before,
// for those who have their own way of telling when a record is over.
type Starts struct {
	start   *Expression
	maxLine int
}

// NewStarts returns what finds the lines that match. MaxLine is how much of a line is
// matched.
func NewStarts(start *Expression, maxLine int) *Starts { return &Starts{start, maxLine} }

// First returns where the first line of a text is that matches; -1 if none does. The text
// begins where a line does.
func (s *Starts) First(text []byte) int {
	for at := 0; at < len(text); at = lineEnd(text, at) {
		if s.start.matches(head(text, at, s.maxLine)) {
			return at
		}
	}
	return -1
}

// Last returns where the last line of a text is that matches; -1 if none does.
func (s *Starts) Last(text []byte) int {
	for end := len(text); end > 0; {
		line := bytes.LastIndexByte(text[:end-1], '\n') + 1
		if s.start.matches(head(text, line, s.maxLine)) {
			return line
		}
		end = line
	}
	return -1
}
