package record

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// What is known of a line is decided on its first piece, and nothing of it is kept.
func TestLongLine(t *testing.T) {
	t.Parallel()
	const maxLine = 1 << 20
	pieces := 100
	if testing.Short() {
		pieces = 3
	}
	for _, expression := range []string{`ERROR`, `\bERROR\b`, `^ERROR .*x$`, `(?i)error`} {
		r := NewRouter(Config{MaxLine: maxLine, Outputs: []Output{{Match: compile(t, expression), Divert: true}}})
		var diverted, main int
		piece := bytes.Repeat([]byte("x"), maxLine)
		route := func(batch []byte) {
			main += len(r.Route(batch, time.Time{}, nil, func(_ int, run []byte) { diverted += len(run) }))
		}
		copy(piece, "ERROR ")
		route(piece)
		for range pieces - 1 {
			route(piece)
		}
		route([]byte("\nnext "))
		copy(piece, "      ")
		for range pieces {
			route(piece)
		}
		route([]byte("ERROR in a line that began long ago\n"))
		route([]byte("ERROR x\nnext\n"))
		if want := pieces*maxLine + len("\nERROR x\n"); diverted != want {
			t.Errorf("%s: %d bytes were diverted, want %d", expression, diverted, want)
		}
		if want := pieces*maxLine + len("next ERROR in a line that began long ago\nnext\n"); main != want {
			t.Errorf("%s: %d bytes were left, want %d", expression, main, want)
		}
	}
}

// Streams that a clumsy search would take for ever over. The time for them is that of
// matching each line once or twice; what the test shows is that it ends.
func TestHostileStreams(t *testing.T) {
	t.Parallel()
	size := 1 << 20
	if testing.Short() {
		size >>= 4
	}
	const start = `^\d{4}-`
	for _, c := range []struct {
		name, line, start, match string
	}{
		{"empty lines", "\n", `never`, `^$`},
		{"every line a record", "\n", `^`, `ERROR`},
		{"every line has the literal and no match", "ERRORS ERROR_\n", start, `\bERROR\b`},
		{"every line matches and none begins a record", "ERROR\n", `never`, `ERROR`},
		{"half of a literal", "ERRO", start, `ERROR`},
		{"one letter", "E", start, `EEEEEEEEEEEEEEEEEEEEEEF`},
		{"backtracking", "x", `(x+x+)+y`, `^(x|xx|xxx)*y`},
		{"NUL", "\x00\n", start, `\x00`},
		{"not UTF-8", "\xff\xc3\n", start, `\x{FFFD}`},
		{"Kelvin", "\u212a\u017f\n", start, `(?i)ks`},
	} {
		text := append(bytes.Repeat([]byte(c.line), size/len(c.line)), '\n')
		o := oracle{start: compile(t, c.start), maxLine: 4096, maxRecord: MaxRecord}
		config := Config{Start: o.start, MaxLine: o.maxLine, Outputs: []Output{{Match: compile(t, c.match), Divert: true}}}
		want := o.route(config, text)
		for _, batch := range []int{10_000, len(text)} {
			r := NewRouter(config)
			got := make([][]byte, 2)
			for _, lines := range chunks(text, o.maxLine, batch) {
				main := r.Route(bytes.Clone(lines), time.Time{}, nil, func(_ int, run []byte) { got[1] = append(got[1], run...) })
				got[0] = append(got[0], main...)
			}
			for i := range want {
				if !bytes.Equal(got[i], want[i]) {
					t.Errorf("%s: output %d got %d bytes in batches of %d, want %d", c.name, i, len(got[i]), batch, len(want[i]))
				}
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	text := sample(64<<10, traceback)
	batch := make([]byte, len(text))
	var routed int
	push := func(_ int, run []byte) { routed += len(run) }
	for _, start := range starts {
		r := NewRouter(Config{
			Start: compile(t, start), MaxLine: 1 << 20,
			Only: []*Expression{compile(t, `shop`)}, Drop: []*Expression{compile(t, `GET /health`)},
			Outputs: []Output{
				{Match: compile(t, `\b(ERROR|CRITICAL)\b`)}, {Match: compile(t, `^\S+ \S+ \d{3}[05] `), Divert: true},
				{Match: compile(t, `(?i)critical`)}, {},
			},
		})
		// Package regexp has a pool, which the collector empties: what is left of one in a
		// hundred is rounded down.
		if got := testing.AllocsPerRun(100, func() { r.Route(batch[:copy(batch, text)], time.Time{}, nil, push) }); got > 0 {
			t.Errorf("%q: %v allocations for a batch", start, got)
		}
	}
}

// A silence ends a record, and so does its length, but neither ends a line.
func TestEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(" more\n", MaxRecord/6-1) // with the first line, just enough
	for _, c := range []struct {
		batches []string
		want    string
	}{
		{[]string{"2026- ERROR\n", " more\n", "END", "ERROR\n", " of it\n", "2026-\n"}, "2026- ERROR\n more\nERROR\n of it\n"},
		{[]string{"2026- ERROR\n" + long + " last\n", "ERROR new\n", " of it\n"}, "2026- ERROR\n" + long},
		{[]string{"2026- ERROR\n" + long, "ERROR new\n", " of it\n", "2026-\n"}, "2026- ERROR\n" + long + "ERROR new\n of it\n"},
		{[]string{"2026- ERROR", "END", " same line\n", "ERROR new\n"}, "2026- ERROR same line\nERROR new\n"},
	} {
		r := NewRouter(Config{Start: compile(t, `^\d{4}-`), MaxLine: 16, Outputs: []Output{{Match: compile(t, `ERR`)}}})
		var got bytes.Buffer
		for _, batch := range c.batches {
			if batch == "END" {
				r.End()
				continue
			}
			r.Route([]byte(batch), time.Time{}, nil, func(_ int, run []byte) { got.Write(run) })
		}
		if got.String() != c.want {
			t.Errorf("got %s, want %s", brief(got.String()), brief(c.want))
		}
	}
}

func brief(text string) string {
	if len(text) > 200 {
		return fmt.Sprintf("%q … %q (%d bytes)", text[:100], text[len(text)-100:], len(text))
	}
	return fmt.Sprintf("%q", text)
}
