package record

import (
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"
)

// However a line is cut, a machine finds what package regexp finds in all of it.
func FuzzMachine(f *testing.F) {
	lines := []string{
		"GET /?token=abc123&user=x password=hunter2 token= password=\"a b\" Bearer ey.J-h_",
		"aaaaaaab", "", "4111 1111 1111 1111 and 4111-1111-1111-1111", "ééé\xff\xc3é\xe2\x82", "a\x00b secret é", "aXbXcX", "https://u:p@h/ https://a:b@c",
	}
	for i, expression := range []string{
		`password=(\S+)`, `token=([^&\s]*)`, `Bearer \S+`, `(?i)BEARER (\S+)`, `\b\d(?:[ -]?\d){12,15}\b`, `://[^/\s:]*:([^@\s]*)@`, `a*`, `a.*b|a`, `(a)|(b)`,
		`^\S+`, `\S+$`, `\b`, `(é)+`, `.`, `[^a]+?X`, `(?:(a)|X)+`, `\B.`, `$`, `^`, `a(b?)`, `(\d{4}[ -]?){4}`, `secret é`, `((a)b)|c`, `\xff`, `x{0}`, `(|a)*`, `(?s).*`, `(a+)(b*)`,
	} {
		for j, line := range lines {
			f.Add(expression, []byte(line), []byte{byte(i + j), 0, 3, 40})
			f.Add(expression, []byte(line), []byte{0})
		}
	}
	f.Fuzz(func(t *testing.T, expression string, line, cuts []byte) {
		if len(line) > 200 || len(expression) > 40 || len(cuts) == 0 {
			return
		}
		r, err := CompileRedaction(expression)
		if err != nil || len(r.program.Inst) > 200 {
			return
		}
		var want []span
		for _, match := range r.regexp.FindAllSubmatchIndex(line, -1) {
			want = r.spans(want, match)
		}
		got, _ := runMachine(t, newMachine(r, 1<<20), line, cuts)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q in %q, cut %v: found %v, want %v", expression, line, cuts, got, want)
		}
		// With little that may be held back, the same is found, and more.
		const little = 5
		got, held := runMachine(t, newMachine(r, little), line, cuts)
		for _, s := range want {
			for at := s.from; at < s.to; at++ {
				if !slices.ContainsFunc(got, func(s span) bool { return s.from <= at && at < s.to }) {
					t.Fatalf("%q in %q, cut %v: found %v, which lacks %d of %v", expression, line, cuts, got, at, want)
				}
			}
		}
		if held > little+len(r.prefix)+2*utf8.UTFMax {
			t.Fatalf("%q in %q, cut %v: %d bytes are held", expression, line, cuts, held)
		}
	})
}

// runMachine returns what a machine finds in a line that is cut, and the most that was held.
func runMachine(t *testing.T, m *machine, line, cuts []byte) (found []span, held int) {
	m.begin()
	for i, begin, end := 0, 0, 0; ; i++ {
		end = min(len(line), end+int(cuts[i%len(cuts)])%17+i/1000)
		// What is known is not given again.
		m.run(line[begin:end:end], begin, end == len(line) && i%2 == 0)
		found, m.found = append(found, m.found...), m.found[:0]
		if end == len(line) && i%2 == 0 || m.blind {
			return found, held
		}
		if pending := m.pending(); pending < begin || pending > end {
			t.Fatalf("%q in %q: pending is %d at %d to %d", m.regexp, line, pending, begin, end)
		}
		begin = m.pending()
		held = max(held, end-begin)
	}
}

// What repeats is redacted with all its repetitions, of which regexp tells only the last.
func TestRedactionRepeats(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ expression, line, want string }{
		{`card (\d{4}[ -]?){4}`, "card 4111 1111-11111111.", "card ***."},
		{`(?:key=(\S+) ?)+`, "x key=a key=b y", "x ***y"},
		{`(\S+)`, "a b", "*** ***"},
		{`(a)?b`, "ab b", "***b b"},
		{`password=(\S*)`, "password= password=x", "password= ***"[:len("password= ")] + "password=***"},
		{`(a)(b)`, "ab", "******"},
		{`((a)b)`, "ab", "***"},
		{`a|(b)`, "ab", "a***"},
		{`b*`, "abbc", "a***c"},
	} {
		r, err := CompileRedaction(test.expression)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEditor(EditorConfig{Redact: []*Redaction{r}, MaxLine: 100}, nil)
		if got := string(e.Route([]byte(test.line+"\n"), at, nil, nil)); got != test.want+"\n" {
			t.Errorf("%s in %q: %q, want %q", test.expression, test.line, got, test.want)
		}
	}
}

// Wrong expressions are refused in one line.
func TestRedactionMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":            `the expression is empty; write what is to become ***, such as 'password=(\S+)'`,
		"a(":          `"a(" is not a regular expression: missing closing )`,
		`\x1b\[31m.*`: `the expression has an escape (\x1b) in it; control sequences are looked through, so write it without`,
	} {
		if _, err := CompileRedaction(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
