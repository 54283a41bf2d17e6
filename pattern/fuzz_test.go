package pattern

import (
	"strings"
	"testing"
	"time"
)

// Whatever compiles has periods that hold their instant, join up, and bear a name
// that depends on nothing else.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{"%Y-%m-%d.log", "%G-W%V", "%s", "%H", "%C", "%c", "a%%b%Y", "%-d%Y", "%", "%Q", "__%Y"} {
		f.Add(text, "", "", int64(1_795_266_000))
		f.Add(text, "1d", "03:00", int64(-1))
		f.Add(text, "1w", "sun", int64(2_240_524_800))
	}
	zone := mustZone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text, every, at string, unix int64) {
		c := Config{Pattern: text, Zone: zone}
		var err error
		if every != "" {
			if c.Every, err = ParseInterval(every); err != nil {
				oneLine(t, err)
				return
			}
		}
		if at != "" {
			if c.At, err = ParseOffset(at); err != nil {
				oneLine(t, err)
				return
			}
		}
		p, err := New(c)
		if err != nil {
			oneLine(t, err)
			return
		}
		now := time.Unix(unix%10_000_000_000, 0)
		period := p.Period(now)
		if now.Before(period.Start) || period.Over(now) {
			t.Fatalf("%v is not in its period %v", now, period)
		}
		if p.every.never {
			return
		}
		if next := p.Period(period.End); !next.Start.Equal(period.End) {
			t.Fatalf("a gap: %v, then %v", period, next)
		}
		if again := p.Period(period.Start); again != period {
			t.Fatalf("got %v, then for its start %v", period, again)
		}
	})
}

func oneLine(t *testing.T, err error) {
	t.Helper()
	if strings.Contains(err.Error(), "\n") {
		t.Fatalf("an error of several lines: %q", err)
	}
}

// A rendered name parses back to a period with that name, and nothing else parses.
func FuzzParse(f *testing.F) {
	f.Add("%Y-%m-%d.log", "2026-11-21.log", int64(1_795_266_000))
	f.Add("%-m%-d-%y", "111-26", int64(0))
	f.Add("%G-W%V-%u", "2026-W53-7", int64(1_798_700_000))
	f.Add("%c %Z", "Sat Nov 21 13:00:00 2026 CET", int64(1_792_888_200))
	zone := mustZone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text, name string, unix int64) {
		p, err := New(Config{Pattern: text, Zone: zone})
		if err != nil || len(p.tokens) > 20 {
			return
		}
		if period, err := p.Parse(name); err == nil && p.Name(period) != name {
			t.Fatalf("%s: %q parses as %v, whose name is %q", text, name, period, p.Name(period))
		}
		const end = 253_402_300_000 // of the year 9999
		if unix < 0 || unix > end || p.Ordered() != nil {
			return
		}
		own := p.Name(p.Period(time.Unix(unix, 0)))
		if period, err := p.Parse(own); err == nil && p.Name(period) != own {
			t.Fatalf("%s: %q parses as %v, whose name is %q", text, own, period, p.Name(period))
		}
	})
}
