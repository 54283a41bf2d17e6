package record

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestLiterals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression string
		want       string // literals, in order of length; "" for none
		enough     bool
	}{
		{`GET /health`, "GET /health", true},
		{`\b(ERROR|CRITICAL)\b`, "ERROR CRITICAL", true},
		{`ERROR|CRITICAL`, "ERROR CRITICAL", true},
		{`ERR|ERROR|ERRATIC`, "ERR", true},
		{`^\d{4}.*\bERROR: `, "ERROR: ", false},
		{`ab?c`, "ac abc", true},
		{`(?:foo|bar)[abcd]`, "bar foo", false},
		{`(foobar)+x`, "foobarx", false},
		{`x(foo){2,}`, "xfoofoo", false},
		{`(?i)error`, "error", false},
		{`[Ee]rror`, "error", false},
		{`(?i)task`, "ta", false},        // U+017F and U+212A
		{`(?i)éléphant`, "phant", false}, // É
		{`\x{FFFD}abc`, "abc", false},    // every byte that is not UTF-8
		{`ERROR|.`, "", false},
		{`(ERROR)?`, "", false},
		{`(ERROR)*x`, "", false},
		{`^\S+ \S+ \d{3}[05] `, "0  5 ", false},
		{`^`, "", false},
		{`a\nb`, "a\nb", false},
		{strings.Repeat("x", 61), strings.Repeat("x", 60), false},
	} {
		l := compile(t, c.expression).needs
		if got := string(bytes.Join(l.any, []byte(" "))); got != c.want || l.enough != c.enough {
			t.Errorf("%s: got %q, %v, want %q, %v", c.expression, got, l.enough, c.want, c.enough)
		}
	}
}

// Whatever matches has one of the literals, and if these are enough, whatever has one of
// them matches. Expressions and texts are from a grammar of few letters, so that they
// often match.
func FuzzLiterals(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, seed uint64, text []byte) {
		rng := rand.New(rand.NewPCG(seed, 1))
		expression := randomExpression(rng, 4)
		e, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		texts := [][]byte{text}
		for range 20 {
			texts = append(texts, randomText(rng, expression))
		}
		for _, text := range texts {
			text = bytes.ReplaceAll(text, newline, nil)
			searched := text
			if e.needs.folded {
				searched = lower(nil, text)
			}
			has := slices.ContainsFunc(e.needs.any, func(l []byte) bool { return bytes.Contains(searched, l) })
			matches := e.matches(text)
			if matches && !has && len(e.needs.any) > 0 {
				t.Fatalf("%s matches %q, which has none of %q", expression, text, e.needs.any)
			}
			for _, l := range e.needs.any {
				for at := range text {
					if !matches && bytes.HasPrefix(text[at:], l) && e.needs.in(text, at, len(l)) {
						t.Fatalf("%s does not match %q, which has %q at %d", expression, text, l, at)
					}
				}
			}
		}
	})
}

var letters = []string{"a", "b", "ab", "K", "s", "S", "é", "É", "\u017f", "\u212a", "\ufffd", "0", " "}

func randomExpression(rng *rand.Rand, depth int) string {
	sub := func() string { return randomExpression(rng, depth-1) }
	if depth == 0 {
		return letters[rng.IntN(len(letters))]
	}
	switch rng.IntN(14) {
	case 0:
		return "(" + sub() + "|" + sub() + ")"
	case 1:
		return "(?:" + sub() + "|" + sub() + "|" + sub() + ")"
	case 2, 3, 4:
		return sub() + sub()
	case 5:
		return "(" + sub() + ")" + []string{"*", "+", "?", "*?", "+?", "{2}", "{1,3}", "{0,2}", "{2,}"}[rng.IntN(9)]
	case 6:
		return "(?i:" + sub() + ")"
	case 7:
		return []string{"^", "$", `\b`, `\B`, `\A`, `\z`, "(?m:^)"}[rng.IntN(7)] + sub()
	case 13:
		return `\b` + sub() + `\b`
	case 8:
		return sub() + []string{"$", `\b`, `\B`, `\z`}[rng.IntN(4)]
	case 9:
		return []string{".", `\d`, `\s`, `[^a]`, `[ab]`, `[Kk]`, `[sS0]`, `[a-d]`, `\pL`, "()"}[rng.IntN(10)]
	default:
		return sub()
	}
}

// randomText returns a text of the letters in an expression and a few others.
func randomText(rng *rand.Rand, expression string) []byte {
	var text []byte
	for range rng.IntN(12) {
		switch rng.IntN(4) {
		case 0:
			text = append(text, letters[rng.IntN(len(letters))]...)
		case 1:
			text = append(text, byte(rng.IntN(256)))
		default:
			runes := []rune(expression)
			if r := runes[rng.IntN(len(runes))]; !strings.ContainsRune(`()|?*+[]{}^$\:,.`, r) {
				text = append(text, string(r)...)
			}
		}
	}
	return text
}

func TestLower(t *testing.T) {
	t.Parallel()
	var all []byte
	for c := range 256 {
		all = append(all, byte(c), byte(255-c), 'A', '\xc1')
	}
	for n := range 20 {
		text := all[n : len(all)-n/2]
		want := make([]byte, len(text))
		for i, c := range text {
			if want[i] = c; 'A' <= c && c <= 'Z' {
				want[i] = c - 'A' + 'a'
			}
		}
		if got := lower(nil, text); !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestCompile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a(b`:     `"a(b" is not a regular expression: missing closing )`,
		`a**`:     `"a**" is not a regular expression: invalid nested repetition operator: "**"`,
		`x[z-a]y`: `"x[z-a]y" is not a regular expression: invalid character class range: "z-a"`,
		"\xff":    `"\xff" is not a regular expression: invalid UTF-8`,
		`(?!a)`:   `"(?!a)" is not a regular expression: invalid or unsupported Perl syntax: "(?!"`,
	} {
		if _, err := Compile(text); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
