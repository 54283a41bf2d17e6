package archive

import (
	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
)

// Derived returns which names there may be besides those that a pattern gives: those of
// numbered files, if there are any, of compressed ones, and of marks.
func Derived(numbered bool) pattern.Derived {
	return pattern.Derived{
		Numbered: numbered, Endings: filename.Endings(),
		Marks: []string{endingPending, endingHanded, endingTemporary, endingDone},
	}
}
