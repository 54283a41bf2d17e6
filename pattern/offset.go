package pattern

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// An Offset shifts the boundaries of an interval, on the wall clock: by a time of
// day, by a day of the week, or by an amount of time. The zero Offset shifts
// nothing.
//
// It may also say that intervals are counted from 1970-01-01 00:00 on, on the wall clock,
// without a break. Then they may be any number of seconds, weeks begin on Thursday, and a
// name may stay the same for several periods.
type Offset struct {
	text    string
	epoch   bool
	weekday int64 // 1 to 7, Monday to Sunday, when one is named; else 0
	seconds int64
	months  int64
}

var errOffsetForm = errors.New("is not an offset; write a time (03:00), a day of the week (sun, or \"sun 03:00\"), an amount (90s, 6h, 14d, 3mo), or epoch to count from 1970 on")

// ParseOffset reads an offset as --at takes it: words, each of which is a time of
// day "HH:MM" or "HH:MM:SS", a day of the week in English (three letters or all), an
// amount as [ParseInterval] has it, or "epoch". They add up.
func ParseOffset(s string) (Offset, error) {
	o := Offset{text: s}
	words := strings.Fields(s)
	if len(words) == 0 {
		return Offset{}, errOffsetForm
	}
	for _, w := range words {
		if n := parseWeekday(w); n > 0 && o.weekday == 0 {
			o.weekday = n
		} else if w == "epoch" {
			o.epoch = true
		} else if clock, ok := parseClock(w); ok {
			o.seconds += clock
		} else if amount, err := parseAmount(w); err == nil {
			o.seconds += amount.seconds
			o.months += amount.months
		} else {
			return Offset{}, errOffsetForm
		}
	}
	return o, nil
}

// parseWeekday returns 1 to 7 for Monday to Sunday, and 0 for anything else.
func parseWeekday(s string) int64 {
	for i, name := range weekdays {
		if strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) {
			return int64((i+6)%7 + 1)
		}
	}
	return 0
}

// parseClock returns the seconds since midnight of a time of day.
func parseClock(s string) (int64, bool) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && len(s) == len(layout) {
			return int64(t.Hour()*3600 + t.Minute()*60 + t.Second()), true
		}
	}
	return 0, false
}

// UnmarshalText reads the offset by [ParseOffset].
func (o *Offset) UnmarshalText(text []byte) (err error) {
	if *o, err = ParseOffset(string(text)); err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	return nil
}

// String returns the offset as it was written.
func (o Offset) String() string { return o.text }

// check refuses an offset that does not suit the interval.
func (o Offset) check(every Interval) error {
	if o == (Offset{}) {
		return nil
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("--at=%v: %s", o, fmt.Sprintf(format, args...))
	}
	shift := o.seconds
	if o.weekday > 0 {
		shift += (o.weekday - 1) * daySeconds
	}
	switch {
	case every.never:
		return refuse("nothing to shift, since the files never switch; leave it out or give --every")
	case o.epoch && (every.months > 0 || o.months > 0):
		return refuse("months are not counted from 1970 on in seconds; leave out epoch, or give --every in seconds, hours, days or weeks")
	case o.epoch && o.weekday > 0:
		return refuse("weeks counted from 1970 on begin on Thursday; leave out epoch, or the day of the week")
	case o.weekday > 0 && (every.months > 0 || every.seconds%week.seconds != 0):
		return refuse("a day of the week goes with weeks, not with --every=%v; write --every=1w", every)
	case every.months > 0 && (o.months >= every.months || shift >= 28*daySeconds):
		return refuse("an offset for --every=%v is less than 28d, and fewer months than the interval has", every)
	case every.months == 0 && (o.months > 0 || shift >= every.seconds):
		return refuse("not less than the interval %v; write a shorter offset", every)
	}
	return nil
}
