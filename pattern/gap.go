package pattern

import (
	"fmt"
	"strings"
)

// A gap is what the names of a pattern lack to tell periods apart.
type gap struct {
	pattern *Pattern
	names   []string // what it is, such as "month" and "day"
	fields  string   // the letters of fields that close it
}

// gap returns what names lack to tell apart the periods of one interval that lie within
// one period of another: within a year, "%Y-%d" gives the first day of every month the
// same name. Within the zero Interval they are to be told apart for ever, and in such a
// way that they can be read back.
func (p *Pattern) gap(every, within Interval) gap {
	g := gap{pattern: p}
	forEver := within.isZero()
	if p.has("s"+wallSeconds) || !forEver && !every.finerThan(within) {
		return g
	}
	several := func(i Interval) bool { return forEver || i.finerThan(within) }
	if forEver || !within.finerThan(year) {
		g.year(every, forEver)
	}
	switch {
	case every.months > 0:
		months := every.months%12 != 0 && several(month)
		g.need(!months || g.has("mbBhj") || !forEver && g.has("UWV"), "month", "m")
	case several(day):
		g.day(every, forEver, several)
	}
	if every.months == 0 && every.seconds%daySeconds != 0 {
		g.clock(every, several)
	}
	return g
}

// has reports whether the pattern, or what closes the gap so far, holds one of the fields.
func (g *gap) has(fields string) bool {
	return g.pattern.has(fields) || strings.ContainsAny(g.fields, fields)
}

// need notes what is lacking, unless it is present.
func (g *gap) need(present bool, name, field string) {
	if !present {
		g.names = append(g.names, name)
		g.fields += field
	}
}

// year finds out whether the year is lacking. That of the ISO week goes with no other date
// than the week: January 2026 and January 2027 are both 2026-01 by %G-%m.
func (g *gap) year(every Interval, forEver bool) {
	dates := g.has("mbBhdejUW")
	switch {
	case g.has("Yy") || every.months > 0 && g.pattern.cut.iso:
	case g.has("Gg") && g.has("V") && (every.months == 0 || !forEver):
	case g.has("Gg") && !dates && every.months == 0:
	case g.has("Gg"):
		g.need(false, "calendar year", "Y")
	case g.has("C"):
		g.need(false, "year", "y")
	case g.has("V") && !dates && every.months == 0:
		g.need(false, "year of the week", "G")
	default:
		g.need(false, "year", "Y")
	}
}

// day finds out whether the day is lacking, or only the week or the month if no two
// periods begin in the same one.
func (g *gap) day(every Interval, forEver bool, several func(Interval) bool) {
	inWeek := func() bool {
		if !forEver {
			return g.has("UWV")
		}
		return g.has("Gg") && g.has("V") || g.has("Yy") && g.has("UW")
	}
	weekday := g.has("aAuw") || every.seconds%week.seconds == 0 || !forEver && !every.finerThan(week)
	day := g.has("de") || !forEver && !every.finerThan(month)
	date := g.has("j") || day && (g.has("mbBh") || !several(month))
	switch {
	case date && (g.has("Yy") || !forEver),
		inWeek() && weekday,
		!forEver && inWeek() && day,
		!forEver && weekday && !several(week):
		return
	case forEver && g.has("V") && !g.has("Gg"):
		g.need(false, "year of the week", "G")
	case g.has("Gg") && !g.has("Yy"):
		g.need(g.has("V"), "week", "V")
	}
	if inWeek() {
		g.need(weekday, "day of the week", "u")
		return
	}
	g.need(g.has("mbBh") || !several(month), "month", "m")
	g.need(day, "day", "d")
}

// clock finds out what of the time of day is lacking.
func (g *gap) clock(every Interval, several func(Interval) bool) {
	half := Interval{seconds: daySeconds / 2}
	switch {
	case !several(hour) || g.has("Hk") || g.has("p") && every == half:
	case g.has("Il"):
		g.need(g.has("p") || !several(half), "AM or PM", "p")
	case g.has("p"):
		g.need(false, "hour", "I")
	default:
		g.need(false, "hour", "H")
	}
	g.need(!several(minute) || every.seconds%hour.seconds == 0 || g.has("M"), "minute", "M")
	g.need(!several(second) || every.seconds%minute.seconds == 0 || g.has("S"), "second", "S")
}

// lack spells what is lacking: "no month and no day".
func (g gap) lack() string {
	last := len(g.names) - 1
	if last == 0 {
		return "no " + g.names[0]
	}
	return "no " + strings.Join(g.names[:last], ", no ") + " and no " + g.names[last]
}

// hint spells the fields that close the gap.
func (g gap) hint() string {
	var s strings.Builder
	for i := range len(g.fields) {
		s.WriteByte(g.pattern.escape)
		s.WriteByte(g.fields[i])
	}
	return s.String()
}

// checkNames refuses names that do not tell apart the periods within the time of the
// coarsest field, such as "%Y-%d", and names that are the same for one period and the
// next. Names that come round as a whole, such as "%H" every day, may be just as wanted.
func (p *Pattern) checkNames(given bool) error {
	subject := fmt.Sprintf("pattern %q", p.text)
	if given {
		subject = fmt.Sprintf("--every=%v: the pattern %q", p.every, p.text)
	}
	if g := p.gap(p.every, p.coarsest()); g.fields != "" {
		return fmt.Errorf("%s has %s, so the files could not be told apart; add %s", subject, g.lack(), g.hint())
	}
	// Two years of months, and more than all weekdays that a year can begin with.
	const periods = 30
	first, last := p.cut.slot(1_767_225_600) // 2026
	for range periods {
		name := p.render.FormatString(civilDate(first))
		if first, last = p.cut.slot(last); p.render.FormatString(civilDate(first)) == name {
			return fmt.Errorf("%s gives one period and the next the same name, so its file would not rotate; add %s",
				subject, p.gap(p.every, Interval{}).hint())
		}
	}
	return nil
}

// Ordered returns nil if every name stands for one period, so that names can be
// put in order. Else the error names the fields that are missing.
func (p *Pattern) Ordered() error {
	if p.instants != nil {
		return p.instants.Ordered()
	}
	if p.every.never {
		return fmt.Errorf("the files of pattern %q never switch by time", p.text)
	}
	if g := p.gap(p.every, Interval{}); g.fields != "" {
		return fmt.Errorf("the names of pattern %q repeat: they have %s; add %s", p.text, g.lack(), g.hint())
	}
	return p.checkWidths()
}

// checkWidths refuses names that can be read in two ways: where two fields without padding
// have nothing but digits between them, nobody knows where the first one ends.
func (p *Pattern) checkWidths() error {
	var before *token
	for i, t := range p.tokens {
		switch {
		case t.spec == 0 && strings.Trim(t.text, "0123456789") != "", t.spec != 0 && t.field.digits == 0 && !t.counts():
			before = nil
		case t.unpadded && t.field.digits > 1 && !p.hasPadded(t.spec):
			if before != nil {
				e := string(p.escape)
				return fmt.Errorf("the names of pattern %q can be read in two ways, since %s-%c and %s-%c are of any width; write %s%c and %s%c",
					p.text, e, before.spec, e, t.spec, e, before.spec, e, t.spec)
			}
			before = &p.tokens[i]
		}
	}
	return nil
}

// hasPadded reports whether the pattern holds a field in its full width as well.
func (p *Pattern) hasPadded(spec byte) bool {
	for _, t := range p.tokens {
		if t.spec == spec && !t.unpadded {
			return true
		}
	}
	return false
}
