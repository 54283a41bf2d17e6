package record

import (
	"bytes"
	"encoding/binary"
)

// A search finds the lines of a batch that match an expression, from the first to the
// last.
type search struct {
	*Expression
	maxLine int
	// next is where the next line that matches begins; the length of the batch if there
	// is none.
	next int
	// hits are where each literal is next; unknown before the first search.
	hits []int
}

const (
	unknown = -1
	nowhere = -2
)

func newSearch(e *Expression, maxLine int) *search {
	return &search{Expression: e, maxLine: maxLine, hits: make([]int, len(e.needs.any))}
}

// reset begins a batch.
func (s *search) reset() {
	s.next = unknown
	for i := range s.hits {
		s.hits[i] = unknown
	}
}

// seek finds the first line at or after the one at from. Text is the batch, or what
// package lower made of it for literals that are folded.
func (s *search) seek(lines, text []byte, from int) {
	for from < len(lines) {
		hit, size := from, 0
		if len(s.hits) > 0 {
			if hit, size = s.hit(text, from); hit == len(text) {
				break
			}
			from += bytes.LastIndexByte(lines[from:hit], '\n') + 1
		}
		end := lineEnd(lines, hit)
		if end-from <= s.maxLine && s.needs.in(lines[from:end], hit-from, size) || s.matches(head(lines, from, s.maxLine)) {
			s.next = from
			return
		}
		from = end
	}
	s.next = len(lines)
}

// hit returns where the first literal is, at or after from, and its size.
func (s *search) hit(text []byte, from int) (first, size int) {
	first = len(text)
	for i, at := range s.hits {
		if at < from {
			if at = bytes.Index(text[from:], s.needs.any[i]); at < 0 {
				at = len(text)
			} else {
				at += from
			}
			s.hits[i] = at
		}
		if at < first {
			first, size = at, len(s.needs.any[i])
		}
	}
	return first, size
}

// searches are several in the same batches.
type searches struct {
	all []*search
	// folded is the batch in lower case, if a search needs that.
	folded []byte
}

// add adds a search for an expression.
func (g *searches) add(e *Expression, maxLine int) *search {
	s := newSearch(e, maxLine)
	g.all = append(g.all, s)
	return s
}

// reset begins a batch.
func (g *searches) reset(lines []byte) {
	fold := false
	for _, s := range g.all {
		s.reset()
		fold = fold || s.needs.folded
	}
	if fold {
		g.folded = lower(g.folded[:0], lines)
	}
}

// seek has a search find the first line at or after the one at from.
func (g *searches) seek(s *search, lines []byte, from int) {
	text := lines
	if s.needs.folded {
		text = g.folded
	}
	s.seek(lines, text, from)
}

// lower appends text to dst, with its ASCII letters in lower case, eight at a time.
func lower(dst, text []byte) []byte {
	const ones = 0x0101010101010101
	for ; len(text) >= 8; text = text[8:] {
		word := binary.LittleEndian.Uint64(text)
		low := word & (0x7f * ones)
		// The high bit of each byte says: at least A, more than Z, not ASCII.
		isUpper := (low + (0x80-'A')*ones) &^ (low + (0x7f-'Z')*ones) &^ word & (0x80 * ones)
		dst = binary.LittleEndian.AppendUint64(dst, word|isUpper>>2)
	}
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
