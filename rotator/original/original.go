// Package original says in logreel's words what the command line of another rotator asks
// for, so that logreel can stand in that one's place without a configuration being changed.
//
// # Guarantees
//
//   - Names, boundaries and links are as the original makes them, but for the differences
//     that the manual lists.
//   - What a translation has is a command line of logreel's, which anyone may type instead.
//     The environment may add flags to it.
//   - What cannot be done as the original does it is refused, in one line.
package original

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// asFlag says whose command line follows.
const asFlag = "--as="

// A program is a rotator that logreel stands in for.
type program struct {
	name      string
	translate func(args []string) (*Translation, error)
}

var programs = []program{{"cronolog", cronolog}, {"rotatelogs", rotatelogs}}

// A Translation is a command line of another program in logreel's words.
type Translation struct {
	// Of is the other program's name; empty for logreel's own command line.
	Of string
	// Arguments are logreel's.
	Arguments []string
	// Notes are what the user is likely not to have meant.
	Notes []string
	// Text is all there is to do, if it is not empty: to print that.
	Text string
}

// An Error is a mistake in the command line, or what logreel does not do.
type Error struct {
	text   string
	status int
}

func (e *Error) Error() string { return e.text }

// ExitStatus returns the exit status that the original has for it.
func (e *Error) ExitStatus() int { return e.status }

// Parse reads the command line with the name of the program before it, which is whose
// command line it is if it begins with no [asFlag]. That of logreel itself stays as it is.
func Parse(args []string) (*Translation, error) {
	name, rest := "", []string{}
	if len(args) > 0 {
		name, rest = filepath.Base(args[0]), args[1:]
	}
	if asked, ok := strings.CutPrefix(strings.Join(rest[:min(len(rest), 1)], ""), asFlag); ok {
		if name, rest = asked, rest[1:]; find(name) == nil {
			return nil, &Error{asFlag + name + ": write one of " + strings.Join(names(), ", "), 2}
		}
	}
	if p := find(name); p != nil {
		return p.translate(rest)
	}
	return &Translation{Arguments: rest}, nil
}

func find(name string) *program {
	if i := slices.IndexFunc(programs, func(p program) bool { return p.name == name }); i >= 0 {
		return &programs[i]
	}
	return nil
}

func names() (all []string) {
	for _, p := range programs {
		all = append(all, p.name)
	}
	return all
}

// String returns the command as it is typed in a shell.
func (t *Translation) String() string {
	words := []string{"logreel"}
	for _, argument := range t.Arguments {
		words = append(words, quoted(argument))
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[-+=:,./@%\w]+$`)

// quoted quotes a word for a shell, if that is needed.
func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
