package pattern

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lestrrat-go/strftime"
)

// A Text is text with the time fields of a pattern, for what is not the name of a file. It
// is immutable, and safe for concurrent use.
type Text struct {
	tokens []token
	render *strftime.Strftime
}

// NewText compiles text[from:to]. Errors speak of all of the text, and call it what.
func NewText(what, text string, from, to int, escape byte) (*Text, error) {
	tokens, err := scanText(what, text, from, to, escape)
	if err != nil {
		return nil, err
	}
	render, err := renderer(tokens)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, text, err)
	}
	return &Text{tokens, render}, nil
}

// renderer returns what writes the tokens for a time.
func renderer(tokens []token) (*strftime.Strftime, error) {
	var layout strings.Builder
	for _, t := range tokens {
		layout.WriteString(t.layout())
	}
	return strftime.New(layout.String(), strftime.WithSpecificationSet(specifications()))
}

// Append appends the text for a time, in the zone of that.
func (t *Text) Append(text []byte, at time.Time) []byte { return t.render.FormatBuffer(text, at) }

// Fields reports whether there are any.
func (t *Text) Fields() bool {
	for _, token := range t.tokens {
		if token.spec != 0 {
			return true
		}
	}
	return false
}

// Expression returns a regular expression that matches all that Append appends, without
// groups.
func (t *Text) Expression() string {
	var all strings.Builder
	for _, token := range t.tokens {
		all.WriteString(token.expression())
	}
	return all.String()
}

func (t token) expression() string {
	switch f := t.field; {
	case t.spec == 0:
		return regexp.QuoteMeta(t.text)
	case t.spec == 's':
		return `-?\d+`
	case t.spec == 'z':
		return `[+-]\d{4}`
	case t.spec == 'Z':
		return `[A-Za-z0-9+-]+`
	case f.words != nil:
		return "(?:" + strings.Join(f.words, "|") + ")"
	case t.unpadded:
		return fmt.Sprintf(`\d{1,%d}`, f.digits)
	case f.pad == ' ':
		return fmt.Sprintf(`[ \d]\d{%d}`, f.digits-1)
	default:
		return fmt.Sprintf(`\d{%d}`, f.digits)
	}
}
