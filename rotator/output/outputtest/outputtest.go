// Package outputtest makes lines for tests, and holds what was written against them.
package outputtest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Numbered returns lines with the numbers from one to another.
func Numbered(from, to int) string {
	var lines strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&lines, "%08d %s\n", i, strings.Repeat("x", i%90))
	}
	return lines.String()
}

// Capitals are records that begin with a line that begins with R.
type Capitals struct{}

// First returns where the first record begins.
func (Capitals) First(text []byte) int {
	if bytes.HasPrefix(text, []byte("R")) {
		return 0
	}
	if i := bytes.Index(text, []byte("\nR")); i >= 0 {
		return i + 1
	}
	return -1
}

// Last returns where the last record begins.
func (Capitals) Last(text []byte) int {
	if i := bytes.LastIndex(text, []byte("\nR")); i >= 0 {
		return i + 1
	}
	return Capitals{}.First(text[:min(1, len(text))])
}

// Check compares without printing megabytes.
func Check(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d of %d: got %q, want %q", i, len(w), g[i], w[i])
		}
	}
	t.Fatalf("got %d lines, want %d", len(g), len(w))
}

const when = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)`

var droppedNote = regexp.MustCompile(`^logreel: (\d+) lines? dropped from ` + when + ` to ` + when + `\n$`)

// CheckDropped checks that each line is there, once and in order, or counted by a
// note where it is missing. It returns how many are missing. Of a line in pieces the
// first ones may be there, right before the note that counts it.
func CheckDropped(t *testing.T, got, sent string) (dropped int) {
	t.Helper()
	want := strings.SplitAfter(sent, "\n")
	cut := false
	for line := range strings.Lines(got) {
		note := droppedNote.FindStringSubmatch(line)
		switch {
		case note != nil:
			n, _ := strconv.Atoi(note[1])
			if n > len(want) {
				t.Fatalf("%q, where %d were left", line, len(want))
			}
			want, dropped, cut = want[n:], dropped+n, false
		case cut:
			t.Fatalf("the line before %.50q is cut, and not counted", line)
		case len(want) > 0 && line == want[0]:
			want = want[1:]
		case len(want) > 0 && strings.HasPrefix(want[0], strings.TrimSuffix(line, "\n")):
			cut = true
		default:
			t.Fatalf("got %.50q, want %.50q", line, want[:min(1, len(want))])
		}
	}
	if strings.Join(want, "") != "" {
		t.Fatalf("%d lines are neither there nor counted", len(want)-1)
	}
	return dropped
}
