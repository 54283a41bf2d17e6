package record

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// An oracle does the same line by line, without cleverness, on all of a stream.
type oracle struct {
	start     *Expression
	maxLine   int
	maxRecord int
	// ends are where the caller said that the record is over.
	ends []int
}

// A piece of a stream that begins a record, or goes on with one.
type line struct {
	at     int
	text   []byte // with its newline
	begins bool
}

func (o oracle) lines(stream []byte) (lines []line) {
	length, over := 0, true
	for at := 0; at < len(stream); {
		text := stream[at:]
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			text = text[:i+1]
		}
		over = over || slices.ContainsFunc(o.ends, func(end int) bool { return at-length < end && end <= at })
		begins := over || length >= o.maxRecord || o.matches(o.start, text)
		over = false
		if begins {
			length = 0
		}
		lines = append(lines, line{at, text, begins})
		length += len(text)
		at += len(text)
	}
	return lines
}

func (o oracle) matches(e *Expression, text []byte) bool {
	text = bytes.TrimSuffix(text, newline)
	return e == nil || e.regexp.Match(text[:min(len(text), o.maxLine)])
}

// route returns what each output gets, the main one first.
func (o oracle) route(c Config, stream []byte) [][]byte {
	got := make([][]byte, 1+len(c.Outputs))
	to := make([]bool, len(got))
	for _, l := range o.lines(stream) {
		if l.begins {
			matches := func(e *Expression) bool { return o.matches(e, l.text) }
			to[0] = (len(c.Only) == 0 || slices.ContainsFunc(c.Only, matches)) && !slices.ContainsFunc(c.Drop, matches)
			taken := false
			for i, output := range c.Outputs {
				to[1+i] = matches(output.Match) && !(output.Divert && taken)
				if output.Divert && to[1+i] {
					taken, to[0] = true, false
				}
			}
		}
		for i := range got {
			if to[i] {
				got[i] = append(got[i], l.text...)
			}
		}
	}
	return got
}

// chunks cuts a stream where a batch may end: behind a newline, or inside a line of which
// the first piece has maxLine bytes. Sizes say how long each batch is to be.
func chunks(stream []byte, maxLine int, sizes ...int) (batches [][]byte) {
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(sizes) > 0 {
			n = min(n, sizes[i%len(sizes)])
		}
		line := bytes.LastIndexByte(stream[:n], '\n') + 1
		switch inside := len(batches) > 0 && !bytes.HasSuffix(batches[len(batches)-1], newline); {
		case n == len(stream), n-line >= maxLine, inside && line == 0:
		case line > 0:
			n = line
		default:
			n = min(len(stream), maxLine, lineEnd(stream, 0))
		}
		batches = append(batches, stream[:n:n])
		stream = stream[n:]
	}
	return batches
}

// sizes turns bytes into sizes of at least 1.
func sizes(cuts []byte) (sizes []int) {
	for _, cut := range cuts {
		sizes = append(sizes, 1+int(cut))
	}
	return sizes
}

// compile compiles an expression; "" for none.
func compile(t testing.TB, text string) *Expression {
	t.Helper()
	if text == "" {
		return nil
	}
	e, err := Compile(text)
	if err != nil {
		t.Skip(err)
	}
	return e
}

// However a stream is cut, the tracker finds what the oracle does.
func FuzzTracker(f *testing.F) {
	for _, stream := range streams {
		for _, start := range starts {
			f.Add(start, stream, []byte{1, 5, 60, 7}, uint16(100), uint16(40))
			f.Add(start, stream, []byte{200}, uint16(8), uint16(10))
		}
	}
	f.Fuzz(func(t *testing.T, start string, stream, cuts []byte, maxLine, maxRecord uint16) {
		if len(stream) > 4096 {
			return
		}
		o := oracle{start: compile(t, start), maxLine: 1 + int(maxLine), maxRecord: 1 + int(maxRecord)}
		tracker := NewTracker(o.start, o.maxLine)
		tracker.maxRecord, tracker.length = o.maxRecord, o.maxRecord
		batches := chunks(stream, o.maxLine, sizes(cuts)...)
		at := 0
		for i, batch := range batches {
			if len(cuts) > 0 && cuts[i%len(cuts)]%7 == 0 {
				o.ends = append(o.ends, at)
			}
			at += len(batch)
		}
		var begins []int
		for _, l := range o.lines(stream) {
			if l.begins {
				begins = append(begins, l.at)
			}
		}
		at = 0
		for _, batch := range batches {
			if slices.Contains(o.ends, at) {
				tracker.End()
			}
			// Places in the batch where records begin.
			var here []int
			for _, b := range begins {
				if at <= b && b < at+len(batch) {
					here = append(here, b-at)
				}
			}
			first := len(batch)
			if len(here) > 0 {
				first = here[0]
			}
			if got := tracker.First(batch); got != first {
				t.Fatalf("First(%q) = %d at %d, want %d", batch, got, at, first)
			}
			for n := 0; n <= len(batch)+1; n++ {
				last := -1
				for _, b := range here {
					if b <= n {
						last = b
					}
				}
				if got := tracker.Last(batch, n); got != last {
					t.Fatalf("Last(%q, %d) = %d at %d, want %d", batch, n, got, at, last)
				}
			}
			tracker.Advance(batch)
			at += len(batch)
		}
	})
}

