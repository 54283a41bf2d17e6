package hook

import (
	"slices"
	"testing"
)

// What is asked for comes as it was asked, whatever bytes the names have.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, want := range [][]string{{"a"}, {"a", "b"}, {"a b\n", `"\`}, {"\xff\x00\r", "ü"}} {
		before := ""
		if len(want) > 1 {
			before = want[1]
		}
		line := order(want[0], before)
		if got := parseOrder(line[:len(line)-1]); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
