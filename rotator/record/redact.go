package record

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
)

// A Redaction is a regular expression about what is not to be written: what its groups
// match, or all that it matches if it has none. It may be shared.
type Redaction struct {
	Expression
	// groups says that it has groups.
	groups bool
	// program is what machines run, and prefix what every match begins with.
	program *syntax.Prog
	prefix  []byte
}

// CompileRedaction reads an expression. The error names the part that is wrong.
func CompileRedaction(text string) (*Redaction, error) {
	if text == "" {
		return nil, errors.New(`the expression is empty; write what is to become ***, such as 'password=(\S+)'`)
	}
	e, err := Compile(text)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if has(tree, sees) {
		return nil, errors.New(`the expression has an escape (\x1b) in it; control sequences are looked through, so write it without`)
	}
	re, err := regexp.Compile(grouped(tree).String())
	if err != nil {
		return nil, err
	}
	if tree, err = syntax.Parse(re.String(), syntax.Perl); err != nil {
		return nil, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	e.regexp = re
	prefix, _ := re.LiteralPrefix()
	return &Redaction{Expression: *e, groups: re.NumSubexp() > 0, program: program, prefix: []byte(prefix)}, nil
}

// UnmarshalText reads an expression.
func (r *Redaction) UnmarshalText(text []byte) error {
	compiled, err := CompileRedaction(string(text))
	if err == nil {
		*r = *compiled
	}
	return err
}

// sees reports whether a part of an expression is about an escape.
func sees(re *syntax.Regexp) bool {
	return re.Op == syntax.OpLiteral && slices.Contains(re.Rune, escape)
}

// grouped returns an expression whose groups do not repeat: of one that does, regexp tells
// only what it matched last, and the rest would be written. So what repeats becomes the
// group, with all that it matches.
func grouped(re *syntax.Regexp) *syntax.Regexp {
	repeats := re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Max != 1
	if repeats && has(re, captures) {
		return &syntax.Regexp{Op: syntax.OpCapture, Cap: 1, Flags: re.Flags, Sub: []*syntax.Regexp{re}}
	}
	for i, sub := range re.Sub {
		re.Sub[i] = grouped(sub)
	}
	return re
}

func captures(re *syntax.Regexp) bool { return re.Op == syntax.OpCapture }

// A span is a part of a text that is not to be written.
type span struct{ from, to int }

// spans appends what is not to be written of a match, as package regexp gives it.
func (r *Redaction) spans(all []span, match []int) []span {
	if r.groups {
		match = match[2:]
	}
	for i := 0; i < len(match); i += 2 {
		if match[i] < match[i+1] {
			all = append(all, span{match[i], match[i+1]})
		}
	}
	return all
}

// merge sorts spans and makes one of those that overlap.
func merge(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	kept := all[:0]
	for _, s := range all {
		if last := len(kept) - 1; last >= 0 && s.from < kept[last].to {
			kept[last].to = max(kept[last].to, s.to)
		} else {
			kept = append(kept, s)
		}
	}
	return kept
}

// A redactor finds what several redactions match. All are matched against the text as it
// was read, so that none takes away what another is about.
type redactor struct {
	redactions []*Redaction
	searches   searches
	// found are what was found last.
	found []span
	// machines are for a line that comes in pieces.
	machines []*machine
}

// newRedactor returns a redactor of lines that are shorter than maxLine, and of pieces of
// longer ones.
func newRedactor(redactions []*Redaction, maxLine int) *redactor {
	r := &redactor{redactions: redactions}
	for _, redaction := range redactions {
		r.searches.add(&redaction.Expression, maxLine)
		r.machines = append(r.machines, newMachine(redaction, maxLine))
	}
	return r
}

// lines returns what is not to be written of whole lines, in order.
func (r *redactor) lines(lines []byte) []span {
	r.found = r.found[:0]
	r.searches.reset(lines)
	for i, s := range r.searches.all {
		text := r.searches.text(s, lines)
		for at := 0; at < len(lines); {
			begin, hit, _ := s.candidate(lines, text, at)
			if begin == len(lines) {
				break
			}
			at = lineEnd(lines, hit)
			before := len(r.found)
			for _, match := range s.regexp.FindAllSubmatchIndex(lines[begin:at-1], -1) {
				r.found = r.redactions[i].spans(r.found, match)
			}
			for j := range r.found[before:] {
				r.found[before+j].from += begin
				r.found[before+j].to += begin
			}
		}
	}
	r.found = merge(r.found)
	return r.found
}

// begin begins a line that comes in pieces.
func (r *redactor) begin() {
	r.found = r.found[:0]
	for _, m := range r.machines {
		m.begin()
	}
}

// piece goes on with the line: text is what has come of it from a place on, and all of it if
// that is the end. It returns how far it is known what is not to be written, and that.
func (r *redactor) piece(text []byte, at int, end bool) (known int, found []span) {
	known = at + len(text)
	if r.blind() > at {
		for _, m := range r.machines {
			m.run(text, at, end)
			r.found = append(r.found, m.found...)
			m.found = m.found[:0]
			known = min(known, m.pending())
		}
		r.found = merge(r.found)
	}
	if r.blind() <= known {
		known = at + len(text)
		if end {
			r.found[len(r.found)-1].to = known
		}
	}
	return known, r.found
}

// blind returns from where on nothing of the line is to be written.
func (r *redactor) blind() int {
	if last := len(r.found) - 1; last >= 0 && r.found[last].to == math.MaxInt {
		return r.found[last].from
	}
	return math.MaxInt
}

// forget forgets what was found before a place.
func (r *redactor) forget(at int) {
	r.found = slices.DeleteFunc(r.found, func(s span) bool { return s.to <= at })
}

// matches reports whether a text matches any redaction.
func (r *redactor) matches(text []byte) bool {
	return slices.ContainsFunc(r.redactions, func(redaction *Redaction) bool { return redaction.matches(bytes.TrimSuffix(text, newline)) })
}

var (
	newline = []byte{'\n'}
	stars   = []byte("***")
)
