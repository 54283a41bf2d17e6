package pattern

import (
	"fmt"
	"strconv"
	"strings"
)

const daySeconds = 24 * 60 * 60

// An Interval is how long a period of the calendar lasts: a number of seconds of
// the wall clock, or a number of months. The zero Interval means "as the pattern
// implies".
//
// Seconds count on the wall clock, so 86400 of them are always one day. Intervals
// below a day divide a day evenly, and those of months divide a year or are whole
// years, so that boundaries are the same every day and every year; but for intervals that
// are counted from 1970 on, which may be any number of seconds.
type Interval struct {
	seconds int64
	months  int64
	never   bool
}

// Never is the interval of one period without end.
var Never = Interval{never: true}

var (
	second = Interval{seconds: 1}
	minute = Interval{seconds: 60}
	hour   = Interval{seconds: 60 * 60}
	day    = Interval{seconds: daySeconds}
	week   = Interval{seconds: 7 * daySeconds}
	month  = Interval{months: 1}
	year   = Interval{months: 12}
)

// unit is a unit of time that an interval is written in.
type unit struct {
	suffix   string
	interval Interval
}

// units are the units, the largest first.
var units = []unit{
	{"y", year},
	{"mo", month},
	{"w", week},
	{"d", day},
	{"h", hour},
	{"m", minute},
	{"s", second},
}

const intervalForm = "write a number and a unit, such as 30s 15m 6h 1d 1w 1mo 1y, or never"

// ParseInterval reads an interval as --every takes it: a whole number and one of
// the units s, m, h, d, w, mo and y, or "never". It is at most 1000 years. Whether it
// divides a day or a year depends on [Config.At], and is for [New] to check.
func ParseInterval(s string) (Interval, error) {
	if s == "never" {
		return Never, nil
	}
	i, err := parseAmount(s)
	if err != nil {
		return Interval{}, fmt.Errorf("%w; %s", err, intervalForm)
	}
	return i, nil
}

// parseAmount reads a number and a unit.
func parseAmount(s string) (Interval, error) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 0 || !isDigit(digits[0]) {
		return Interval{}, fmt.Errorf("is not an interval")
	}
	for _, u := range units {
		if u.suffix != s[len(digits):] {
			continue
		}
		i := Interval{seconds: n * u.interval.seconds, months: n * u.interval.months}
		if i.isZero() {
			return Interval{}, fmt.Errorf("is an interval of nothing")
		}
		if i.months > 12*1000 || i.seconds > 1000*366*daySeconds {
			return Interval{}, fmt.Errorf("is more than 1000 years")
		}
		return i, nil
	}
	if digits == s {
		return Interval{}, fmt.Errorf("has no unit")
	}
	return Interval{}, fmt.Errorf("has no unit that is known")
}

// checkEven refuses an interval whose boundaries would wander through the day or
// the year, and names the nearest ones that do not.
func (i Interval) checkEven() error {
	switch {
	case i.seconds > daySeconds && i.seconds%daySeconds != 0:
		return fmt.Errorf("is longer than a day and not whole days; write %v or %v, or add --at=epoch to count from 1970 on",
			Interval{seconds: i.seconds / daySeconds * daySeconds}, Interval{seconds: (i.seconds/daySeconds + 1) * daySeconds})
	case i.seconds > 0 && i.seconds < daySeconds && daySeconds%i.seconds != 0:
		u := i.unit().interval.seconds
		below, above := nearest(i.seconds/u, daySeconds/u)
		return fmt.Errorf("does not divide a day evenly; write %v or %v, or add --at=epoch to count from 1970 on", Interval{seconds: below * u}, Interval{seconds: above * u})
	case i.months > 12 && i.months%12 != 0:
		return fmt.Errorf("is longer than a year and not whole years; write %v or %v",
			Interval{months: i.months / 12 * 12}, Interval{months: (i.months/12 + 1) * 12})
	case i.months > 0 && i.months < 12 && 12%i.months != 0:
		below, above := nearest(i.months, 12)
		return fmt.Errorf("does not divide a year evenly; write %v or %v", Interval{months: below}, Interval{months: above})
	}
	return nil
}

// nearest returns the divisors of whole on both sides of n.
func nearest(n, whole int64) (below, above int64) {
	for below = n; whole%below != 0; below-- {
	}
	for above = n; whole%above != 0; above++ {
	}
	return below, above
}

// UnmarshalText reads the interval by [ParseInterval].
func (i *Interval) UnmarshalText(text []byte) (err error) {
	if *i, err = ParseInterval(string(text)); err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	return nil
}

// String spells the interval in the largest unit that divides it.
func (i Interval) String() string {
	switch {
	case i.never:
		return "never"
	case i.isZero():
		return "0s"
	}
	u := i.unit()
	if i.months > 0 {
		return strconv.FormatInt(i.months/u.interval.months, 10) + u.suffix
	}
	return strconv.FormatInt(i.seconds/u.interval.seconds, 10) + u.suffix
}

// unit returns the largest unit that divides the interval.
func (i Interval) unit() unit {
	for _, u := range units {
		if m := u.interval.months; i.months > 0 && m > 0 && i.months%m == 0 {
			return u
		}
		if s := u.interval.seconds; i.seconds > 0 && s > 0 && i.seconds%s == 0 {
			return u
		}
	}
	return units[len(units)-1]
}

func (i Interval) isZero() bool { return i == Interval{} }

// finerThan reports whether two periods of i can fall into one of than. Months
// have 28 to 31 days, years 365 or 366.
func (i Interval) finerThan(than Interval) bool {
	switch {
	case i.months > 0 && than.months > 0:
		return i.months < than.months
	case i.months > 0:
		return i.months*28*daySeconds < than.seconds
	case than.months > 0:
		longest := than.months * 31
		if than.months%12 == 0 {
			longest = than.months / 12 * 366
		}
		return i.seconds < longest*daySeconds
	}
	return i.seconds < than.seconds
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
