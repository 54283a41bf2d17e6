package record

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 27, 10, 0, 0, 123_456_789, time.UTC)

// controlSequences are those of ECMA-48, written down once more.
var controlSequences = regexp.MustCompile(`\x1b(?:` +
	`\[[0-?]*[ -/]*[@-~]` + // control sequences
	`|\][^\n\x18\x1a\x1b\x07]*(?:\x07|\x1b\\)|[PX^_][^\n\x18\x1a\x1b]*\x1b\\` + // control strings
	`|[ -/]+[0-~]|[0-OQ-WYZ\\` + "`" + `a-~])`)

// An editOracle edits one whole line at a time.
type editOracle struct{ EditorConfig }

// edit returns a line as it is routed, and as it was read but for what is redacted.
func (o editOracle) edit(line []byte) (edited, asRead []byte) {
	type control struct {
		at   int
		text []byte
	}
	var plain []byte
	var controls []control
	begin := 0
	if o.Strip || len(o.Redact) > 0 {
		for _, c := range controlSequences.FindAllIndex(line, -1) {
			plain = append(plain, line[begin:c[0]]...)
			begin = c[1]
			text := line[c[0]:c[1]]
			if strings.ContainsRune("]PX^_", rune(text[1])) && slices.ContainsFunc(o.Redact, func(r *Redaction) bool { return r.regexp.Match(text) }) {
				continue
			}
			controls = append(controls, control{len(plain), text})
		}
	}
	plain = append(plain, line[begin:]...)
	// hidden says of each byte which span it is in, or 0.
	var all []span
	for _, r := range o.Redact {
		for _, match := range r.regexp.FindAllSubmatchIndex(plain, -1) {
			if r.regexp.NumSubexp() > 0 {
				match = match[2:]
			}
			for ; len(match) > 0; match = match[2:] {
				if match[0] < match[1] {
					all = append(all, span{match[0], match[1]})
				}
			}
		}
	}
	covered := func(at int, inside bool) bool {
		return slices.ContainsFunc(all, func(s span) bool { return s.from <= at && at < s.to && (!inside || s.from < at) })
	}
	for i := 0; i <= len(plain); i++ {
		for ; len(controls) > 0 && controls[0].at == i; controls = controls[1:] {
			asRead = append(asRead, controls[0].text...)
		}
		if i == len(plain) {
			break
		}
		text := plain[i : i+1]
		if covered(i, false) {
			text = nil
			if !covered(i, true) {
				text = stars
			}
		}
		edited, asRead = append(edited, text...), append(asRead, text...)
	}
	if !o.Strip {
		edited = asRead
	}
	return append(edited, '\n'), append(asRead, '\n')
}

var editors = []EditorConfig{
	{Strip: true},
	{Redact: redactions(`password=(\S+)`)},
	{Redact: redactions(`(?i)bearer (\S+)`, `://[^/\s:]*:([^@\s]*)@`, `\d(?:[ -]?\d){12,15}`), Strip: true},
	{Redact: redactions(`a.*b`, `b+`, `^x|y$`, `(a)|b(c)`)},
	{Redact: redactions(`.*`), Strip: true},
	{Redact: redactions(`secret`), Strip: true, Stamp: newStamp(`%F %T.%f %{stream} `)},
	{Stamp: newStamp(DefaultStamp)},
}

func redactions(texts ...string) (all []*Redaction) {
	for _, text := range texts {
		r, err := CompileRedaction(text)
		if err != nil {
			panic(err)
		}
		all = append(all, r)
	}
	return all
}

func newStamp(format string) *Stamp {
	s, err := NewStamp(format, '%', time.UTC)
	if err != nil {
		panic(err)
	}
	return s.On("out")
}

