package record

import (
	"cmp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxLiterals is how many literals are searched for at the most. Each is a search
	// of its own.
	maxLiterals = 16
	// minLiteral is the length from which a literal is worth a search. A single byte is
	// in most lines.
	minLiteral = 2
	// maxLiteral is how long they may be. Longer ones are no rarer, and bytes.Index is
	// slower with them.
	maxLiteral = 60
	// maxRunes is how many characters a class may have to be taken for literals.
	maxRunes = 4
)

// literals are texts of which every line that matches has at least one.
type literals struct {
	any [][]byte // none if nothing is known
	// enough says that a line with one of them matches, so that the regular expression
	// need not be asked; if before or after is set, with a
	// word boundary (\b) there.
	enough        bool
	before, after bool
	// folded says that they are in lower case, to be searched for in a text of which the
	// ASCII letters are.
	folded bool
}

// required returns the literals of a simplified expression.
func required(tree *syntax.Regexp) literals {
	a := analysis{folded: has(tree, folds)}
	found := a.of(tree)
	best, exact := a.best(found.exact, found.need), worth(found.exact) >= worth(found.need)
	if best == nil {
		return literals{}
	}
	l := literals{folded: a.folded}
	if exact && !a.folded {
		tree, l.before, l.after = withoutBoundaries(tree)
		l.enough = !has(tree, asserts)
	}
	for _, text := range shortest(best) {
		l.any = append(l.any, []byte(text))
		l.enough = l.enough && !strings.Contains(text, "\n")
	}
	return l
}

func folds(re *syntax.Regexp) bool {
	return re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0
}

func asserts(re *syntax.Regexp) bool {
	return syntax.OpBeginLine <= re.Op && re.Op <= syntax.OpNoWordBoundary
}

// has reports whether a part of the tree is of a kind.
func has(tree *syntax.Regexp, kind func(*syntax.Regexp) bool) bool {
	return kind(tree) || slices.ContainsFunc(tree.Sub, func(sub *syntax.Regexp) bool { return has(sub, kind) })
}

// withoutBoundaries returns an expression without a \b at its beginning and at its end.
func withoutBoundaries(tree *syntax.Regexp) (inner *syntax.Regexp, before, after bool) {
	if tree.Op == syntax.OpCapture {
		return withoutBoundaries(tree.Sub[0])
	}
	if tree.Op != syntax.OpConcat {
		return tree, false, false
	}
	parts := tree.Sub
	if before = parts[0].Op == syntax.OpWordBoundary; before {
		parts = parts[1:]
	}
	if after = len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpWordBoundary; after {
		parts = parts[:len(parts)-1]
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: parts}, before, after
}

// in reports whether one of them, which is at a place in a line, is enough.
func (l *literals) in(line []byte, at, size int) bool {
	return l.enough && (!l.before || isBoundary(line, at)) && (!l.after || isBoundary(line, at+size))
}

// isBoundary reports whether \b matches at a place in a line. In Go only ASCII makes words.
func isBoundary(line []byte, at int) bool {
	isWord := func(i int) bool {
		return 0 <= i && i < len(line) && (line[i] == '_' || '0' <= line[i] && line[i] <= '9' || 'a' <= line[i]|0x20 && line[i]|0x20 <= 'z')
	}
	return isWord(at-1) != isWord(at)
}

// shortest leaves out texts that contain another: whoever has them has that.
func shortest(texts []string) (left []string) {
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
	for _, text := range texts {
		if !slices.ContainsFunc(left, func(short string) bool { return strings.Contains(text, short) }) {
			left = append(left, text)
		}
	}
	return left
}

// facts are what is known of the texts that a part of an expression matches.
type facts struct {
	// exact are all of them, if they are few; nil if not.
	exact []string
	// need are texts of which each has at least one; nil if none are known.
	need []string
}

// An analysis takes facts out of a tree. What it does not know it takes for anything.
type analysis struct{ folded bool }

func (a analysis) of(re *syntax.Regexp) facts {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return facts{exact: []string{""}}
	case syntax.OpLiteral, syntax.OpConcat, syntax.OpPlus:
		return a.sequence(re)
	case syntax.OpCharClass:
		return facts{exact: a.class(re.Rune)}
	case syntax.OpCapture:
		return a.of(re.Sub[0])
	case syntax.OpQuest:
		if sub := a.of(re.Sub[0]); sub.exact != nil {
			return facts{exact: few(union(sub.exact, []string{""}))}
		}
	case syntax.OpAlternate:
		return a.alternate(re.Sub)
	}
	return facts{}
}

