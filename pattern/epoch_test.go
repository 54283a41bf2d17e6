package pattern

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Intervals counted from 1970 on, against arithmetic: in a zone whose offset never changes
// a period begins where the seconds of its clock are a multiple of the interval.
func TestEpoch(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		offset := random.Int64N(1800)*60 - 15*3600
		zone := time.FixedZone("", int(offset))
		seconds := 1 + random.Int64N([]int64{100, 100_000, 3_000_000}[random.IntN(3)])
		now := time.Unix(1_000_000_000+random.Int64N(1_000_000_000), random.Int64N(1_000_000_000))
		wall := (now.Unix() + offset) / seconds * seconds
		begin, end := time.Unix(wall-offset, 0), time.Unix(wall-offset+seconds, 0)
		for text, name := range map[string]string{
			"%Y%m%d%H%M%S": time.Unix(wall, 0).UTC().Format("20060102150405"),
			"app.%Es":      fmt.Sprintf("app.%010d", wall),
			"app.%s":       fmt.Sprintf("app.%d", wall-offset),
		} {
			p := mustNew(t, text, fmt.Sprintf("%ds", seconds), "epoch", zone)
			period := p.Period(now)
			if !period.Start.Equal(begin) || !period.End.Equal(end) || p.Name(period) != name {
				t.Fatalf("%s --every=%ds at %v: got %v %s, want %v to %v, %s", text, seconds, now, period, p.Name(period), begin, end, name)
			}
			if got, err := p.Parse(name); err != nil || !got.Start.Equal(begin) || !got.End.Equal(end) {
				t.Fatalf("%s --every=%ds: %s parses as %v, %v; want %v", text, seconds, name, got, err, period)
			}
			if got, err := p.Parse(p.Name(Period{Start: begin.Add(time.Second)})); seconds > 1 && p.instants == nil && err == nil && !got.Start.Equal(begin) {
				t.Fatalf("%s --every=%ds: the name of a time within a period parses as %v", text, seconds, got)
			}
		}
	}
}

// Where clocks change, periods counted from 1970 on join up, and those that hold no change
// begin where the wall clock shows a multiple of the interval.
func TestEpochWhereClocksChange(t *testing.T) {
	t.Parallel()
	zone := mustZone(t, "Europe/Berlin")
	for _, seconds := range []int64{70, 3600, 7000, 86400, 100_000, 604800, 2 * 604800} {
		p := mustNew(t, "%Es", fmt.Sprintf("%ds", seconds), "epoch", zone)
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, zone)
		for period := p.Period(from); period.Start.Before(from.AddDate(1, 0, 0)); {
			next := p.Period(period.End)
			if !next.Start.Equal(period.End) {
				t.Fatalf("%d: a gap: %v, then %v", seconds, period, next)
			}
			if offset(period.Start) == offset(period.End) && offset(period.Start) == offset(period.Start.Add(-3*time.Hour)) && civilTime(period.Start)%seconds != 0 {
				t.Fatalf("%d: %v begins elsewhere", seconds, period)
			}
			if period = next; seconds < 3600 && period.Start.Month() != time.March && period.Start.Month() != time.October {
				period = p.Period(time.Date(period.Start.Year(), period.Start.Month()+1, 1, 0, 0, 0, 0, zone))
			}
		}
	}
}

// A name that stays the same for several periods is read as all of them.
func TestEpochNamesThatStay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 10))
	zone := mustZone(t, "Europe/Berlin")
	for _, every := range []string{"100s", "7000s", "6h", "90000s"} {
		p := mustNew(t, "app-%Y%m%d.log", every, "epoch", zone)
		for range 500 {
			period := p.Period(time.Unix(1_000_000_000+random.Int64N(1_000_000_000), 0))
			name := p.Name(period)
			got, err := p.Parse(name)
			if err != nil || got.Start.After(period.Start) || got.End.Before(period.End) {
				t.Fatalf("%s: %s of %v: got %v, %v", every, name, period, got, err)
			}
			if after := p.Period(got.End); p.Name(after) == name {
				t.Fatalf("%s: %s goes on after %v, with %v", every, name, got, after)
			}
		}
	}
	constant := mustNew(t, "app.log", "100s", "epoch", zone)
	if period := constant.Period(time.Unix(1_000_000_050, 0)); period.End.Unix() != 1_000_000_100 || constant.Name(period) != "app.log" {
		t.Errorf("a name without fields: got %v", period)
	}
	if err := mustNew(t, "app-%a.log", "100s", "epoch", zone).Ordered(); err == nil {
		t.Error("names that repeat every week are ordered")
	}
}

// A file may have the name of any instant of its period, and belongs to that period.
func TestInstants(t *testing.T) {
	t.Parallel()
	zone := mustZone(t, "Europe/Berlin")
	p, err := New(Config{Pattern: "app-%Y%m%d-%H%M%S", Every: day, Zone: zone, Instants: true})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 13, 14, 15, 16, zone)
	name := p.NameAt(at)
	got, err := p.Parse(name)
	if name != "app-20261121-131415" || err != nil || !got.Start.Equal(at.Truncate(time.Second)) || !got.End.Equal(time.Date(2026, 11, 22, 0, 0, 0, 0, zone)) {
		t.Errorf("%s: got %v, %v", name, got, err)
	}
	if name := p.Name(p.Period(at)); name != "app-20261121-000000" {
		t.Errorf("the period is called %s", name)
	}
	if p.Runs() {
		t.Error("it has a file for each run")
	}
}
