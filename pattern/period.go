package pattern

import (
	"fmt"
	"time"
)

// Period returns the period that t belongs to. For [Never] it is the one that
// begins at t and has no end.
func (p *Pattern) Period(t time.Time) Period {
	t = t.In(p.zone)
	if p.every.never {
		return Period{Start: t}
	}
	t = t.Add(-p.delay)
	return Period{Start: p.start(t).Add(p.delay), End: p.end(t).Add(p.delay)}
}

// setDelay sets how long after a boundary the next period begins, which is less than the
// shortest period.
func (p *Pattern) setDelay(delay time.Duration) error {
	shortest := time.Duration(p.every.seconds+p.every.months*28*daySeconds) * time.Second
	switch {
	case delay == 0:
	case p.every.never:
		return fmt.Errorf("--delay=%v: there is no boundary to be late for; leave it out, or give --every", delay)
	case delay >= shortest:
		return fmt.Errorf("--delay=%v: is not shorter than the period of %v; to shift boundaries and names there is --at", delay, p.every)
	}
	p.delay = delay
	return nil
}

// start walks back from t, from one change of the zone's offset to the one before
// it, for as long as the clocks showed the same slot.
func (p *Pattern) start(t time.Time) time.Time {
	for {
		first, _ := p.cut.slot(civilTime(t))
		start := time.Unix(first-offset(t), 0).In(p.zone)
		change, _ := bounds(t)
		if change.IsZero() || start.After(change) || !p.joined(change) {
			return later(start, change)
		}
		t = change.Add(-time.Second)
	}
}

// end walks forward from t as start walks back.
func (p *Pattern) end(t time.Time) time.Time {
	for {
		_, last := p.cut.slot(civilTime(t))
		end := time.Unix(last-offset(t), 0).In(p.zone)
		_, change := bounds(t)
		if change.IsZero() || end.Before(change) {
			return end
		}
		if !p.joined(change) {
			return change.In(p.zone)
		}
		t = change
	}
}

// joined reports whether one period lasts through a change of the zone's offset:
// whether the clocks show the same slot on both sides of it. A slot below a day
// that was complete when the clocks went back comes a second time; it is a period
// of its own if the names can tell it from the first.
func (p *Pattern) joined(change time.Time) bool {
	before := change.Add(-time.Second).In(p.zone)
	slot, end := p.cut.slot(civilTime(before))
	again, _ := p.cut.slot(civilTime(change.In(p.zone)))
	complete := end == civilTime(before)+1
	return slot == again && !(p.cut.apart && complete && p.cut.below(daySeconds))
}

// furthest is further than clocks of any zone are, or were, from UTC.
const furthest = 26 * 60 * 60

// pieces returns the instants at which the clocks come to show a slot, by themselves or
// because they are changed; the first is the one at which the slot begins. There are none
// for a slot that the clocks skip.
func (p *Pattern) pieces(first, last int64) (starts []time.Time) {
	for t := time.Unix(first-furthest, 0).In(p.zone); t.Unix() < last+furthest; {
		_, change := bounds(t)
		o := offset(t)
		if start := later(time.Unix(first-o, 0).In(p.zone), t); start.Unix() < last-o && (change.IsZero() || start.Before(change)) {
			starts = append(starts, start)
		}
		if change.IsZero() {
			break
		}
		t = change.In(p.zone)
	}
	return starts
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b.In(a.Location())
	}
	return a
}

// bounds returns the instants around t at which the offset of t's zone changes:
// start ≤ t < end, either zero if there is none. Both may be instants at which
// nothing changes, since bounds mends an error of ZoneBounds (Go 1.19 to 1.26): on
// the last days of a leap year, in a zone that goes by a rule, the end that ZoneBounds
// returns is not after t.
func bounds(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Truncate(time.Hour).Add(time.Hour)
	}
	if start.After(t) {
		start = t.Truncate(time.Hour)
	}
	return start, end
}