// alternate returns the facts of texts that match one of several parts.
func (a analysis) alternate(parts []*syntax.Regexp) facts {
	both := facts{exact: []string{}, need: []string{}}
	for _, part := range parts {
		f := a.of(part)
		if both.exact != nil && f.exact != nil {
			both.exact = few(union(both.exact, f.exact))
		} else {
			both.exact = nil
		}
		if need := a.best(f.need, f.exact); both.need != nil && need != nil {
			both.need = few(union(both.need, need))
		} else {
			both.need = nil
		}
	}
	return both
}

// sequence returns the facts of texts that match several parts one behind the other. The
// exact texts of neighbours are put together for as long as they are few.
func (a analysis) sequence(re *syntax.Regexp) facts {
	s := sequence{analysis: a, run: []string{""}, whole: true}
	s.add(re)
	s.need = s.best(s.need, s.run)
	if !s.whole {
		return facts{need: s.need}
	}
	return facts{exact: s.run, need: s.need}
}

type sequence struct {
	analysis
	// run are the texts of the last parts, put together.
	run []string
	// whole says that run begins with the first part.
	whole bool
	need  []string
}

func (s *sequence) add(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			s.add(sub)
		}
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			s.append(s.rune(r, re.Flags&syntax.FoldCase != 0))
		}
	case syntax.OpPlus:
		// One or more of a text begin with it, and end with it.
		sub := s.of(re.Sub[0])
		s.append(sub)
		s.end()
		s.append(sub)
	default:
		s.append(s.of(re))
	}
}

// append adds the facts of the next part.
func (s *sequence) append(f facts) {
	longer := product(s.run, f.exact)
	if longer == nil {
		s.end()
		if longer = f.exact; longer == nil {
			longer = []string{""}
		}
	}
	s.run = longer
	s.need = s.best(s.need, f.need)
}

// end ends the run.
func (s *sequence) end() {
	s.need = s.best(s.need, s.run)
	s.run, s.whole = []string{""}, false
}

// rune returns the facts of one character.
func (a analysis) rune(r rune, fold bool) facts {
	if r == utf8.RuneError || !utf8.ValidRune(r) {
		return facts{} // what is not UTF-8 is taken for U+FFFD
	}
	if fold {
		// k and s have siblings that are not ASCII: U+212A and U+017F.
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if r >= utf8.RuneSelf || f >= utf8.RuneSelf {
				return facts{}
			}
		}
	}
	if a.folded && 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return facts{exact: []string{string(r)}}
}

// class returns the characters of a class, given as pairs of first and last; nil if they
// are not few.
func (a analysis) class(ranges []rune) (texts []string) {
	count := 0
	for i := 0; i < len(ranges); i += 2 {
		if count += int(ranges[i+1]-ranges[i]) + 1; count > maxRunes {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			f := a.rune(r, false)
			if f.exact == nil {
				return nil
			}
			texts = union(texts, f.exact)
		}
	}
	return texts
}

// best returns the better set of literals to search for: long ones, and few; nil if
// neither is good enough.
func (a analysis) best(one, other []string) []string {
	if worth(other) > worth(one) {
		one = other
	}
	if worth(one) <= 0 {
		return nil
	}
	return one
}

// worth tells how much searching for literals brings; 0 for nothing. A longer one is
// rarer, up to a point, and each costs a search.
func worth(texts []string) int {
	if len(texts) == 0 || len(texts) > maxLiterals {
		return 0
	}
	least := len(slices.MinFunc(texts, func(a, b string) int { return len(a) - len(b) }))
	if least < minLiteral {
		return 0
	}
	return min(least, 8)*maxLiterals/4 - len(texts) + maxLiterals
}

// product returns each text of one set with each of another behind it; nil if they are
// not few, or not known.
func product(heads, tails []string) (texts []string) {
	if tails == nil || len(heads)*len(tails) > maxLiterals {
		return nil
	}
	texts = []string{}
	for _, head := range heads {
		for _, tail := range tails {
			if len(head)+len(tail) > maxLiteral {
				return nil
			}
			texts = union(texts, []string{head + tail})
		}
	}
	return texts
}

// union returns the texts of both sets.
func union(one, other []string) []string {
	both := slices.Clone(one)
	for _, text := range other {
		if !slices.Contains(both, text) {
			both = append(both, text)
		}
	}
	return both
}

// few returns a set if it is small; nil if not.
func few(texts []string) []string {
	if len(texts) > maxLiterals {
		return nil
	}
	return texts
}
