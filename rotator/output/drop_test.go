package output

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/output/outputtest"
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
	b.push([]byte(" more\n"), now.Add(time.Minute))
	b.endRecord()
	b.push([]byte(" late\n"), now.Add(time.Minute))
	var out []byte
	for front, _ := b.front(); len(front) > 0; front, _ = b.front() {
		out = append(out, front...)
		b.advance(len(front))
	}
	if got := string(out); !strings.HasSuffix(got, " late\n") || strings.Contains(got, "more") || !strings.Contains(got, "1 record dropped") {
		t.Errorf("got %q", got)
	}
}

// Lines that wait are given back as of the second in which they were read, and where a
// record was said to be over before them, that is said again.
func TestSpans(t *testing.T) {
	t.Parallel()
	b := buffer{limit: 4096, dropping: dropping{records: outputtest.Capitals{}}}
	b.push([]byte("R lent\n"), time.Unix(9, 0))
	b.endRecord()
	b.lend([]byte(" lent\n"), time.Unix(9, 0))
	b.endRecord()
	var want []time.Time
	for i := range 40 {
		at := time.Unix(10, 0).Add(time.Duration(i) * 70 * time.Millisecond)
		if i%16 == 15 {
			b.endRecord()
		}
		b.push([]byte("R\n"), at)
		want = append(want, at)
	}
	b.endRecord()
	var ends []int
	taken := 0
	for front, at := b.front(); len(front) > 0; front, at = b.front() {
		if b.takeEnded() {
			ends = append(ends, taken)
		}
		if bytes.Contains(front, []byte("lent")) {
			taken--
		} else if read := want[taken]; at.Unix() != read.Unix() {
			t.Fatalf("a line of %v is written as of %v", read, at)
		}
		n := bytes.IndexByte(front, '\n') + 1 // a file has room for less than all
		b.advance(n)
		taken++
	}
	if want := []int{0, 0, 15, 31}; !slices.Equal(ends, want) || !b.takeEnded() || b.takeEnded() {
		t.Errorf("records end before the lines %v, want %v, and behind the last one", ends, want)
	}
}
