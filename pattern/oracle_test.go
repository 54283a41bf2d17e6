package pattern

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// zones returns the zones of the database that Go carries, without those whose
// clocks do the same as an earlier one's in the years that the tests look at, and some
// that are rules.
func zones(t testing.TB) []*time.Location {
	t.Helper()
	all := distinctZones()
	if len(all) < 100 {
		t.Skipf("%d zones in the database of %s, too few to test with", len(all), goroot())
	}
	return all
}

// goroot is where Go is: go test says so in the environment.
func goroot() string {
	if root := os.Getenv("GOROOT"); root != "" {
		return root
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(root))
}

var distinctZones = sync.OnceValue(func() (all []*time.Location) {
	archive, err := zip.OpenReader(filepath.Join(goroot(), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil
	}
	defer archive.Close()
	seen := map[string]bool{}
	for _, f := range archive.File {
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			continue
		}
		var history strings.Builder
		for _, year := range []int{2010, 2011, 2026} {
			at := time.Date(year, 1, 1, 0, 0, 0, 0, zone)
			fmt.Fprintln(&history, at, changes(zone, year))
		}
		if !seen[history.String()] {
			seen[history.String()] = true
			all = append(all, zone)
		}
	}
	for _, text := range rules[:5] {
		zone, _ := ruleZone(text)
		all = append(all, zone)
	}
	return all
})

