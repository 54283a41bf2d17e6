package pattern

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// longestZone is how long the abbreviation of a zone can be, as %Z gives it. Those of the
// database have up to 6 characters, but rules may have others.
const longestZone = 32

// rule matches a zone's rule as in POSIX.1-2024, 8.3 "Other Environment Variables", which
// is that of RFC 9636, 3.3.1, too: a name and how far it is west of Greenwich; the same for
// summer time; and on which days, at which times, that begins and ends. What POSIX leaves
// to the implementation is as in the C library of GNU: without days they are those of the
// United States.
var rule = func() *regexp.Regexp {
	const (
		name   = `(?:[A-Za-z]{3,MOST}|<[A-Za-z0-9+-]{3,MOST}>)`
		sixty  = `(?::[0-5]?\d(?::[0-5]?\d)?)?`
		offset = `[+-]?(?:[01]?\d|2[0-4])` + sixty
		day    = `(?:J(?:0?0?[1-9]|0?[1-9]\d|[12]\d\d|3[0-5]\d|36[0-5])|[0-2]?\d?\d|3[0-5]\d|36[0-5]|M(?:0?[1-9]|1[0-2])\.[1-5]\.[0-6])`
		change = `,` + day + `(?:/[+-]?(?:0?\d?\d|1[0-5]\d|16[0-7])` + sixty + `)?`
		all    = name + offset + `(?:` + name + `(?:` + offset + `)?(?:` + change + change + `)?)?`
	)
	return regexp.MustCompile(`^` + strings.ReplaceAll(all, "MOST", strconv.Itoa(longestZone)) + `$`)
}()

// ruleZone returns the zone of a rule. Package time knows rules as the last line of a file
// of the database (RFC 9636), so it gets the shortest file that has nothing else.
//
// A rule by which clocks change at New Year is none: both the C library and package time
// look at one year of UTC at a time, and the latter contradicts itself where one reaches
// into the next. The database has no such zone, and no country does that.
func ruleZone(text string) (*time.Location, bool) {
	if !rule.MatchString(text) {
		return nil, false
	}
	// After 15 bytes that are reserved, how many there are of: indicators of two kinds,
	// leap seconds, changes, types of local time, and characters of their names.
	const (
		header = "TZif3" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
			"\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x01" + "\x00\x00\x00\x04"
		utc = "\x00\x00\x00\x00" + "\x00" + "\x00" + "UTC\x00" // offset, no summer time, where its name begins
	)
	// The same twice: once for programs that know times of 32 bits only.
	zone, err := time.LoadLocationFromTZData(text, []byte(header+utc+header+utc+"\n"+text+"\n"))
	return zone, err == nil && !changesAtNewYear(zone)
}

func changesAtNewYear(zone *time.Location) bool {
	for year := 2101; year <= 2128; year++ { // with each calendar that a year can have
		newYear := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		after, _ := newYear.In(zone).Zone()
		if before, _ := newYear.Add(-time.Second).In(zone).Zone(); before != after {
			return true
		}
	}
	return false
}
