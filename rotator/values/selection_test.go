package values

import (
	"fmt"
	"slices"
	"testing"
)

func TestSelection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, match string
		words       []string
	}{
		{`-`, ``, []string{"-"}},
		{`--keep-age=1y error-%F.log`, ``, []string{"--keep-age=1y", "error-%F.log"}},
		{`\b(ERROR|CRITICAL)\b => error-%F.log`, `\b(ERROR|CRITICAL)\b`, []string{"error-%F.log"}},
		{`^a{1,2}, "b" => --exec='mv "$1" /x' "my log-%F"`, `^a{1,2}, "b"`, []string{"--exec=mv \"$1\" /x", "my log-%F"}},
		{`a =\x3e b => --exec='x => y' %F\ #1`, `a =\x3e b`, []string{"--exec=x => y", "%F #1"}},
		{"\x20=> a*{b,c}~$d`e`;f", ``, []string{"a*{b,c}~$d`e`;f"}},
		{"x => \xff'\xfe'", `x`, []string{"\xff\xfe"}},
		{`x => '' --tz=`, `x`, []string{"", "--tz="}},
	} {
		var s Selection
		if err := s.UnmarshalText([]byte(c.text)); err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if s.Match.String() != c.match || !slices.Equal(s.Words, c.words) {
			t.Errorf("%s: got %q and %q, want %q and %q", c.text, s.Match, s.Words, c.match, c.words)
		}
	}
	for text, want := range map[string]string{
		`a( => x`:       `"a(" is not a regular expression: missing closing )`,
		`a => 'x`:       `"'x" cannot be split into words: unterminated single-quoted string`,
		`a => x\`:       `"x\\" cannot be split into words: unterminated backslash-escape`,
		`ERROR=> x.log`: `"ERROR=> x.log" has no regular expression before =>, or no space on both sides of it; write 'REGEX => [FLAGS] PATTERN'`,
		`=> x.log`:      `"=> x.log" has no regular expression before =>, or no space on both sides of it; write 'REGEX => [FLAGS] PATTERN'`,
		`ERROR => `:     `"ERROR => " names no files; write 'REGEX => [FLAGS] PATTERN'`,
		``:              `"" names no files; write 'REGEX => [FLAGS] PATTERN'`,
	} {
		var s Selection
		if err := s.UnmarshalText([]byte(text)); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