var starts = []string{"", `^\d{4}-`, `^x`, `never`, `^$`, `[^ ]$`}

var streams = [][]byte{
	[]byte("2026-11-27 ERROR one\nTraceback\n  ERROR in it\n2026-11-27 INFO two\n2026-11-27 GET /health\n"),
	[]byte("a\n\n\nx\n\nERROR\x00\xff\n\xc3\x28 ERROR\n2026-\nxERRORx\nxERROR\nERRORx\néERROR_ ERROR\nError\n"),
	[]byte(strings.Repeat("\n", 30)),
	[]byte("2026-" + strings.Repeat("long ", 50) + "ERROR\nERROR " + strings.Repeat("x", 100) + "\nend ERROR"),
	[]byte(strings.Repeat("GET /health GET\nxGET /\n", 9)),
}

// However a stream is cut, each output gets what the oracle gives it.
func FuzzRouter(f *testing.F) {
	matches := []string{`\b(ERROR|CRITICAL)\b`, `ERROR`, `GET /health`, `(?i)error`, `x$`, `^\S+ `, `(?i)task|Kelvin`}
	for i, stream := range streams {
		for j, start := range starts {
			m := func(k int) string { return matches[(i+j+k)%len(matches)] }
			f.Add(start, "", "", m(0), "", stream, []byte{1, 5, 60, 7}, uint16(100), uint16(40))
			f.Add(start, m(1), m(2), m(3), m(4), stream, []byte{3, 90}, uint16(20), uint16(30))
			f.Add(start, "", m(1), m(2), m(0), stream, []byte{255}, uint16(200), uint16(400))
		}
	}
	f.Fuzz(func(t *testing.T, start, only, drop, also, divert string, stream, cuts []byte, maxLine, maxRecord uint16) {
		if len(stream) > 4096 {
			return
		}
		c := Config{Start: compile(t, start), MaxLine: 1 + int(maxLine)}
		if only != "" {
			c.Only = []*Expression{compile(t, only), compile(t, also)}
		}
		if drop != "" {
			c.Drop = []*Expression{compile(t, drop)}
		}
		c.Outputs = []Output{
			{Match: compile(t, also)}, {Match: compile(t, divert), Divert: divert != ""},
			{Match: compile(t, also), Divert: true}, {Match: compile(t, drop)},
		}
		o := oracle{start: c.Start, maxLine: c.MaxLine, maxRecord: 1 + int(maxRecord)}
		r := NewRouter(c)
		r.tracker.maxRecord, r.tracker.length = o.maxRecord, o.maxRecord
		got := make([][]byte, 1+len(c.Outputs))
		at := 0
		for i, batch := range chunks(stream, c.MaxLine, sizes(cuts)...) {
			if len(cuts) > 0 && cuts[i%len(cuts)]%7 == 0 {
				r.End()
				o.ends = append(o.ends, at)
			}
			at += len(batch)
			main := r.Route(slices.Clone(batch), func(i int, run []byte) {
				if len(run) == 0 {
					t.Fatal("an empty run")
				}
				got[1+i] = append(got[1+i], run...)
			})
			got[0] = append(got[0], main...)
		}
		for i, want := range o.route(c, stream) {
			if !bytes.Equal(got[i], want) {
				t.Fatalf("output %d got %q, want %q", i, got[i], want)
			}
		}
	})
}

func ExampleRouter() {
	failed, _ := Compile(`\b(ERROR|CRITICAL)\b`)
	health, _ := Compile(`GET /health`)
	start, _ := Compile(`^\d{4}-`)
	r := NewRouter(Config{Start: start, MaxLine: 1 << 20, Drop: []*Expression{health}, Outputs: []Output{{Match: failed}}})
	batch := []byte("2026-11-27 INFO GET /health\n2026-11-27 ERROR GET /\nTraceback:\n2026-11-27 INFO GET /\n")
	main := r.Route(batch, func(output int, run []byte) { fmt.Printf("%d: %q\n", output, run) })
	fmt.Printf("%s", main)
	// Output:
	// 0: "2026-11-27 ERROR GET /\nTraceback:\n"
	// 2026-11-27 ERROR GET /
	// Traceback:
	// 2026-11-27 INFO GET /
}
