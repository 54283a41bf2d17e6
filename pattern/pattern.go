// Package pattern turns a strftime pattern into file names, one for each
// calendar period, and a file name back into its period.
//
// A [Pattern] answers three questions, each a pure function of its
// configuration:
//
//   - [Pattern.Period]: which period does an instant belong to?
//   - [Pattern.Name]: what is the file of a period called?
//   - [Pattern.Parse]: which period does a file name stand for?
//
// # Guarantees
//
// Periods are cut on the civil calendar of the zone, not on seconds since 1970:
// a day lasts from midnight to midnight, be it 23, 24 or 25 hours long. A period
// is an unbroken run of instants whose wall-clock time lies in the same slot of
// that calendar (the same day, the same quarter of an hour). Hence:
//
//   - Every instant is in exactly one period, and periods leave no gaps.
//   - A boundary that the clocks skip becomes the first instant after the gap.
//   - When clocks go back, the repeated hour of an hourly pattern prolongs its
//     period; repeated quarters of an hour are periods of their own with the names of
//     their first occurrence, and so is the repeated part of a slot where a boundary
//     lies within the repeated time. In all cases the lines go into the file that the
//     wall clock names. Names that hold the offset (%z), the zone (%Z) or the seconds
//     since 1970 (%s) keep the occurrences apart, in periods below a day.
//
// A name shows what the wall clock shows when the slot begins, for the first time if it
// comes twice, so it depends on the slot alone. Where the interval is the one that the
// pattern implies and the pattern has no week of the year, the name of any instant is
// what date(1) prints for it.
//
// # Not guaranteed
//
// Names may repeat: "%a.log" comes round every week. [Pattern.Ordered] tells
// whether they do. Years are those of four digits, 0001 to 9999.
package pattern

import (
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/strftime"
)

// Config says what to compile. Only Pattern is required.
type Config struct {
	// Pattern is the file name with strftime fields, as on the command line.
	Pattern string
	// Escape is the character that begins a field. Default: '%'.
	Escape byte
	// Every is how long a period is. Default: as long as the finest field of
	// the pattern.
	Every Interval
	// At shifts the boundaries. Default: no shift.
	At Offset
	// Delay is how long after a boundary the next period begins. Names are as without it.
	Delay time.Duration
	// Zone is the zone of boundaries and names. Default: [time.Local].
	Zone *time.Location
	// Repeat allows a pattern without a time field, for callers that tell the
	// files apart by other means (by size).
	Repeat bool
	// Same allows periods that have the same name as the one before, which go on with its
	// file.
	Same bool
	// Instants says that a file may have the name of any instant of its period; see
	// [Pattern.NameAt]. Then the default of Every is [Never].
	Instants bool
}

// A Pattern is a compiled [Config]. It is immutable, and safe for concurrent use.
type Pattern struct {
	text   string
	escape byte
	zone   *time.Location
	tokens []token
	render *strftime.Strftime
	every  Interval
	cut    cut
	delay  time.Duration
	// instants reads names that tell an instant rather than a period: when a run began
	// that never switches by time, when a file became full, or for how long a name stays
	// the same. Its periods are those of the finest field. Nil for other patterns.
	instants *Pattern
}

// A Period is a span of time whose lines belong in one file: all instants t
// with Start ≤ t < End. A zero End means that it never ends. Where clocks go back,
// another period may go into the same file.
type Period struct {
	Start, End time.Time
}

// Over reports whether the period has ended at t.
func (p Period) Over(t time.Time) bool {
	return !p.End.IsZero() && !t.Before(p.End)
}

// New compiles a pattern. The errors are single lines that name the flag or the
// field at fault, its place, and what to write instead.
func New(c Config) (*Pattern, error) {
	if c.Escape == 0 {
		c.Escape = '%'
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	tokens, err := scan(c.Pattern, c.Escape)
	if err != nil {
		return nil, err
	}
	render, err := renderer(tokens)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", c.Pattern, err)
	}
	p := &Pattern{text: c.Pattern, escape: c.Escape, zone: c.Zone, tokens: tokens, render: render}
	if err := p.schedule(c); err != nil {
		return nil, err
	}
	if err := p.checkInstants(c); err != nil {
		return nil, err
	}
	stays := c.At.epoch && p.gap(p.every, Interval{}).fields != ""
	if finest := p.finest(); !finest.isZero() && (p.every.never || c.Instants || stays) {
		instants := *p
		instants.every, instants.cut = finest, newCut(finest, Offset{}, p.has)
		p.instants = &instants
	}
	if c.Instants {
		if err := p.Ordered(); err != nil {
			return nil, fmt.Errorf("--size-names=time needs names that tell their time: %w", err)
		}
	}
	return p, nil
}

// checkInstants returns an error if files of one period cannot be named after their instants.
func (p *Pattern) checkInstants(c Config) error {
	if !c.Instants {
		return nil
	}
	if p.finest().isZero() {
		return fmt.Errorf("--size-names=time: the pattern %q has no time field; write one such as %cY%cm%cd-%cH%cM%cS",
			c.Pattern, c.Escape, c.Escape, c.Escape, c.Escape, c.Escape, c.Escape)
	}
	levels := p.Levels()
	for _, level := range levels[:len(levels)-1] {
		for _, t := range level.tokens {
			if f := t.field.interval; !f.isZero() && f.finerThan(p.every) && !p.every.never {
				return fmt.Errorf("--size-names=time: the directories of pattern %q change within a period of %v; write %c%c in the name of the file only",
					c.Pattern, p.every, c.Escape, t.spec)
			}
		}
	}
	return nil
}

