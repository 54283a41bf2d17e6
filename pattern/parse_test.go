package pattern

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A name parses back to its period, in all zones, around changes of the clocks.
func TestParse(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, zone := range zones(t) {
		for _, test := range []struct{ pattern, every, at string }{
			{"app-%Y-%m-%d.log", "", ""}, {"%Y/%m/%d-%H%M", "15m", ""}, {"%F-%H", "6h", "03:00"}, {"%s", "1h", ""},
			{"%FT%H%z", "", ""}, {"%FT%H%Z", "", ""}, {"%G-W%V", "", ""}, {"%G-W%V-%u", "", ""}, {"%Y-%U", "", ""},
			{"%Y-%U-%a", "", ""}, {"%Y-%W-%A", "", ""}, {"%Y-%j", "", ""}, {"%y%m%d", "", ""}, {"%C%y-%m", "", ""},
			{"%B %-d, %Y, %-I %p", "", ""}, {"%c", "", ""}, {"%Y-%m", "1mo", "14d"}, {"%Y-%m-%d", "1w", "sun"}, {"%Y", "1y", "3mo"},
			{"%G", "", ""}, {"%v %r", "", ""}, {"%e%b%Y %k:%M", "", ""}, {"%D", "", ""}, {"%F %p", "", ""}, {"%F", "31d", ""},
			{"%F (%G-W%V)", "", ""}, {"%G-%V %Y-%j", "", ""}, {"%F %U", "", ""}, {"%Y-%m-%U", "", ""},
		} {
			p := mustNew(t, test.pattern, test.every, test.at, zone)
			instants := []time.Time{time.Unix(random.Int64N(2_000_000_000), 0)}
			for _, change := range changes(zone, 2026) {
				instants = append(instants, change.Add(-time.Second), change, change.Add(-40*time.Minute), change.Add(40*time.Minute))
			}
			for _, at := range instants {
				period := p.Period(at)
				name := p.Name(period)
				got, err := p.Parse(name)
				if test.pattern == "%s" && len(name) < 9 { // 1973 and before: could be a date of another pattern
					if err == nil {
						t.Fatalf("%v: %q is %v, want no name", zone, name, got)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%v, %s --every=%s --at=%s: %q of %v: %v", zone, test.pattern, test.every, test.at, name, period, err)
				}
				// Clocks that go back may give two periods one name.
				if got != period && (p.Name(got) != name || got.Start.After(period.Start) || got.End.Before(period.End)) {
					t.Fatalf("%v, %s --every=%s --at=%s: %q: got %v, want %v", zone, test.pattern, test.every, test.at, name, got, period)
				}
			}
		}
	}
}

// Every name of a pattern that is said to be in order is read back, whatever its fields
// are and however many say the same.
func TestParseOrdered(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	berlin := mustZone(t, "Europe/Berlin")
	fields := []string{"%C", "%Y", "%y", "%G", "%g", "%m", "%b", "%U", "%W", "%V", "%d", "%e", "%j", "%a", "%u", "%H", "%k", "%I", "%l", "%p", "%M",
		"%-m", "%-d", "%-j", "%-H", "%-I", "%F", "%D", "%G-%V", "%z", "%Z"}
	between := []string{"", "-", "/", "1", "T"}
	everys := []string{"15m", "1h", "12h", "1d", "10d", "1w", "1mo", "3mo", "1y"}
	ordered := 0
	for range 30_000 {
		text := ""
		for range 1 + random.IntN(6) {
			text += fields[random.IntN(len(fields))] + between[random.IntN(len(between))]
		}
		every, err := ParseInterval(everys[random.IntN(len(everys))])
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(Config{Pattern: text, Every: every, Zone: berlin})
		if err != nil || p.Ordered() != nil {
			continue
		}
		ordered++
		for range 10 {
			period := p.Period(time.Unix(random.Int64N(3_000_000_000), 0)) // %y is up to 2068
			name := p.Name(period)
			got, err := p.Parse(name)
			if err != nil || got.Start.After(period.Start) || got.End.Before(period.End) || got.End.Sub(got.Start) > period.End.Sub(period.Start)+48*time.Hour {
				t.Fatalf("%s --every=%v: %q of %v: got %v, %v", text, every, name, period, got, err)
			}
		}
	}
	if ordered < 300 {
		t.Errorf("%d patterns with names in order", ordered)
	}
}

func TestParseForeign(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, every string
		names          []string
	}{
		{"app-%Y-%m-%d.log", "", []string{"", "app-2026-11-21.log.1", "app-2026-11-31.log", "app-2026-13-01.log", "app-2026-1-01.log",
			"app-+026-11-21.log", "app-2026-11-2x.log", "xapp-2026-11-21.log", "app-0000-00-00.log", "app-0000-01-01.log", "app-0000-12-31.log"}},
		{"%F-%H%M", "15m", []string{"2026-11-21-0001", "2026-11-21-2400", "2026-11-21-0060"}},
		{"%F", "1w", []string{"2026-11-21"}},
		{"%A %F", "", []string{"Monday 2026-11-21"}},
		{"%G-W%V", "", []string{"2026-W54", "2026-W00", "2025-W53"}},
		{"%Y %F", "", []string{"2025 2026-11-21"}},
		{"%F %e", "", []string{"2026-11-01 01", "2026-11-01   1"}},
	} {
		p := mustNew(t, test.pattern, test.every, "", time.UTC)
		for _, name := range test.names {
			if got, err := p.Parse(name); !errors.Is(err, ErrForeign) {
				t.Errorf("%s: %q: got %v, %v, want ErrForeign", test.pattern, name, got, err)
			}
		}
	}
}

