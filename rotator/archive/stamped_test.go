package archive

import (
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
)

// newStamped is a fixture whose files are named after the time at which they are begun, in
// periods of a day; empty for none.
func newStamped(t *testing.T, every string) *fixture {
	fx := newFixture(t, "app")
	interval := pattern.Never
	if every != "" {
		var err error
		if interval, err = pattern.ParseInterval(every); err != nil {
			t.Fatal(err)
		}
	}
	p, err := pattern.New(pattern.Config{Pattern: fx.path("%Y%m%d-%H%M%S"), Every: interval, Zone: time.UTC, Instants: true})
	if err != nil {
		t.Fatal(err)
	}
	fx.Pattern, fx.Numbered, fx.Stamped = p, false, true
	return fx
}

// Of a period only the newest file is live.
func TestStampedNewestIsLive(t *testing.T) {
	t.Parallel()
	fx := newStamped(t, "1d")
	fx.Compress = FormatNamed("gzip")
	fx.put("20261120-000000", "20261120-235959", "20261121-000000", "20261121-030000", "20261121-100000", "20261121-13000").run()
	fx.want("20261120-000000.gz", "20261120-235959.gz", "20261121-000000.gz", "20261121-030000.gz", "20261121-100000", "20261121-13000")
}

// The oldest go first, by the time of their names; runs count by what they are locked for.
func TestStampedKeep(t *testing.T) {
	t.Parallel()
	for every, want := range map[string][]string{
		"1d": {"20261121-030000", "20261121-030001", "20261121-100000"}, // the last is live
		"":   {"20261121-030001", "20261121-100000"},
	} {
		fx := newStamped(t, every)
		fx.KeepCount = 2
		fx.put("20261120-000000", "20261120-235959", "20261121-030000", "20261121-030001", "20261121-100000").run()
		fx.want(want...)
	}
}
