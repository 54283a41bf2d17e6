package record

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// oneOf returns one of several texts.
func oneOf(r *rand.Rand, texts ...string) string { return texts[r.IntN(len(texts))] }

// randomRedaction returns an expression of some depth, about few characters.
func randomRedaction(r *rand.Rand, depth int) string {
	if depth == 0 {
		return oneOf(r, "a", "b", "ab", "[ab]", ".", "c", "é", `\b`, "^", "$", "x", "(?i)A", `\S`, `\s`, " ")
	}
	switch r.IntN(7) {
	case 0:
		return randomRedaction(r, depth-1) + "|" + randomRedaction(r, depth-1)
	case 1:
		return "(" + randomRedaction(r, depth-1) + ")"
	case 2:
		return "(?:" + randomRedaction(r, depth-1) + ")" + oneOf(r, "*", "+", "?", "*?", "+?", "{2,3}")
	}
	return randomRedaction(r, depth-1) + randomRedaction(r, depth-1)
}

// Whatever is redacted in whichever lines, it makes no difference how they are cut, and
// nothing that package regexp finds in a whole line comes through. The fuzzers rarely think
// of expressions.
func TestRandomRedactions(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(14, 2026))
	for range 300 {
		var redactions []*Redaction
		for range 2 {
			if redaction, err := CompileRedaction(randomRedaction(r, 1+r.IntN(4))); err == nil {
				redactions = append(redactions, redaction)
			}
		}
		c := EditorConfig{Redact: redactions, AsRead: []bool{true, false}}
		for range 10 {
			c.Strip, c.MaxLine = r.IntN(2) == 0, 1+r.IntN(30)
			var stream []byte
			for range r.IntN(60) {
				stream = append(stream, oneOf(r, "a", "b", "c", "x", " ", "é", "\xff", "ab", "A", "\n", "\x1b[1m")...)
			}
			stream = append(stream, '\n')
			routing := Config{MaxLine: c.MaxLine, Drop: []*Expression{compile(t, "xx")}, Outputs: []Output{{}, {Match: compile(t, "ab")}}}
			want, exact := wantEdited(c, routing, stream)
			got := edit(c, routing, chunks(stream, c.MaxLine, 1+r.IntN(20), 1+r.IntN(40)))
			if whole := edit(c, routing, [][]byte{stream}); !reflect.DeepEqual(got, whole) {
				t.Fatalf("%v of %q, at most %d: in pieces %q, at once %q", redactions, stream, c.MaxLine, got, whole)
			}
			if !exact {
				compareBlind(t, got[1], want[1])
			} else if !slices.EqualFunc(got, want, slices.Equal) {
				t.Fatalf("%v of %q: %q, want %q", redactions, stream, got, want)
			}
		}
	}
}