// What names are refused, against brute force: fields and intervals at random, and the
// names of all their periods in some years. Two periods may bear one name only if the
// coarsest field has changed between them, and they do not follow each other. What the
// error says is to be added mends it.
func TestGapsAgainstBruteForce(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	letters := "CYyGgmbUWVdejuaHkIlpM"
	everys := []string{"15m", "1h", "6h", "12h", "1d", "2d", "10d", "31d", "1w", "2w", "5w", "1mo", "3mo", "1y", "10y"}
	accepted, refused := 0, 0
	for range 20_000 {
		text := ""
		for range 1 + random.IntN(4) {
			text += "_%" + string(letters[random.IntN(len(letters))])
		}
		every, err := ParseInterval(everys[random.IntN(len(everys))])
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(Config{Pattern: text, Every: every, Zone: time.UTC})
		has := func(fields string) bool { return strings.ContainsAny(text, fields) }
		switch want := repeats(t, text, every); {
		case want && err == nil && has("V") && has("Yy") && !has("Gg"): // there is a warning
		case want && err == nil:
			t.Errorf("%s --every=%v: got no error, but names repeat", text, every)
		case !want && err != nil && !has("CGg") && !day.finerThan(every):
			// Longer periods, and those of years that are not theirs, may by chance have
			// other names in these years.
			t.Errorf("%s --every=%v: got error %v, but no name repeats", text, every, err)
		}
		if err == nil {
			accepted++
			if _, hint, isGap := strings.Cut(fmt.Sprint(p.Ordered()), "; add "); isGap {
				if again := mustNew(t, text+hint, every.String(), "", time.UTC).Ordered(); again != nil {
					t.Errorf("%s --every=%v: %v; with that: %v", text, every, p.Ordered(), again)
				}
			}
			continue
		}
		refused++
		_, hint, _ := strings.Cut(err.Error(), "; add ")
		if _, again := New(Config{Pattern: text + hint, Every: every, Zone: time.UTC}); again != nil {
			t.Errorf("%s --every=%v: %v; with that: %v", text, every, err, again)
		}
	}
	if accepted < 1000 || refused < 1000 {
		t.Errorf("%d patterns accepted, %d refused", accepted, refused)
	}
}

