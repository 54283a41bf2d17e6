package record

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// An Expression is a regular expression about one line, in the syntax of Go's package
// regexp (RE2), whose matching takes time linear in the line. It may be shared.
type Expression struct {
	regexp *regexp.Regexp
	needs  literals
}

// Compile reads an expression. The error names the part that is wrong.
func Compile(text string) (*Expression, error) {
	var wrong *syntax.Error
	re, err := regexp.Compile(text)
	switch {
	case errors.As(err, &wrong) && wrong.Expr != text:
		return nil, fmt.Errorf("%q is not a regular expression: %s: %q", text, wrong.Code, wrong.Expr)
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("%q is not a regular expression: %s", text, wrong.Code)
	case err != nil:
		return nil, fmt.Errorf("%q is not a regular expression: %w", text, err)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return &Expression{regexp: re, needs: required(tree.Simplify())}, nil
}

// UnmarshalText reads an expression.
func (e *Expression) UnmarshalText(text []byte) error {
	compiled, err := Compile(string(text))
	if err == nil {
		*e = *compiled
	}
	return err
}

// String returns the expression as it was written.
func (e *Expression) String() string {
	if e == nil || e.regexp == nil {
		return ""
	}
	return e.regexp.String()
}

// matches reports whether a line, without its newline, matches.
func (e *Expression) matches(line []byte) bool { return e.regexp.Match(line) }