var colours = [][]byte{
	[]byte("\x1b[32mINFO\x1b[0m:     password\x1b[1m=\x1b[0mhun\x1b[31mter2 x\n\x1b[31mERROR\x1b[0m \x1b(B\x1b[m\x1b]8;;https://u:pw@h\x1b\\link\x1b]8;;\x1b\\\n"),
	[]byte("\x1b]0;title\a text \x1b\n\x1b[31\n\x1b]0;no end\nnext\x1b[K\r50%\r\x1b[2K100%\n\x1b7\x1b8\x1b=\x1bPq\x1b\\x\x1b[1;31\x1b[mabc\n"),
	[]byte("xaab password=\x00\xffb Bearer é\xc3.y\n\n\nsecret secretsecret\n4111 1111 1111 1111y\n" + strings.Repeat("a", 80) + "password=" + strings.Repeat("s3cret", 20) + " end\n"),
	[]byte(strings.Repeat("x", 39) + "password=abcdef ghi\n" + strings.Repeat("ab\x1b[31m", 50) + "\n" + strings.Repeat("-", 47) + "\x1b[31msecret\x1b[0m\n\x1b\x1b[\x1b[mERROR"),
	bytes.Repeat([]byte("\n"), 40),
}

// However a stream is cut, each output gets what an oracle makes of it line by line, and
// nothing that is to be redacted comes through.
func FuzzEditor(f *testing.F) {
	for i, stream := range append(colours, streams...) {
		for j := range editors {
			f.Add(stream, []byte{1, 5, 60, 7}, uint16(48), byte(j), byte(i))
			f.Add(stream, []byte{0, 2}, uint16(8), byte(j), byte(i+j))
			f.Add(stream, []byte{200}, uint16(1000), byte(j), byte(i+1))
		}
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte, maxLine uint16, which, starting byte) {
		if len(stream) > 2048 || len(stream) == 0 {
			return
		}
		stream = append(bytes.TrimSuffix(slices.Clone(stream), newline), '\n')
		c := editors[int(which)%len(editors)]
		c.MaxLine = 1 + int(maxLine)
		if c.Stamp != nil {
			c.Start = compile(t, starts[int(starting)%len(starts)])
		}
		c.AsRead = []bool{true, false}
		routing := Config{Start: c.Start, MaxLine: c.MaxLine, Drop: []*Expression{compile(t, `health`)}, Outputs: []Output{{}, {Match: compile(t, `ERROR`)}}}
		want, exact := wantEdited(c, routing, stream)
		got := edit(c, routing, chunks(stream, c.MaxLine, sizes(cuts)...))
		if whole := edit(c, routing, [][]byte{stream}); !slices.EqualFunc(got, whole, bytes.Equal) {
			t.Fatalf("cut in %v, outputs get\n%q\nand at once\n%q", cuts, got, whole)
		}
		for i := range want {
			if exact && !bytes.Equal(got[i], want[i]) {
				t.Fatalf("output %d gets\n%q, want\n%q", i, got[i], want[i])
			}
		}
		if !exact {
			compareBlind(t, got[1], want[1])
		}
	})
}

// compareBlind compares the lines of all records, of which more may be redacted.
func compareBlind(t *testing.T, got, want []byte) {
	t.Helper()
	gotLines, wantLines := bytes.SplitAfter(got, newline), bytes.SplitAfter(want, newline)
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d", len(gotLines), len(wantLines))
	}
	for i, line := range gotLines {
		rest := controlSequences.ReplaceAll(wantLines[i], nil)
		for part := range bytes.SplitSeq(controlSequences.ReplaceAll(line, nil), stars) {
			at := bytes.Index(rest, part)
			if at < 0 {
				t.Fatalf("line %d is %q, which has %q, want %q", i, line, part, wantLines[i])
			}
			rest = rest[at+len(part):]
		}
	}
}

// edit returns what each output gets, the main one first.
func edit(c EditorConfig, routing Config, batches [][]byte) [][]byte {
	e := NewEditor(c, NewRouter(routing))
	got := make([][]byte, 1+len(routing.Outputs))
	for i, batch := range batches {
		if i%3 == 1 {
			e.Keep()
		}
		main := e.Route(slices.Clone(batch), at, nil, func(output int, run []byte) { got[1+output] = append(got[1+output], run...) })
		got[0] = append(got[0], main...)
	}
	return got
}