// repeats reports by brute force whether names repeat while their coarsest fields stay, or
// from one period to the next.
func repeats(t *testing.T, text string, every Interval) bool {
	t.Helper()
	p := mustNew(t, text, "never", "", time.UTC)
	c := newCut(every, Offset{}, p.has)
	coarsest := ""
	for _, token := range p.tokens {
		if token.spec != 0 && token.field.interval == p.coarsest() {
			coarsest += "_%" + string(token.spec)
		}
	}
	frame := mustNew(t, coarsest, "never", "", time.UTC)
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	end := begin + 9*366*daySeconds
	if every.months >= 12 {
		end = begin + 99*366*daySeconds
	}
	seen := map[string]int{} // the name, and in which run of the coarsest fields it was
	run, lastFrame, lastName := 0, "", ""
	for civil := begin; civil < end; {
		first, last := c.slot(civil)
		name, framed := p.render.FormatString(civilDate(first)), frame.render.FormatString(civilDate(first))
		if framed != lastFrame {
			run++
		}
		if in, ok := seen[name]; ok && in == run && every.finerThan(p.coarsest()) || name == lastName {
			return true
		}
		seen[name], lastFrame, lastName = run, framed, name
		civil = last
		// All of three days, and then one period a day.
		if every.months == 0 && every.seconds < daySeconds && last > begin+3*daySeconds {
			if p.coarsest().finerThan(day) {
				break
			}
			civil = max(last, floor(last, daySeconds)+daySeconds)
			lastName = ""
		}
	}
	return false
}

func TestOrdered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pattern, every, want string }{
		{"%a.log", "", "no year, no month and no day; add %Y%m%d"},
		{"%H", "", "add %Y%m%d"},
		{"%m-%d", "", "no year; add %Y"},
		{"%V", "", "no year of the week; add %G"},
		{"%U", "", "no year; add %Y"},
		{"%Y-%V", "", "no year of the week; add %G"},
		{"%Y-%V-%u", "", "no year of the week; add %G"},
		{"%G-%V-%d", "", "no day of the week; add %u"},
		{"%G-%V-%m-%d", "", "no day of the week; add %u"},
		{"%C", "", "no year; add %y"},
		{"%I", "", "add %Y%m%d%p"},
		{"%F", "never", ""},
		{"%F_%H%M%S", "never", ""},
		{"%H%M%S", "never", "no year, no month and no day; add %Y%m%d"},
		{"%F-%H-%S", "1h", ""},
		{"%F-%I%p", "", ""},
		{"%G", "", ""},
		{"%G-%V-%u", "", ""},
		{"%F %G-W%V", "", ""},
		{"%s", "", ""},
		{"%Y-%-m%-d", "", "can be read in two ways, since %-m and %-d are of any width; write %m and %d"},
		{"%-m%-d%Y", "", "%-m and %-d"},
		{"%F-%-H0%-M", "", "%-H and %-M"},
		{"%-j%y%-H", "", "%-j and %-H"},
		{"%Y-%-m-%-d", "", ""},
		{"%Y%-m%d", "", ""},
		{"%-d%b%-y", "", ""},
		{"%F-%-m%-d", "", ""},
		{"%s%-M%-S", "", "can be read"},
	} {
		err := mustNew(t, test.pattern, test.every, "", time.UTC).Ordered()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s --every=%s: got %v, want %q", test.pattern, test.every, err, test.want)
		}
	}
}

// Where each run has a file of its own, its name tells when the run began, as far as it
// has fields for that.
func TestRuns(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 21, 13, 14, 15, 16, zone)
	for text, want := range map[string]time.Time{
		"run-%F_%H%M%S.log": began.Truncate(time.Second),
		"%Y/%m/%d-%R":       began.Truncate(time.Minute),
		"%F":                time.Date(2026, 11, 21, 0, 0, 0, 0, zone),
		"%s":                began.Truncate(time.Second),
	} {
		p := mustNew(t, text, "never", "", zone)
		name := p.Name(p.Period(began))
		if got, err := p.Parse(name); err != nil || !got.Start.Equal(want) || !got.End.IsZero() || !p.Runs() {
			t.Errorf("%s: got %v, %v for %s; want %v", text, got, err, name, want)
		}
		if got, err := p.Parse(name + "x"); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: got %v, %v for another name", text, got, err)
		}
	}
	for _, test := range []struct{ text, every string }{{"app.log", "never"}, {"%F", "1d"}, {"%F", ""}} {
		if mustNew(t, test.text, test.every, "", zone).Runs() {
			t.Errorf("%s --every=%s has a file for each run", test.text, test.every)
		}
	}
}
