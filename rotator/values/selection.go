package values

import (
	"errors"
	"fmt"
	"strings"

	shellquote "github.com/kballard/go-shellquote"

	"github.com/logreel/logreel/rotator/record"
)

// A Selection is which records go to an output, and the words that describe it:
// REGEX => [FLAGS] PATTERN.
type Selection struct {
	// Match is REGEX; nil for all records.
	Match *record.Expression
	// Words are FLAGS and PATTERN, of which there is at least one.
	Words []string
}

const arrow = " => "

// UnmarshalText divides the text at the first arrow with a space on both sides, so that
// a REGEX in which it occurs has to write one of the characters as \x20, \x3d or \x3e.
// What is behind it is split into words as a shell does, without expanding anything.
func (s *Selection) UnmarshalText(text []byte) error {
	match, words, selects := strings.Cut(string(text), arrow)
	*s = Selection{}
	if !selects {
		words = match
	} else {
		e, err := record.Compile(match)
		if err != nil {
			return err
		}
		s.Match = e
	}
	var err error
	if s.Words, err = shellquote.Split(words); err != nil {
		return fmt.Errorf("%q cannot be split into words: %s", words, strings.ToLower(err.Error()))
	}
	for _, word := range s.Words {
		if strings.HasPrefix(word, "=>") || strings.HasSuffix(word, "=>") {
			return wrong(text, errors.New("has no regular expression before =>, or no space on both sides of it; write 'REGEX => [FLAGS] PATTERN'"))
		}
	}
	if len(s.Words) == 0 {
		return wrong(text, errors.New("names no files; write 'REGEX => [FLAGS] PATTERN'"))
	}
	return nil
}