// wantEdited returns what each output is to get, and whether that is exact: no line is so
// long that a part of it which matches may be too long to be held back.
func wantEdited(c EditorConfig, routing Config, stream []byte) (want [][]byte, exact bool) {
	o := editOracle{c}
	exact = true
	var edited, asRead [][]byte
	for line := range bytes.Lines(stream) {
		line = bytes.TrimSuffix(line, newline)
		e, r := o.edit(line)
		edited, asRead = append(edited, e), append(asRead, r)
		exact = exact && (len(line) <= c.MaxLine || len(c.Redact) == 0)
	}
	want = make([][]byte, 1+len(routing.Outputs))
	begins := oracle{start: c.Start, maxLine: c.MaxLine, maxRecord: MaxRecord}
	to := make([]bool, len(want))
	for i, line := range begins.lines(bytes.Join(edited, nil), nil) {
		stamp := ""
		if line.begins {
			to[0] = !begins.matches(routing.Drop[0], line.text)
			to[1], to[2] = true, begins.matches(routing.Outputs[1].Match, line.text)
			if c.Stamp != nil {
				stamp = string(c.Stamp.append(nil, at, 0))
			}
		}
		for j := range want {
			switch {
			case !to[j]:
			case j == 1:
				want[j] = append(want[j], asRead[i]...)
			default:
				want[j] = append(append(want[j], stamp...), line.text...)
			}
		}
	}
	return want, exact
}

// What is too long to be held back is redacted, and no more is held.
func TestEditorHoldsBackNoMore(t *testing.T) {
	t.Parallel()
	const size = 100
	for _, test := range []struct{ expression, text, want string }{
		{`password=(\S+)`, "a password=" + strings.Repeat("s", 300) + " b password=c d", "a *** b password=*** d"},
		{`password=(\S+)`, strings.Repeat("x ", 300) + "password=abc " + strings.Repeat("y", 300), strings.Repeat("x ", 300) + "password=*** " + strings.Repeat("y", 300)},
		{`^x.* token=(\S+)`, strings.Repeat("x", 290) + " token=abc y", "***" + strings.Repeat("x", 290-2*101) + " token=*** y"},
		{`^x.* token=(\S+)`, strings.Repeat("x", 350), "***" + strings.Repeat("x", 350-3*101)},
		{`a.*b|a`, "a" + strings.Repeat("x", 300) + "ab c", "***"},
		{`b.*`, "a" + strings.Repeat("b", 300), "a***"},
	} {
		for _, piece := range []int{1, 99, 100, 101, 250, 1000} {
			e := NewEditor(EditorConfig{Redact: redactions(test.expression), MaxLine: size}, nil)
			var got []byte
			most := 0
			for part := range slices.Chunk([]byte(test.text+"\n"), piece) {
				got = append(got, e.Route(slices.Clone(part), at, nil, nil)...)
				most = max(most, len(e.line.held.bytes)+len(e.line.first.bytes))
			}
			got = append(got, e.Route([]byte("next\n"), at, nil, nil)...)
			if string(got) != test.want+"\nnext\n" {
				t.Errorf("%s in pieces of %d: %q", test.expression, piece, got)
			}
			if most > 3*size+piece {
				t.Errorf("%s in pieces of %d: %d bytes held", test.expression, piece, most)
			}
		}
	}
}

// A batch that is not changed is not copied, and nothing is allocated for one that is.
func TestEditorAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	text := bytes.Repeat([]byte("\x1b[32m2026-11-27\x1b[0m INFO GET /cart 200\n"), 500)
	for _, c := range []EditorConfig{
		{Strip: true},
		{Strip: true, Stamp: newStamp("%F %T.%L %{pid} "), Redact: redactions("password=")},
		{Stamp: newStamp(DefaultStamp), Start: compile(t, `^\d{4}-`)},
	} {
		c.MaxLine = 1 << 20
		e := NewEditor(c, NewRouter(Config{MaxLine: c.MaxLine, Outputs: []Output{{}}}))
		batch := make([]byte, len(text))
		writers := []Writer{{1, 200, false}, {2, 300, false}}
		push := func(int, []byte) {}
		now := at
		got := testing.AllocsPerRun(100, func() {
			now = now.Add(time.Millisecond)
			e.Route(batch[:copy(batch, text)], now, writers, push)
		})
		if got > 4 { // for the time of a batch
			t.Errorf("%v allocations for a batch", got)
		}
	}
	e := NewEditor(EditorConfig{Strip: true, Redact: redactions("password"), MaxLine: 1 << 20}, nil)
	plain := []byte("nothing to do\n")
	if got := e.Route(plain, at, nil, nil); &got[0] != &plain[0] {
		t.Error("a batch was copied for nothing")
	}
}

