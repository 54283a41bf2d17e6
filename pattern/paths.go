package pattern

import (
	"path/filepath"
	"slices"
	"strings"
)

// Paths is a set of paths: all that a pattern can give, and perhaps a few that it cannot,
// such as the 99th of a month. It is an automaton, whose state 0 is where a path begins.
type Paths struct {
	states []state
	last   int // where a path ends
}

// A state has the ways to go on from it: for one character, or for none.
type state struct {
	steps []step
	jumps []int
}

// A step leads to another state if the next character is one from low to high.
type step struct {
	low, high byte
	to        int
}

// Derived says which paths there may be besides those that the pattern gives.
type Derived struct {
	Numbered bool     // with a number behind
	Endings  []string // then with one of these endings
	Marks    []string // or that, hidden, with one of these endings
}

// Paths returns the paths that the pattern can give, and those derived from them. They are
// absolute, and as if the leading directories without fields were what resolve returns for
// them.
func (p *Pattern) Paths(resolve func(dir string) string, d Derived) *Paths {
	return paths(p.Levels(), resolve, d)
}

// Path returns the set of one path.
func Path(path string, resolve func(dir string) string) *Paths {
	one := Pattern{tokens: []token{{text: path}}}
	return paths(one.Levels(), resolve, Derived{})
}

func paths(levels []Level, resolve func(dir string) string, d Derived) *Paths {
	fixed := 0 // levels that are the same for all
	for fixed < len(levels)-1 && !levels[fixed].Varies() {
		fixed++
	}
	dir := "."
	for i, l := range levels[:fixed] {
		if i == 0 && l.Text == "" {
			dir = "/"
		}
		dir = filepath.Join(dir, l.Text)
	}
	p := &Paths{states: make([]state, 1)}
	at := p.text(0, strings.TrimSuffix(resolve(dir), "/"))
	for i, l := range levels[fixed:] {
		if !l.Varies() && (l.Text == "" || l.Text == ".") {
			continue
		}
		at = p.text(at, "/")
		if fixed+i < len(levels)-1 {
			at = p.name(at, l)
			continue
		}
		hidden := p.derived(p.name(p.text(at, "."), l), d)
		at = p.derived(p.name(at, l), d)
		for _, mark := range d.Marks {
			p.jump(p.text(hidden, mark), at)
		}
	}
	p.last = at
	return p
}

// name adds the names of a level.
func (p *Paths) name(at int, l Level) int {
	for _, t := range l.tokens {
		at = p.token(at, t)
	}
	return at
}

// derived adds what may stand behind a name.
func (p *Paths) derived(at int, d Derived) int {
	if d.Numbered {
		digits := p.character(p.text(at, "."), '0', '9')
		p.states[digits].steps = append(p.states[digits].steps, step{'0', '9', digits})
		end := p.add()
		p.jump(at, end)
		p.jump(digits, end)
		at = end
	}
	end := p.add()
	p.jump(at, end)
	for _, ending := range d.Endings {
		p.jump(p.text(at, ending), end)
	}
	return end
}

// token adds what a token can spell.
func (p *Paths) token(at int, t token) int {
	low, high, least, most := byte(' '), byte('~'), 1, t.maxWidth()
	switch {
	case t.spec == 0:
		return p.text(at, t.text)
	case t.field.words != nil:
		end := p.add()
		for _, word := range t.field.words {
			p.jump(p.text(at, word), end)
		}
		return end
	case t.counts():
		low, high = '0', '9'
	case t.field.digits > 0:
		low, high = '0', '9'
		if t.field.pad == ' ' {
			low = ' ' // and a few more
		}
		if !t.unpadded {
			least = most
		}
	}
	end := p.add()
	for width := 1; width <= most; width++ {
		if at = p.character(at, low, high); width >= least {
			p.jump(at, end)
		}
	}
	return end
}

// text adds a text.
func (p *Paths) text(at int, text string) int {
	for i := range len(text) {
		at = p.character(at, text[i], text[i])
	}
	return at
}

// character adds a character of a range.
func (p *Paths) character(at int, low, high byte) int {
	next := p.add()
	p.states[at].steps = append(p.states[at].steps, step{low, high, next})
	return next
}

func (p *Paths) add() int {
	p.states = append(p.states, state{})
	return len(p.states) - 1
}

func (p *Paths) jump(from, to int) { p.states[from].jumps = append(p.states[from].jumps, to) }

// Overlap reports whether two sets have a path in common.
func (p *Paths) Overlap(other *Paths) bool {
	return p.together(other, func(mine, others int) bool { return mine == p.last && others == other.last })
}

// Above reports whether a path of p is a directory of a path of the other set.
func (p *Paths) Above(other *Paths) bool {
	return p.together(other, func(mine, others int) bool {
		return mine == p.last && slices.ContainsFunc(other.states[others].steps, func(s step) bool { return s.low == '/' && s.high == '/' })
	})
}

// together spells paths of both sets, as long as they are the same, and reports whether
// states are reached that are wanted.
func (p *Paths) together(other *Paths, wanted func(mine, others int) bool) bool {
	type pair struct{ a, b int }
	seen := map[pair]bool{{}: true}
	for next := []pair{{}}; len(next) > 0; {
		at := next[len(next)-1]
		next = next[:len(next)-1]
		if wanted(at.a, at.b) {
			return true
		}
		visit := func(to pair) {
			if !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
		for _, to := range p.states[at.a].jumps {
			visit(pair{to, at.b})
		}
		for _, to := range other.states[at.b].jumps {
			visit(pair{at.a, to})
		}
		for _, s := range p.states[at.a].steps {
			for _, o := range other.states[at.b].steps {
				if max(s.low, o.low) <= min(s.high, o.high) {
					visit(pair{s.to, o.to})
				}
			}
		}
	}
	return false
}
