package pattern

import (
	"errors"
	"fmt"
	"time"
)

// An Age is how long ago something is, on the calendar. The zero Age is none.
type Age struct {
	span  Interval
	given string // how it was written
}

var errAge = errors.New("is not an age; write a number and a unit, such as 12h 30d 8w 6mo 1y")

// UnmarshalText reads a whole number and one of the units s, m, h, d, w, mo and y. An age
// is at most 1000 years.
func (a *Age) UnmarshalText(text []byte) (err error) {
	if a.span, err = parseAmount(string(text)); err != nil {
		return fmt.Errorf("%q %w", text, errAge)
	}
	a.given = string(text)
	return nil
}

// String returns the age as it was written.
func (a Age) String() string { return a.given }

// Given reports whether there is an age.
func (a Age) Given() bool { return !a.span.isZero() }

// Before returns the instant that lies that long before t. Days and more are counted on
// the calendar of t's zone; a month before March 31 is March 3, as [time.Time.AddDate]
// has it.
func (a Age) Before(t time.Time) time.Time {
	if days := a.span.seconds / daySeconds; a.span.seconds%daySeconds == 0 {
		return t.AddDate(0, -int(a.span.months), -int(days))
	}
	return t.Add(-time.Duration(a.span.seconds) * time.Second)
}
