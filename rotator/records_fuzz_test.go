package rotator_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/files/filestest"
	"github.com/logreel/logreel/rotator/record"
)

// maxLine is short, so that many lines come in pieces.
const maxLine = 40

// A batch is read at once: whole lines, or a piece of a line that is longer than maxLine, of
// which the first has that much.
type batch struct {
	text []byte
	at   time.Time
	tick bool // the clock is looked at before
}

// cutUp cuts a stream into batches of about the given sizes, as package intake may. They say
// as well how much time passes before each: up to a second and a half, but within a line
// less than ends a record.
func cutUp(stream, sizes []byte) (batches []batch) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for inside := false; len(stream) > 0; {
		b := batch{text: stream}
		if len(sizes) > 0 {
			size := int(sizes[len(batches)%len(sizes)])
			b.text, b.tick = stream[:min(len(stream), 1+size)], size%3 == 0
			pause := time.Duration(size%16) * 100 * time.Millisecond
			if inside {
				pause = min(pause, 900*time.Millisecond)
			}
			at = at.Add(pause)
		}
		b.at = at
		if last := bytes.LastIndexByte(b.text, '\n'); last >= 0 {
			b.text = b.text[:last+1]
		} else if !inside {
			b.text = stream[:min(len(firstLine(stream)), max(maxLine, len(b.text)))]
		}
		inside = !bytes.HasSuffix(b.text, []byte("\n"))
		stream = stream[len(b.text):]
		batches = append(batches, b)
	}
	return batches
}

// firstLine returns a text up to its first newline.
func firstLine(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1]
	}
	return text
}

// A logged record is one that the oracle has found.
type logged struct {
	text   string
	second string // when its first line came
	to     []bool
	// orphan says that its first line begins none, so that in a file it goes on with what
	// is there, if there was no silence since: silences counts them.
	orphan   bool
	silences int
}

// inFiles returns the records of an output as its files have them.
func inFiles(records []*logged, output int) (got []*logged) {
	for _, r := range records {
		last := len(got) - 1
		switch {
		case !r.to[output]:
		case r.orphan && last >= 0 && got[last].silences == r.silences:
			got[last].text += r.text
		default:
			own := *r
			got = append(got, &own)
		}
	}
	return got
}

// oracle goes line by line, without cleverness: a line that matches, or that comes after a
// pause of a second, begins a record, and says where it goes. So does one behind a record that
// goes nowhere, if it is not indented.
func oracle(batches []batch, start *record.Expression, to func(line string) []bool) (records []*logged) {
	over, inside, silences := true, false, 0
	for i, b := range batches {
		if i > 0 && b.at.Sub(batches[i-1].at) >= time.Second {
			over = true
			silences++
		}
		for line := range strings.Lines(string(b.text)) {
			lost := !over && !slices.Contains(records[len(records)-1].to, true) && line[0] != ' ' && line[0] != '\t'
			if begins := over || matches(start, line); !inside && (begins || lost) {
				records = append(records, &logged{second: b.at.Format("150405"), to: to(line), orphan: !begins, silences: silences})
				over = false
			}
			records[len(records)-1].text += line
			inside = !strings.HasSuffix(line, "\n")
		}
	}
	return records
}

// matches asks for one line, which nothing comes before or behind.
func matches(e *record.Expression, line string) bool {
	line = strings.TrimSuffix(line, "\n")
	return record.NewStarts(e, maxLine).First([]byte(line+"\n")) == 0
}

