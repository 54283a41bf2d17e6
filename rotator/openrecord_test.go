package rotator

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/output/outputtest"
)

func newRecordBench(t *testing.T, size int64) *bench {
	return newBench(t, func(c *Config, dir string) {
		c.Records, c.Size = outputtest.Capitals{}, size
		c.Pattern = compile(t, pattern.Config{Pattern: dir + "/%H%M%S"})
	})
}

// pass lets time pass.
func (b *bench) pass(d time.Duration) *bench {
	b.now = b.now.Add(d)
	return b
}

// A record goes on in its file, whatever comes between its lines.
func TestRecordIsInOneFile(t *testing.T) {
	t.Parallel()
	for about, between := range map[string]func(t *testing.T, b *bench){
		"a boundary":      func(_ *testing.T, b *bench) { b.at(time.Second - 1) },
		"a quiet period":  func(_ *testing.T, b *bench) { b.at(time.Second-1).Tick(b.now, false) },
		"SIGHUP":          func(_ *testing.T, b *bench) { b.Reopen(b.now) },
		"SIGALRM":         func(t *testing.T, b *bench) { check(t, b.Switch(b.now)) },
		"a limit of size": func(_ *testing.T, b *bench) { b.config.Size = 3 },
		"a file that is moved": func(t *testing.T, b *bench) {
			check(t, os.Rename(b.path("120000"), b.path("120000.old")))
			b.at(lookEvery)
		},
		"a file that is deleted": func(t *testing.T, b *bench) {
			check(t, os.Remove(b.path("120000")))
			b.at(lookEvery)
		},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			b := newRecordBench(t, 0)
			b.write("R one\n")
			between(t, b)
			b.write(" more\nR two\n more\n")
			b.wantWhole("R one\n more\n", "R two\n more\n")
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantWhole fails unless each record is in one file, and once.
func (b *bench) wantWhole(records ...string) {
	b.t.Helper()
	var all []string
	for _, content := range b.files() {
		all = append(all, content)
	}
	for _, record := range records {
		if n := strings.Count(strings.Join(all, "\x00"), record); n != 1 {
			b.t.Errorf("%.60q is there %d times", record, n)
		}
	}
}

// A piece of a long line is not taken for the beginning of a record: when the file is lost,
// the record is written again from its beginning.
func TestRecordOfPieces(t *testing.T) {
	t.Parallel()
	b := newRecordBench(t, 0)
	b.write("R one, ")
	b.write("R is a piece\n")
	b.write(" more\n")
	check(t, os.Remove(b.path("120000")))
	b.at(lookEvery).write(" end\n")
	b.wantWhole("R one, R is a piece\n more\n end\n")
}

// When a record is over, the rotation goes on: when that is said, or after a mebibyte of
// lines that begin none; and not because time passes.
func TestRecordEnds(t *testing.T) {
	t.Parallel()
	b := newRecordBench(t, 0)
	b.write("R one\n")
	b.at(time.Minute).write(" more\n")
	b.EndRecord()
	b.write(" late\n")
	b.want("120000", "R one\n more\n", "120100", " late\n")

	b = newRecordBench(t, 0)
	line := strings.Repeat("x", 99) + "\n"
	for range 30_000 {
		b.pass(time.Millisecond).write(line)
	}
	if len(b.files()) < 2 {
		t.Error("lines that begin no record stop the rotation")
	}

	b = newRecordBench(t, 0)
	b.write("R one\n")
	check(t, b.Switch(b.now.Add(time.Millisecond)))
	b.EndRecord()
	b.at(time.Second).Tick(b.now, false)
	if b.Status().Switches == 0 && b.live != nil {
		t.Error("SIGALRM is forgotten")
	}
}

// Records of any length, in any batches, at any times, with all that may happen between
// them: each is in one file, whole, in the file of its first line's time.
func TestRecordsAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 8))
		b := newRecordBench(t, int64(random.IntN(3)*200))
		var records []string
		var batch string
		flush := func() {
			if batch != "" {
				b.write(batch)
				batch = ""
			}
		}
		for i := range 60 {
			record := fmt.Sprintf("R %d\n", i)
			batch += record
			for range random.IntN(6) {
				switch random.IntN(9) {
				case 0:
					flush()
					b.Reopen(b.now)
				case 1:
					flush()
					check(t, b.Switch(b.now))
				case 2:
					flush()
					b.pass(time.Duration(random.IntN(999)) * time.Millisecond)
				case 3:
					flush()
					b.pass(time.Duration(random.IntN(999))*time.Millisecond).Tick(b.now, false)
				case 4:
					flush()
				}
				line := fmt.Sprintf(" line of %d %s\n", i, strings.Repeat("x", random.IntN(100)))
				record += line
				batch += line
			}
			records = append(records, record)
			if random.IntN(3) == 0 {
				flush()
				if pause := time.Duration(random.IntN(3000)) * time.Millisecond; pause > time.Second {
					b.pass(pause).EndRecord()
				}
			}
		}
		flush()
		b.wantWhole(records...)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
