package record

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// An oracle does the same line by line, without cleverness, on all of a stream.
type oracle struct {
	start     *Expression
	maxLine   int
	maxRecord int
	// ends are where the caller said that the record is over.
	ends []int
	// who are the writers of the lines, by turns; none if they are not known.
	who []byte
}

// A piece of a stream that begins a record, or goes on with one.
type line struct {
	at     int
	text   []byte // with its newline
	begins bool
	pid    int32
}

// lines finds the lines that begin a record. A lost record is dropped, and goes nowhere.
func (o oracle) lines(stream []byte, lost func(first []byte) bool) (lines []line) {
	type last struct {
		at, length int
		lost       bool
	}
	records := map[int32]*last{}
	for at := 0; at < len(stream); {
		text := stream[at:]
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			text = text[:i+1]
		}
		pid := o.writer(len(lines))
		r := records[pid]
		begins := r == nil || r.length >= o.maxRecord || o.matches(o.start, text) ||
			slices.ContainsFunc(o.ends, func(end int) bool { return r.at < end && end <= at }) ||
			r.lost && len(o.who) == 0 && text[0] != ' ' && text[0] != '\t'
		if begins {
			r = &last{lost: lost != nil && lost(text)}
			records[pid] = r
		}
		r.at = at
		r.length += len(text)
		lines = append(lines, line{at, text, begins, pid})
		at += len(text)
	}
	return lines
}

// writer returns who wrote a line; 0 if that is not known.
func (o oracle) writer(line int) int32 {
	if len(o.who) == 0 {
		return 0
	}
	return 1 + int32(o.who[line%len(o.who)]%3)
}

// writers returns who wrote the lines that begin in a part of a stream.
func (o oracle) writers(stream []byte, from, to int) (writers []Writer) {
	for i, l := range o.lines(stream, nil) {
		if len(o.who) > 0 && from <= l.at && l.at < to {
			writers = append(writers, Writer{PID: o.writer(i), Lines: 1})
		}
	}
	return writers
}

func (o oracle) matches(e *Expression, text []byte) bool {
	text = bytes.TrimSuffix(text, newline)
	return e == nil || e.regexp.Match(text[:min(len(text), o.maxLine)])
}

