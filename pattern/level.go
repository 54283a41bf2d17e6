package pattern

import "strings"

// A Level is one part of a pattern's path, between two slashes.
type Level struct {
	// Text is the name of a level without fields, empty for others and where two
	// slashes meet.
	Text   string
	tokens []token
	fields bool
}

// Levels returns the parts of the path, the file's own name last. Joined with slashes,
// names of each level make a path that [Pattern.Parse] may read.
func (p *Pattern) Levels() []Level {
	levels := []Level{{}}
	for _, t := range p.tokens {
		if t.spec != 0 {
			last := &levels[len(levels)-1]
			last.tokens, last.fields = append(last.tokens, t), true
			continue
		}
		for i, text := range strings.Split(t.text, "/") {
			if i > 0 {
				levels = append(levels, Level{})
			}
			if text != "" {
				last := &levels[len(levels)-1]
				last.tokens = append(last.tokens, token{text: text})
			}
		}
	}
	for i := range levels {
		if !levels[i].fields {
			for _, t := range levels[i].tokens {
				levels[i].Text += t.text
			}
		}
	}
	return levels
}

// Varies reports whether the level has fields, so that its name changes.
func (l Level) Varies() bool { return l.fields }

// Matches reports whether the fields of the level can spell a name. It is quick, but
// checks less than [Pattern.Parse] does for a whole path.
func (l Level) Matches(name string) bool {
	found := false
	match(name, l.tokens, values{}, func(values) { found = true })
	return found
}
