package record

import (
	"bytes"
	"math"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// A machine finds the matches of a redaction in a line that comes in pieces: the same as
// package regexp finds in the whole line. That cannot go on where it stopped, so this is
// the algorithm behind it (R. Cox, "Regular Expression Matching: the Virtual Machine
// Approach", which names it Pike's), with threads in the order of preference. It is several
// times slower, and for lines that are longer than any should be.
//
// What a match may have begun with is pending, and has to be held back. What is more than
// most is taken to match, and let go of.
type machine struct {
	*Redaction
	most int
	// anchored says that a match begins where the line does.
	anchored bool

	// threads are the threads that wait at pos; where they go on from there depends on the
	// character that follows. Those that reach one go through ready to it.
	threads, ready threads
	// fresh are the captures of a thread that begins.
	fresh []int
	// pos is a place in the line, and before the character before it; -1 for none.
	pos    int
	before rune
	// match is the match that is preferred so far, if matched is set: threads of more
	// preference may still find another.
	match   []int
	matched bool
	found   []span
	// gone is where what was let go of ends, and blind says that all of the line is.
	gone  int
	blind bool
}

// threads are a list of them, each at an instruction, with the places that it has
// captured. No two are at the same instruction once they are ready.
type threads struct {
	at       []uint32
	captures []int
	size     int // of the captures of one
	// place is where in the list an instruction may be.
	place []int
}

func (t *threads) reset() { t.at, t.captures = t.at[:0], t.captures[:0] }

func (t *threads) add(at uint32, captures []int) {
	t.place[at] = len(t.at)
	t.at = append(t.at, at)
	t.captures = append(t.captures, captures...)
}

func (t *threads) has(at uint32) bool {
	place := t.place[at]
	return place < len(t.at) && t.at[place] == at
}

func (t *threads) of(i int) []int { return t.captures[i*t.size : (i+1)*t.size] }

func newMachine(r *Redaction, most int) *machine {
	size := r.program.NumCap
	list := func() threads { return threads{size: size, place: make([]int, len(r.program.Inst))} }
	// With less it would matter whether skip has seen all of a prefix.
	most = max(most, len(r.prefix)+utf8.UTFMax)
	return &machine{
		Redaction: r, most: most, threads: list(), ready: list(), match: make([]int, size),
		fresh: slices.Repeat([]int{-1}, size), anchored: r.program.StartCond()&syntax.EmptyBeginText != 0,
	}
}

// begin begins a line.
func (m *machine) begin() {
	m.found, m.gone, m.blind = m.found[:0], 0, false
	m.restart(0, -1)
}

// restart looks for the next match.
func (m *machine) restart(pos int, before rune) {
	m.pos, m.before, m.matched = pos, before, false
	m.threads.reset()
}

// pending returns from where on it is not known what is to be written.
func (m *machine) pending() int {
	switch {
	case m.blind:
		return math.MaxInt
	case len(m.threads.at) > 0:
		return max(m.gone, m.threads.of(0)[0]) // the most preferred began first
	case m.matched:
		return max(m.gone, m.match[0])
	}
	return m.pos
}

// run goes on through a text that has come from a place of the line on, which is not behind
// what is pending. It appends to found.
func (m *machine) run(text []byte, at int, end bool) {
	for !m.blind {
		if m.matched && len(m.threads.at) == 0 {
			m.found = m.spans(m.found, m.match)
			pos := m.match[1]
			before, _ := utf8.DecodeLastRune(text[:pos-at])
			if m.match[0] == pos { // of nothing, which is not looked for again
				if pos-at == len(text) {
					return
				}
				r, size := utf8.DecodeRune(text[pos-at:])
				pos, before = pos+size, r
			}
			m.restart(pos, before)
		}
		if len(m.threads.at) == 0 {
			m.skip(text, at, end)
		}
		rest := text[m.pos-at:]
		if !end && !utf8.FullRune(rest) {
			return
		}
		r, size := rune(-1), 0
		if len(rest) > 0 {
			r, size = utf8.DecodeRune(rest)
		}
		m.step(r, size)
		if size == 0 && !m.matched {
			return
		}
		if len(m.threads.at) > 0 && m.pos-m.pending() > m.most {
			m.letGo()
		}
	}
}

// letGo takes what is pending to match. If there is a match, the next one is looked for
// behind that, so what follows stays; where it is too much, nothing can be looked for.
func (m *machine) letGo() {
	from, to := m.pending(), m.pos
	if m.matched {
		to = m.match[1]
	}
	if from == m.gone && from > 0 {
		from-- // it goes on with what was let go of before
	}
	if to <= m.pending() {
		to, m.blind = math.MaxInt, true
	}
	m.found, m.gone = append(m.found, span{from, to}), to
}

// skip goes on to where the next match may begin.
func (m *machine) skip(text []byte, at int, end bool) {
	rest := text[m.pos-at:]
	n := 0
	switch {
	case m.anchored && m.pos > 0:
		n = -1
	case len(m.prefix) > 0:
		n = bytes.Index(rest, m.prefix)
	}
	if n < 0 {
		if n = len(rest); !end {
			n = max(0, n-len(m.prefix)-utf8.UTFMax)
		}
		for n > 0 && n < len(rest) && !utf8.RuneStart(rest[n]) {
			n--
		}
	}
	if n > 0 {
		m.pos += n
		m.before, _ = utf8.DecodeLastRune(rest[:n])
	}
}

// step goes on over one character, or at the end of the line over none.
func (m *machine) step(r rune, size int) {
	flags := syntax.EmptyOpContext(m.before, r)
	m.ready.reset()
	for i, at := range m.threads.at {
		m.follow(at, m.threads.of(i), flags)
	}
	if !m.matched {
		m.fresh[0] = m.pos
		m.follow(uint32(m.program.Start), m.fresh, flags)
	}
	m.threads.reset()
	m.pos, m.before = m.pos+size, r
	for i, at := range m.ready.at {
		switch inst := &m.program.Inst[at]; {
		case inst.Op == syntax.InstMatch:
			copy(m.match, m.ready.of(i))
			m.match[1] = m.pos - size
			m.matched = true
			return // the others are less preferred
		case size > 0 && inst.MatchRune(r):
			m.threads.add(inst.Out, m.ready.of(i))
		}
	}
}

// follow makes a thread ready, or those that it divides into.
func (m *machine) follow(at uint32, captures []int, flags syntax.EmptyOp) {
	if m.ready.has(at) {
		return
	}
	inst := &m.program.Inst[at]
	switch inst.Op {
	case syntax.InstFail:
		return
	case syntax.InstMatch, syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		m.ready.add(at, captures)
		return
	}
	m.ready.add(at, captures) // only not to come here again
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		m.follow(inst.Out, captures, flags)
		m.follow(inst.Arg, captures, flags)
	case syntax.InstEmptyWidth:
		if syntax.EmptyOp(inst.Arg)&^flags == 0 {
			m.follow(inst.Out, captures, flags)
		}
	case syntax.InstCapture:
		was := captures[inst.Arg]
		captures[inst.Arg] = m.pos
		m.follow(inst.Out, captures, flags)
		captures[inst.Arg] = was
	case syntax.InstNop:
		m.follow(inst.Out, captures, flags)
	}
}