// Every field at 20,000 instants in all zones, against date(1), which uses the C
// library's rules and its own reader of the zone database.
func TestFieldsAgainstDate(t *testing.T) {
	t.Parallel()
	needGNUDate(t)
	var specs []string
	for spec, f := range fields {
		if spec == 'v' || spec == 's' || spec == wallSeconds[0] { // GNU date has no %v and no %Es, and gives repeated times one %s
			continue
		}
		specs = append(specs, "%"+string(spec))
		if f.digits > 0 {
			specs = append(specs, "%-"+string(spec))
		}
	}
	slices.Sort(specs)
	pattern := "_x%%" + strings.Join(specs, "_x") + "uary%aday%bx%pm"

	all := zones(t)
	perZone := max(20, 20000/len(all))
	t.Logf("%d zones, %d instants each", len(all), perZone)
	for i, zone := range all {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		var instants []time.Time
		var input bytes.Buffer
		for range perZone {
			at := time.Unix(random.Int64N(2_000_000_000), 0)
			instants = append(instants, at)
			fmt.Fprintf(&input, "@%d\n", at.Unix())
		}
		for _, at := range changes(zone, 2026) {
			for _, seconds := range []int64{-3601, -1800, -1, 0, 1, 1800, 3600} {
				at := time.Unix(at.Unix()+seconds, 0)
				instants = append(instants, at)
				fmt.Fprintf(&input, "@%d\n", at.Unix())
			}
		}
		date := exec.Command("date", "-f", "-", "+"+pattern)
		date.Env = append(os.Environ(), "TZ="+zone.String(), "LC_ALL=C")
		date.Stdin = &input
		out, err := date.Output()
		if err != nil {
			t.Fatalf("date: %v", err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		p, err := New(Config{Pattern: pattern, Zone: zone})
		if err != nil {
			t.Fatal(err)
		}
		for n, at := range instants {
			// Where nobody lived yet, date prints -0000 for the offset.
			if abbreviation, _ := at.In(zone).Zone(); abbreviation == "-00" {
				continue
			}
			// The pattern holds seconds, so the period is the instant's own.
			if got := p.Name(p.Period(at)); got != want[n] {
				t.Fatalf("%v at %d:\ngot  %q\nwant %q", zone, at.Unix(), got, want[n])
			}
		}
	}
}

// changes returns when the offset of a zone changes in a year.
func changes(zone *time.Location, year int) []time.Time {
	var all []time.Time
	for t := time.Date(year, 1, 1, 0, 0, 0, 0, zone); ; {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.Year() > year {
			return all
		}
		all = append(all, end)
		t = end
	}
}

// Names of instants, cut to hours, days and minutes, are what date prints: that is
// what someone looks for who knows when a line was written.
func TestNameIsTheInstants(t *testing.T) {
	t.Parallel()
	for _, zone := range zones(t) {
		for _, text := range []string{"%Y-%m-%d", "%Y-%m-%dT%H", "%F %H:%M", "%G-W%V", "%Y-%j-%p", "%y%b", "%C"} {
			p := mustNew(t, text, "", "", zone)
			for _, change := range changes(zone, 2026) {
				for minutes := -150; minutes <= 150; minutes += 7 {
					at := change.Add(time.Duration(minutes) * time.Minute)
					if got, want := p.Name(p.Period(at)), p.render.FormatString(at.In(zone)); got != want {
						t.Fatalf("%v, %s at %v: got %q, want %q", zone, text, at, got, want)
					}
				}
			}
		}
	}
}

// Boundaries against brute force: every minute of a year, in every zone, is
// labelled with what its clock shows, and a period ends where the label changes.
func TestPeriodsAgainstBruteForce(t *testing.T) {
	t.Parallel()
	type reading struct{ year, month, days, hour, minute, offset int }
	monday := func(r reading) int { return (r.days + 3) / 7 } // 1970-01-01 was a Thursday
	sunday := func(r reading) int { return (r.days + 4) / 7 }
	labellers := []struct {
		pattern, every, at string
		label              func(r reading) int
	}{
		{"%F-%H%M", "15m", "", func(r reading) int { return r.days*96 + r.hour*4 + r.minute/15 }},
		{"%F-%H", "1h", "", func(r reading) int { return r.days*24 + r.hour }},
		{"%F-%H%z", "1h", "", func(r reading) int { return (r.days*24+r.hour)*200000 + r.offset }},
		{"%F-%H", "6h", "", func(r reading) int { return r.days*4 + r.hour/6 }},
		{"%F", "1d", "", func(r reading) int { return r.days }},
		{"%F", "1d", "03:00", func(r reading) int { return (r.days*24 + r.hour - 3) / 24 }},
		{"%F", "1w", "", monday},
		{"%Y-%U", "", "", sunday},
		{"%G-%V", "", "", monday},
		{"%Y-%m", "1mo", "", func(r reading) int { return r.month }},
		{"%Y-%m", "3mo", "", func(r reading) int { return (r.month - 1) / 3 }},
		{"%Y", "1y", "", func(r reading) int { return r.year }},
	}
	years := []int{2010, 2011, 2026}
	if testing.Short() {
		years = years[2:]
	}
	for _, year := range years {
		for n, zone := range zones(t) {
			if len(changes(zone, year)) == 0 && n%10 != 0 {
				continue // a year without a change is sampled
			}
			from := time.Date(year, 1, 1, 0, 0, 0, 0, zone).Unix() / 60 * 60
			var r reading
			last := make([]int, len(labellers))
			boundaries := make([][]int64, len(labellers))
			for unix := from; unix < from+366*daySeconds; unix += 60 {
				_, offset := time.Unix(unix, 0).In(zone).Zone()
				clock := unix + int64(offset)
				if days := int(clock / daySeconds); days != r.days {
					date := time.Unix(clock, 0).UTC()
					r = reading{year: date.Year(), month: int(date.Month()), days: days}
				}
				r.hour, r.minute, r.offset = int(clock%daySeconds/3600), int(clock%3600/60), offset
				for i, l := range labellers {
					label := l.label(r)
					if label != last[i] && unix > from {
						boundaries[i] = append(boundaries[i], unix)
					}
					last[i] = label
				}
			}
			for i, l := range labellers {
				p := mustNew(t, l.pattern, l.every, l.at, zone)
				at := time.Unix(from, 0)
				for _, want := range boundaries[i] {
					period := p.Period(at)
					if period.End.Unix() != want {
						t.Fatalf("%v %d, %s --every=%s --at=%s: the period at %v ends at %v, want %v",
							zone, year, l.pattern, l.every, l.at, at.In(zone), period.End, time.Unix(want, 0).In(zone))
					}
					if next := p.Period(period.End); next.Start.Unix() != want {
						t.Fatalf("%v %d, %s --every=%s: the period at %v begins at %v", zone, year, l.pattern, l.every, period.End, next.Start)
					}
					at = period.End
				}
			}
		}
	}
}

// Names against brute force: around every change of the clocks, in every zone, each
// minute is put into the slot that its clock shows, by counting minutes. The name is what
// the clock shows in the slot's first minute, in whichever occurrence, and it is read back
// as the time from the first minute of that name to the last. So no file is taken to be
// over, or to lie in the future, between two occurrences.
func TestNamesAgainstBruteForce(t *testing.T) {
	t.Parallel()
	const day = 24 * 60
	tests := []struct {
		pattern, every, at string
		minutes, shift     int
		layout             string
	}{
		{"%F-%H%M", "2h", "30m", 120, 30, "2006-01-02-1504"},
		{"%F-%H", "1h", "", 60, 0, "2006-01-02-15"},
		{"%F-%H", "1h", "30m", 60, 30, "2006-01-02-15"},
		{"%F-%H", "1h", "50m", 60, 50, "2006-01-02-15"},
		{"%F-%H%M", "15m", "", 15, 0, "2006-01-02-1504"},
		{"%F-%H%M", "90m", "40m", 90, 40, "2006-01-02-1504"},
		{"%F-%H", "6h", "02:15", 360, 135, "2006-01-02-15"},
		{"%F", "1d", "", day, 0, "2006-01-02"},
		{"%F", "1d", "00:30", day, 30, "2006-01-02"},
		{"%F", "1d", "01:45", day, 105, "2006-01-02"},
		{"%F", "1d", "02:30", day, 150, "2006-01-02"},
		{"%FT%H%M", "1d", "23:30", day, day - 30, "2006-01-02T1504"},
		{"%F", "1w", "sun 02:30", 7 * day, 3*day + 150, "2006-01-02"}, // 1970-01-04 was a Sunday
	}
	repeated := 0
	for _, zone := range zones(t) {
		var patterns []*Pattern
		for _, test := range tests {
			patterns = append(patterns, mustNew(t, test.pattern, test.every, test.at, zone))
		}
		for _, change := range slices.Concat(changes(zone, 2010), changes(zone, 2011), changes(zone, 2026)) {
			// A slot that is cut off by the ends of what is looked at is not judged.
			from, until := change.Unix()/60-8*day, change.Unix()/60+8*day
			clock := make([]int, until-from)
			for i := range clock {
				_, offset := time.Unix((from+int64(i))*60, 0).In(zone).Zone()
				clock[i] = int(from) + i + offset/60
			}
			for n, test := range tests {
				first, last, runs := map[int]int{}, map[int]int{}, map[int][]int{}
				near := 8 * day
				if test.minutes < day {
					near = 30 * 60
				}
				for i := 8*day - near; i < 8*day+near; i++ {
					slot := (clock[i] - test.shift) / test.minutes
					if _, seen := first[slot]; !seen {
						first[slot] = i
					}
					if at, seen := last[slot]; !seen || at != i-1 {
						runs[slot] = append(runs[slot], i)
					}
					last[slot] = i
				}
				cutOff := func(slot int) bool { return first[slot] == 8*day-near || last[slot] == 8*day+near-1 }
				name := func(slot int) string {
					return time.Unix(int64(clock[first[slot]])*60, 0).UTC().Format(test.layout)
				}
				spans := map[string][2]int64{} // after a gap two slots may begin within one hour
				for slot := range runs {
					if cutOff(slot) {
						continue
					}
					start, end := (from+int64(first[slot]))*60, (from+int64(last[slot])+1)*60
					if span, seen := spans[name(slot)]; seen {
						start, end = min(start, span[0]), max(end, span[1])
					}
					spans[name(slot)] = [2]int64{start, end}
				}
				for slot, begins := range runs {
					if cutOff(slot) {
						continue
					}
					repeated += len(begins) - 1
					want := name(slot)
					start, end := spans[want][0], spans[want][1]
					for _, i := range begins {
						period := patterns[n].Period(time.Unix((from+int64(i))*60, 0))
						if got := patterns[n].Name(period); period.Start.Unix() != (from+int64(i))*60 || got != want {
							t.Fatalf("%v, %s --every=%s --at=%s: %v has name %q, want %q", zone, test.pattern, test.every, test.at, period, got, want)
						}
					}
					if got, err := patterns[n].Parse(want); err != nil || got.Start.Unix() != start || got.End.Unix() != end {
						t.Fatalf("%v, %s --every=%s --at=%s: %q: got %v, %v, want from %v to %v", zone, test.pattern, test.every, test.at,
							want, got, err, time.Unix(start, 0).In(zone), time.Unix(end, 0).In(zone))
					}
				}
			}
		}
	}
	if repeated == 0 {
		t.Error("no slot came twice")
	}
}

// Names that tell the occurrences of a repeated time apart have one period each, if it is
// shorter than a day; else one that is named by its first begin.
func TestNamesApart(t *testing.T) {
	t.Parallel()
	for _, zone := range zones(t) {
		for _, test := range []struct{ pattern, every, at string }{
			{"%F-%H%M%z", "2h", "30m"}, {"%F-%H%z", "1h", "30m"}, {"%F-%H%z", "1h", ""}, {"%F-%H%M%z", "15m", ""},
			{"%s", "2h", "30m"}, {"%s", "15m", ""},
			{"%F%z", "1d", "02:30"}, {"%F%z", "1d", "01:45"}, {"%F%z", "1d", ""}, {"%s", "1d", "02:30"}, {"%F %Z", "1w", "sun 02:30"},
		} {
			p := mustNew(t, test.pattern, test.every, test.at, zone)
			for _, change := range changes(zone, 2026) {
				names := map[string]Period{}
				for at := change.Add(-30 * time.Hour); at.Before(change.Add(30 * time.Hour)); {
					period := p.Period(at)
					name := p.Name(period)
					was, seen := names[name]
					if !seen {
						was.Start = period.Start
					}
					names[name] = Period{was.Start, period.End}
					gap := was.Start.Equal(change) && civilTime(change.In(zone)) > civilTime(change.Add(-1).In(zone))+1
					if civil := p.cut.length >= daySeconds; seen && !civil && !gap {
						t.Fatalf("%v, %s --every=%s --at=%s: %v and %v are both %q", zone, test.pattern, test.every, test.at, was, period, name)
					}
					at = period.End
				}
				starts := map[int64]string{}
				for name, want := range names {
					if other, taken := starts[want.Start.Unix()]; taken {
						t.Fatalf("%v: %q and %q begin at once", zone, name, other)
					}
					starts[want.Start.Unix()] = name
					got, err := p.Parse(name)
					if err != nil || !got.Start.Equal(want.Start) || !got.End.Equal(want.End) {
						t.Fatalf("%v, %s --every=%s --at=%s: %q: got %v, %v, want %v", zone, test.pattern, test.every, test.at, name, got, err, want)
					}
				}
			}
		}
	}
}
