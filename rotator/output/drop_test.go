package output

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/output/outputtest"
	"github.com/logreel/logreel/rotator/record"
)

var recordsDropped = regexp.MustCompile(`(?m)^logreel: (\d+) records? dropped from .*\n`)

// Of records that find no room none is cut, as long as the longest fits into the reserve,
// and the note says how many are missing.
func TestDropWholeRecords(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 9))
		b := buffer{limit: 4096, drop: true, dropping: dropping{records: outputtest.Capitals{}}}
		var out, batch strings.Builder
		now := time.Unix(0, 0)
		take := func() {
			for front, _ := b.front(); len(front) > 0; front, _ = b.front() {
				out.Write(front)
				b.advance(len(front))
			}
		}
		push := func() {
			b.push([]byte(batch.String()), now)
			batch.Reset()
			now = now.Add(time.Duration(random.IntN(100)) * time.Millisecond)
			if random.IntN(12) == 0 {
				take()
			}
		}
		var records []string
		for i := range 200 {
			record := fmt.Sprintf("R %d\n", i)
			for range random.IntN(8) {
				record += fmt.Sprintf(" line of %d %s\n", i, strings.Repeat("x", random.IntN(90)))
			}
			records = append(records, record)
			for line := range strings.Lines(record) {
				batch.WriteString(line)
				if random.IntN(6) == 0 {
					push()
				}
			}
		}
		push()
		b.settle()
		take()
		got, missing := out.String(), 0
		for _, m := range recordsDropped.FindAllStringSubmatch(got, -1) {
			n, _ := strconv.Atoi(m[1])
			missing -= n
		}
		got = recordsDropped.ReplaceAllString(got, "")
		for _, record := range records {
			rest, ok := strings.CutPrefix(got, record)
			if got = rest; !ok {
				missing++
				got = rest
			}
		}
		if missing != 0 || got != "" {
			t.Fatalf("seed %d: %d records more are missing than were counted; left %.80q", seed, missing, got)
		}
	}
}

// What begins no record is dropped only until it cannot belong to one any more.
func TestDropEnds(t *testing.T) {
	t.Parallel()
	b := buffer{limit: 100, drop: true, dropping: dropping{records: outputtest.Capitals{}}}
	now := time.Unix(0, 0)
	b.push([]byte("R "+strings.Repeat("x", 200)+"\n"), now)
	b.push([]byte(" more\n"), now.Add(record.MaxQuiet/2))
	b.push([]byte(" late\n"), now.Add(2*record.MaxQuiet))
	var out []byte
	for front, _ := b.front(); len(front) > 0; front, _ = b.front() {
		out = append(out, front...)
		b.advance(len(front))
	}
	if got := string(out); !strings.HasSuffix(got, " late\n") || strings.Contains(got, "more") || !strings.Contains(got, "1 record dropped") {
		t.Errorf("got %q", got)
	}
}

// Lines that wait keep the time at which they were read, so that a silence between them is
// seen: within a second, as boundaries need it, or where there are records exactly enough.
func TestTimesOfSpans(t *testing.T) {
	t.Parallel()
	for _, records := range []dropping{{}, {records: outputtest.Capitals{}}} {
		b := buffer{limit: 4096, dropping: records}
		var want []time.Time
		for i := range 40 {
			at := time.Unix(10, 0).Add(time.Duration(i) * 70 * time.Millisecond)
			b.push([]byte("R\n"), at)
			want = append(want, at)
		}
		exact := record.MaxQuiet
		if records.records != nil {
			exact /= 50
		}
		for front, at := b.front(); len(front) > 0; front, at = b.front() {
			for range front[:len(front)/2] {
				if late := want[0].Sub(at); late < 0 || late >= exact || at.Unix() != want[0].Unix() {
					t.Fatalf("a line of %v is written as of %v", want[0], at)
				}
				want = want[1:]
			}
			b.advance(len(front))
		}
	}
}