// route returns what each output gets, the main one first.
func (o oracle) route(c Config, stream []byte) [][]byte {
	got := make([][]byte, 1+len(c.Outputs))
	choose := func(first []byte) []bool {
		to := make([]bool, len(got))
		matches := func(e *Expression) bool { return o.matches(e, first) }
		to[0] = (len(c.Only) == 0 || slices.ContainsFunc(c.Only, matches)) && !slices.ContainsFunc(c.Drop, matches)
		taken := false
		for i, output := range c.Outputs {
			to[1+i] = matches(output.Match) && !(output.Divert && taken)
			if output.Divert && to[1+i] {
				taken, to[0] = true, false
			}
		}
		return to
	}
	lost := func(first []byte) bool {
		return !slices.Contains(choose(first), true) && slices.ContainsFunc(c.Drop, func(e *Expression) bool { return o.matches(e, first) })
	}
	to := map[int32][]bool{}
	for _, l := range o.lines(stream, lost) {
		if l.begins {
			to[l.pid] = choose(l.text)
		}
		for i := range got {
			if to[l.pid][i] {
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
		tracker := newTracker(o.start, o.maxLine)
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
		for _, l := range o.lines(stream, nil) {
			if l.begins {
				begins = append(begins, l.at)
			}
		}
		at = 0
		for _, batch := range batches {
			if slices.Contains(o.ends, at) {
				tracker.end()
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
			if got := tracker.next(batch, -tracker.length, tracker.firstLine(batch)); got != first {
				t.Fatalf("the first in %q: %d at %d, want %d", batch, got, at, first)
			}
			for n := 0; n <= len(batch)+1; n++ {
				last := -1
				for _, b := range here {
					if b <= n {
						last = b
					}
				}
				if got := max(-1, tracker.last(batch, -tracker.length, tracker.firstLine(batch), n)); got != last {
					t.Fatalf("the last in %q up to %d: %d at %d, want %d", batch, n, got, at, last)
				}
			}
			tracker.advance(batch, -tracker.length, tracker.firstLine(batch))
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
			f.Add(start, "", "", m(0), "", stream, []byte{1, 5, 60, 7}, []byte{}, uint16(100), uint16(40))
			f.Add(start, m(1), m(2), m(3), m(4), stream, []byte{3, 90}, []byte{0, 0, 1, 2, 0}, uint16(20), uint16(30))
			f.Add(start, "", m(1), m(2), m(0), stream, []byte{255}, []byte{}, uint16(200), uint16(400))
			f.Add(start, "", m(1), m(0), m(2), stream, []byte{9, 30}, []byte{0, 1, 1}, uint16(201), uint16(400))
			f.Add(start, "", m(2), m(0), m(1), stream, []byte{9, 30}, []byte{}, uint16(101), uint16(400))
		}
	}
	f.Fuzz(func(t *testing.T, start, only, drop, also, divert string, stream, cuts, who []byte, maxLine, maxRecord uint16) {
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
		if maxLine%2 > 0 {
			c.Outputs = c.Outputs[:3] // what is dropped is nowhere
		}
		o := oracle{start: c.Start, maxLine: c.MaxLine, maxRecord: 1 + int(maxRecord), who: who}
		r := NewRouter(c)
		r.tracker.maxRecord, r.tracker.length = o.maxRecord, o.maxRecord
		got := make([][]byte, 1+len(c.Outputs))
		at := 0
		for i, batch := range chunks(stream, c.MaxLine, sizes(cuts)...) {
			if len(cuts) > 0 && cuts[i%len(cuts)]%7 == 0 {
				r.End()
				o.ends = append(o.ends, at)
			}
			writers := o.writers(stream, at, at+len(batch))
			at += len(batch)
			main := r.Route(slices.Clone(batch), time.Time{}, writers, func(i int, run []byte) {
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
	main := r.Route(batch, time.Time{}, nil, func(output int, run []byte) { fmt.Printf("%d: %q\n", output, run) })
	fmt.Printf("%s", main)
	// Output:
	// 0: "2026-11-27 ERROR GET /\nTraceback:\n"
	// 2026-11-27 ERROR GET /
	// Traceback:
	// 2026-11-27 INFO GET /
}

// The record of a writer is over when it has written nothing for a second while others have;
// but not because nobody looked for that long.
func TestRecordsOfWriters(t *testing.T) {
	t.Parallel()
	health, _ := Compile(`health`)
	start, _ := Compile(`^R`)
	r := NewRouter(Config{Start: start, MaxLine: 1 << 20, Drop: []*Expression{health}})
	now := time.Unix(0, 0)
	for _, step := range []struct {
		after time.Duration
		pid   int32
		text  string
		want  string
	}{
		{0, 1, "R health\n", ""},
		{MaxQuiet / 2, 2, "printed by another\n", "printed by another\n"},
		{MaxQuiet / 4, 1, "more, in time\n", ""},
		{MaxQuiet * 9 / 10, 2, "printed\n", "printed\n"},
		{MaxQuiet / 20, 1, "more\n", ""},
		{MaxQuiet * 5, 2, "printed after a stop\n", "printed after a stop\n"},
		{MaxQuiet / 2, 1, "more after a stop\n", ""},
		{MaxQuiet * 9 / 10, 2, "R two\n", "R two\n"},
		{MaxQuiet / 2, 1, "late\n", "late\n"},
		{0, 0, "R health\n", ""},
		{0, 0, " more\n", ""},
		{0, 0, "printed by whom the kernel cannot name\n", "printed by whom the kernel cannot name\n"},
	} {
		now = now.Add(step.after)
		if got := string(r.Route([]byte(step.text), now, []Writer{{step.pid, 1, false}}, nil)); got != step.want {
			t.Errorf("%q: got %q", step.text, got)
		}
	}
	r.End()
	if got := string(r.Route([]byte("printed\n"), now, []Writer{{1, 1, false}}, nil)); got != "printed\n" {
		t.Errorf("after the end of all records: got %q", got)
	}
}
