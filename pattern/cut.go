package pattern

import "time"

// A cut divides the civil calendar into slots. Civil time is counted in seconds of
// the wall clock since 1970-01-01 00:00, each day having 86,400 of them, so that
// it knows nothing of zones.
type cut struct {
	// length is how many seconds a slot has, a divisor of a day or whole days unless slots
	// are counted from 1970 on; 0 when slots are months.
	length int64
	// months is how many months a slot has; 0 when slots are seconds.
	months int64
	// iso counts the months as years of the ISO week: they begin on the Monday
	// of week 1.
	iso bool
	// shift and shiftMonths are how much later than that a slot begins.
	shift, shiftMonths int64
	// apart says that names tell the two occurrences of a repeated time apart.
	apart bool
}

// newCut settles where the slots of an interval begin. has tells whether the pattern
// holds one of the given fields.
func newCut(every Interval, at Offset, has func(fields string) bool) cut {
	c := cut{
		length:      every.seconds,
		months:      every.months,
		iso:         every.months%12 == 0 && has("Gg") && !has("Yy"),
		shift:       at.seconds,
		shiftMonths: at.months,
		apart:       has("zZs"),
	}
	if every.seconds > 0 && every.seconds%week.seconds == 0 && !at.epoch {
		// 1970-01-05 was a Monday.
		weekday := int64(1)
		if at.weekday > 0 {
			weekday = at.weekday
		} else if has("U") {
			weekday = 7
		}
		c.shift += 4*daySeconds + (weekday-1)*daySeconds
		if weekday == 7 {
			c.shift -= week.seconds
		}
	}
	return c
}

// slot returns the slot that holds the civil time: start ≤ civil < end.
func (c cut) slot(civil int64) (start, end int64) {
	if c.months == 0 {
		start = floor(civil-c.shift, c.length) + c.shift
		return start, start + c.length
	}
	date := civilDate(civil - c.shift)
	if c.iso {
		isoYear, _ := date.ISOWeek()
		years := c.months / 12
		first := floor(int64(isoYear), years)
		return isoYearStart(first) + c.shift, isoYearStart(first+years) + c.shift
	}
	first := floor(int64(date.Year())*12+int64(date.Month())-1-c.shiftMonths, c.months) + c.shiftMonths
	return monthStart(first) + c.shift, monthStart(first+c.months) + c.shift
}

// below reports whether slots are counted in seconds, and have fewer than these.
func (c cut) below(seconds int64) bool { return 0 < c.length && c.length < seconds }

// civilTime returns the civil time that clocks of t's zone show at t.
func civilTime(t time.Time) int64 { return t.Unix() + offset(t) }

// civilDate returns the civil time as a time.Time in UTC.
func civilDate(civil int64) time.Time { return time.Unix(civil, 0).UTC() }

// offset returns the seconds by which clocks of t's zone are ahead of UTC at t.
func offset(t time.Time) int64 {
	_, o := t.Zone()
	return int64(o)
}

// monthStart returns the civil time at which a month begins; months are counted
// from January of the year 0.
func monthStart(m int64) int64 {
	return time.Date(0, time.Month(m+1), 1, 0, 0, 0, 0, time.UTC).Unix()
}

// isoYearStart returns the civil time at which a year of the ISO week begins: the
// Monday of the week that holds January 4th (ISO 8601).
func isoYearStart(y int64) int64 {
	fourth := time.Date(int(y), 1, 4, 0, 0, 0, 0, time.UTC)
	return fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7).Unix()
}

// floor rounds n down to a multiple of step.
func floor(n, step int64) int64 {
	r := n % step
	if r < 0 {
		r += step
	}
	return n - r
}