// Runs reports whether each run of the program has a file of its own, named after its
// start: the pattern has time fields, and the interval is [Never].
func (p *Pattern) Runs() bool { return p.every.never && p.instants != nil }

// schedule settles the interval and how the calendar is cut.
func (p *Pattern) schedule(c Config) error {
	finest := p.finest()
	p.every = c.Every
	if err := c.Every.checkEven(); err != nil && !c.At.epoch {
		return fmt.Errorf("--every=%v %w", c.Every, err)
	}
	switch {
	case c.Every.never:
	case (c.At.epoch || c.Same) && !c.Every.isZero(): // the name may stay
	case finest.isZero() && c.Repeat:
		if !c.Every.isZero() {
			return fmt.Errorf("--every=%v: the pattern %q has no time field to tell the files apart; add %s",
				c.Every, c.Pattern, p.gap(c.Every, Interval{}).hint())
		}
		p.every = Never
	case finest.isZero():
		return fmt.Errorf("pattern %q has no time field, so its file would never rotate; "+
			"write one such as %cY-%cm-%cd (a configuration file may want the %c doubled), or give --size or --every=never",
			c.Pattern, c.Escape, c.Escape, c.Escape, c.Escape)
	case c.Every.isZero() && c.Instants:
		p.every = Never
	case c.Every.isZero():
		p.every = finest
	}
	p.cut = newCut(p.every, c.At, p.has)
	if !p.every.never && !c.Same && !c.At.epoch {
		if err := p.checkNames(!c.Every.isZero()); err != nil {
			return err
		}
	}
	if err := c.At.check(p.every); err != nil {
		return err
	}
	if err := p.setDelay(c.Delay); err != nil {
		return err
	}
	if p.cut.iso && c.At.months > 0 {
		return fmt.Errorf("--at=%v: years of %%G begin with a week; write days and times only", c.At)
	}
	return nil
}

// finest returns the interval of the finest time field: the zero Interval when
// there is none.
func (p *Pattern) finest() Interval {
	var finest Interval
	for _, t := range p.tokens {
		if f := t.field.interval; !f.isZero() && (finest.isZero() || f.finerThan(finest)) {
			finest = f
		}
	}
	return finest
}

// coarsest returns the interval of the coarsest time field.
func (p *Pattern) coarsest() Interval {
	var coarsest Interval
	for _, t := range p.tokens {
		if f := t.field.interval; coarsest.isZero() || coarsest.finerThan(f) {
			coarsest = f
		}
	}
	return coarsest
}

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// Varies reports whether the pattern has a time field.
func (p *Pattern) Varies() bool { return !p.finest().isZero() }

// Every returns the interval between boundaries: the configured one, or else that
// of the pattern's finest field.
func (p *Pattern) Every() Interval { return p.every }

// Zone returns the zone of boundaries and names.
func (p *Pattern) Zone() *time.Location { return p.zone }

// Name returns the file name of a period.
func (p *Pattern) Name(period Period) string {
	return p.render.FormatString(p.named(period.Start.Add(-p.delay).In(p.zone)))
}

// NameAt returns the file name that an instant has by itself, with Config.Instants.
func (p *Pattern) NameAt(t time.Time) string {
	return p.instants.Name(p.instants.Period(t))
}

// named returns the time that the name of a period is rendered at: what the clocks show
// when its slot begins, for the first time.
func (p *Pattern) named(start time.Time) time.Time {
	if p.every.never {
		return start
	}
	first := p.pieces(p.cut.slot(civilTime(start)))[0]
	if !p.cut.apart {
		return civilDate(civilTime(first))
	}
	if !p.cut.below(daySeconds) {
		start = first
	}
	if p.has("s") { // an instant, not a time on the clock
		return start
	}
	return time.Unix(civilTime(first)-offset(start), 0).In(time.FixedZone(start.Zone()))
}

// Advice returns a remark on names that become ambiguous when clocks go back within the
// next year; empty for none.
func (p *Pattern) Advice(now time.Time) string {
	back, ok := p.nextRepeat(now)
	if !ok {
		return ""
	}
	return fmt.Sprintf("clocks go back on %s: the time that repeats goes into the same files; add %%z to the pattern to keep them apart",
		back.Format("2006-01-02 at 15:04"))
}

// Warning returns what is likely to be a mistake in the pattern; empty for nothing.
func (p *Pattern) Warning() string {
	if p.has("V") && p.has("Yy") && !p.has("Gg") && !p.has("mbBhdej") {
		return fmt.Sprintf("pattern %q: %%V is the week of the ISO year: around New Year the file would get another year's name; write %%G instead of %%Y", p.text)
	}
	return ""
}

// nextRepeat finds the next time, within a year and a day, that clocks go back
// and the names of the repeated time repeat as well.
func (p *Pattern) nextRepeat(now time.Time) (time.Time, bool) {
	if !p.cut.below(daySeconds) || p.cut.apart {
		return time.Time{}, false
	}
	for t, limit := now.In(p.zone), now.AddDate(1, 0, 1); ; {
		_, end := bounds(t)
		if end.IsZero() || end.After(limit) {
			return time.Time{}, false
		}
		before := end.Add(-time.Second)
		if offset(end) < offset(before) {
			return before.Add(time.Second).In(time.FixedZone("", int(offset(before)))), true
		}
		t = end
	}
}

// has reports whether the pattern holds one of the fields.
func (p *Pattern) has(fields string) bool {
	for _, t := range p.tokens {
		if t.spec != 0 && strings.IndexByte(fields, t.spec) >= 0 {
			return true
		}
	}
	return false
}
