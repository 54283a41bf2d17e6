package record

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// First and Last are what looking at each line gives.
func TestStarts(t *testing.T) {
	t.Parallel()
	start, err := Compile("^a")
	if err != nil {
		t.Fatal(err)
	}
	s := NewStarts(start, 3)
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		var text strings.Builder
		first, last := -1, -1
		for range random.IntN(6) {
			line := strings.Repeat("x", random.IntN(5))
			if random.IntN(3) == 0 {
				line = "a" + line
				if last = text.Len(); first < 0 {
					first = last
				}
			}
			text.WriteString(line + "\n")
		}
		if random.IntN(4) == 0 && text.Len() > 0 {
			text.WriteString("bcd") // the beginning of a line
		}
		if got := s.First([]byte(text.String())); got != first {
			t.Fatalf("%q: got %d, want %d", text.String(), got, first)
		}
		if got := s.Last([]byte(text.String())); got != last {
			t.Fatalf("%q: got last %d, want %d", text.String(), got, last)
		}
	}
}