// checkFiles fails the test unless the files of a directory are so many records, each in
// one file and in that of its second, and none has more than it may.
func checkFiles(t *testing.T, dir string, size int, records []*logged) {
	t.Helper()
	for number := map[string]int{}; len(records) > 0; {
		second := records[0].second
		name := second
		if n := number[second]; n > 0 {
			name += fmt.Sprint(".", n)
		}
		number[second]++
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		must(t, os.Remove(filepath.Join(dir, name)))
		rest := string(content)
		for first := true; rest != ""; first = false {
			r := records[0]
			next, ok := strings.CutPrefix(rest, r.text)
			if !ok || r.second != second {
				t.Fatalf("%s has %q at %q, want %q in %s", name, content, rest, r.text, r.second)
			}
			if before := len(content) - len(rest); size > 0 && !first && before >= size {
				t.Fatalf("%s has %d bytes before %q", name, before, r.text)
			}
			rest, records = next, records[1:]
		}
		if len(records) > 0 && records[0].second == second && (size == 0 || len(content)+len(records[0].text) <= size) {
			t.Fatalf("%s has %d bytes, and room for %q", name, len(content), records[0].text)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatal("left: ", left, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// However a stream is cut, whatever the expressions are, and while the files switch by
// time and by size: each output's files have its records, whole and in order.
func FuzzRecordFiles(f *testing.F) {
	streams := []string{
		"2026 ERROR one\nTraceback\n  ERROR in it\n2026 INFO two\n2026 GET /health\n tail\nprinted\n2026 ERROR three\n more\n more\n",
		"no beginning\n\n\n2026 ERROR\x00\xff\n\xc3\x28 ERROR\n2026 " + strings.Repeat("long ", 30) + "\n behind it\nERROR\n2026 end",
		strings.Repeat("\n", 40), strings.Repeat("2026 ERROR\n x\n", 20), strings.Repeat("2", 300) + "\n2026",
	}
	for i, stream := range streams {
		for j, sizes := range [][]byte{nil, {0}, {1, 7, 60, 3}, {200, 16, 33}, {15, 31}} {
			f.Add(`^\d{4} `, `\bERROR\b`, `INFO`, `GET /health`, []byte(stream), sizes, uint8(20*j))
			f.Add(`^2`, `(?i)error`, `x$`, `^$`, []byte(stream), sizes, uint8(50*(i%3)))
			f.Add(`never`, ``, `^ `, `E`, []byte(stream), sizes, uint8(30))
		}
	}
	f.Fuzz(func(t *testing.T, start, also, divert, drop string, stream, sizes []byte, size uint8) {
		var e [4]*record.Expression
		for i, text := range []string{start, also, divert, drop} {
			var err error
			if e[i], err = record.Compile(text); err != nil {
				t.Skip(err)
			}
		}
		if len(stream) > 2000 {
			t.Skip("nothing new")
		}
		var rotators []*rotator.Rotator
		var dirs []string
		var now time.Time
		for range 3 {
			dir := filestest.Dir(t)
			names, err := pattern.New(pattern.Config{Pattern: dir + "/%H%M%S", Zone: time.UTC})
			must(t, err)
			r, err := rotator.New(rotator.Config{
				Pattern: names, Mode: 0o600, DirMode: 0o700, Size: int64(size), Records: record.NewStarts(e[0], maxLine),
				Now: func() time.Time { return now },
			})
			must(t, err)
			rotators, dirs = append(rotators, r), append(dirs, dir)
		}
		router := record.NewRouter(record.Config{
			Start: e[0], MaxLine: maxLine, Drop: e[3:], Outputs: []record.Output{{Match: e[1]}, {Match: e[2], Divert: true}},
		})
		batches := cutUp(stream, sizes)
		for _, b := range batches {
			if b.at.Sub(now) >= record.MaxQuiet {
				router.End()
				for _, r := range rotators {
					r.EndRecord()
				}
			}
			now = b.at
			write := func(output int, lines []byte) {
				if b.tick {
					rotators[output].Tick(now, false)
				}
				for len(lines) > 0 {
					n, err := rotators[output].Write(lines, now)
					must(t, err)
					lines = lines[n:]
				}
			}
			write(0, router.Route(slices.Clone(b.text), now, nil, func(i int, run []byte) { write(1+i, run) }))
		}
		for _, r := range rotators {
			must(t, r.Close())
		}
		records := oracle(batches, e[0], func(line string) []bool {
			taken := matches(e[2], line)
			return []bool{!taken && !matches(e[3], line), matches(e[1], line), taken}
		})
		for i, dir := range dirs {
			checkFiles(t, dir, int(size), inFiles(records, i))
		}
	})
}