// The process of each line is in its stamp, however the lines are changed and cut.
func TestEditorNamesWriters(t *testing.T) {
	t.Parallel()
	e := NewEditor(EditorConfig{Stamp: newStamp("%{pid} "), Strip: true, MaxLine: 8}, nil)
	var got []byte
	for _, batch := range []struct {
		text    string
		writers []Writer
	}{
		{"a\nb\n", []Writer{{1, 1, false}, {2, 1, false}}},
		{"long line", []Writer{{3, 1, false}}},
		{" of 3", nil},
		{".\nc\nd\n", []Writer{{1, 1, false}, {2, 1, false}}},
		{"\x1b[31mheld", []Writer{{4, 1, false}}},
		{" \x1b[m.\n\n\n", []Writer{{5, 2, false}}},
		{"e\n", []Writer{{6, 0, false}, {7, 1, false}}},
	} {
		got = append(got, e.Route([]byte(batch.text), at, batch.writers, nil)...)
	}
	const want = "1 a\n2 b\n3 long line of 3.\n1 c\n2 d\n4 held .\n5 \n5 \n7 e\n"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Control sequences are those of ECMA-48; what only looks like one is text.
func TestControl(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxSequence)
	for _, test := range []struct {
		text   string
		length int
		cut    bool
	}{
		{"\x1b[m", 3, false}, {"\x1b[1;31mx", 7, false}, {"\x1b[?25h", 6, false}, {"\x1b[1 q", 5, false}, {"\x1b[1\n", 0, false}, {"\x1b[\x1b[m", 0, false},
		{"\x1b", 0, true}, {"\x1b[", 0, true}, {"\x1b[1;3", 0, true}, {"\x1b[1 ", 0, true}, {"\x1b(", 0, true}, {"\x1b]0;title", 0, true}, {"\x1b]0;title\x1b", 0, true},
		{"\x1b]0;title\ax", 10, false}, {"\x1b]8;;u\x1b\\x", 8, false}, {"\x1b]0;\ntitle\a", 0, false}, {"\x1b]0;t\x1b[m\a", 0, false}, {"\x1b]0;\x18\a", 0, false},
		{"\x1bPq\a\x1b\\", 6, false}, {"\x1b_x\x1b\\", 5, false}, {"\x1b(B", 3, false}, {"\x1b7x", 2, false}, {"\x1bc", 2, false}, {"\x1b\\", 2, false},
		{"\x1b\n", 0, false}, {"\x1b\x7f", 0, false}, {"\x1b\x80", 0, false}, {"\x1bé", 0, false}, {"\x1b\x1b", 0, false},
		{"\x1b]" + long[:maxSequence-3] + "\a", maxSequence, false}, {"\x1b]" + long[:maxSequence-2] + "\a", 0, false}, {"\x1b]" + long[:maxSequence-3], 0, true}, {"\x1b]" + long, 0, false},
	} {
		if length, cut := control([]byte(test.text)); length != test.length || cut != test.cut {
			t.Errorf("%.20q of %d bytes: %d, %v, want %d, %v", test.text, len(test.text), length, cut, test.length, test.cut)
		}
	}
}

// The rest of a line that was cut in two is not written, since a secret may be in both halves.
func TestEditorHidesRests(t *testing.T) {
	t.Parallel()
	e := NewEditor(EditorConfig{Redact: redactions(`password=(\S+)`), Stamp: newStamp("%{pid} "), MaxLine: 8}, nil)
	var got []byte
	for _, batch := range []struct {
		text    string
		writers []Writer
	}{
		{"a password=hun\nb\nter2 x\nc\n", []Writer{{1, 1, false}, {2, 1, false}, {1, 1, true}, {2, 1, false}}},
		{"ter2 is long", []Writer{{1, 1, true}}},
		{" and longer", nil},
		{" still\nd password=x\n", []Writer{{2, 1, false}}},
		{"ter2\nafter\n", []Writer{{1, 2, true}}},
		{"e open", []Writer{{2, 1, false}}},
		{"ed\nter2\n", []Writer{{1, 1, true}}},
		{"f\n", []Writer{{2, 1, false}}},
	} {
		got = append(got, e.Route([]byte(batch.text), at, batch.writers, nil)...)
	}
	const want = "1 a password=***\n2 b\n1 ***\n2 c\n1 ***\n2 d password=***\n1 ***\n1 after\n2 e opened\n1 ***\n2 f\n"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
