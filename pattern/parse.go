package pattern

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrForeign is what [Pattern.Parse] returns for a name that no period has.
var ErrForeign = errors.New("not a name of this pattern")

// values are what the fields of a name say, by their letters; a field of words
// holds the number of the word.
type values map[byte]int64

// Parse returns the period that a file name stands for. It is strict: the period's
// name is the given one to the letter. Seconds since 1970 (%s) need nine digits at least,
// so none before March 1973 is read: they could be dates of another pattern. Where
// clocks that go back give several periods one name, the result lasts from the start of
// the first to the end of the last. Where a name tells an instant, the result begins there,
// as exactly as the name tells it, and ends with the period of that instant. Where each
// run has a file of its own, it has no end.
//
// The error is [ErrForeign] when no period has the name, or more than one has, and
// the one of [Pattern.Ordered] when names do not say which period they stand for.
func (p *Pattern) Parse(name string) (Period, error) {
	if p.instants != nil {
		period, err := p.instants.Parse(name)
		switch {
		case err != nil:
			return Period{}, err
		case p.every.never:
			return Period{Start: period.Start}, nil
		}
		return Period{Start: period.Start, End: p.Period(period.End.Add(-1)).End}, nil
	}
	if err := p.Ordered(); err != nil {
		return Period{}, err
	}
	var found Period
	readings := 0
	match(name, p.tokens, values{}, func(v values) {
		if period, ok := p.solve(name, v); ok && !period.Start.Equal(found.Start) {
			found = period
			readings++
		}
	})
	if readings != 1 {
		return Period{}, ErrForeign
	}
	return found, nil
}

// match finds every way in which the tokens can spell the name, and yields the
// values of each.
func match(name string, tokens []token, v values, yield func(values)) {
	if len(tokens) == 0 {
		if name == "" {
			yield(v)
		}
		return
	}
	t, rest := tokens[0], tokens[1:]
	if t.spec == 0 {
		if tail, ok := strings.CutPrefix(name, t.text); ok {
			match(tail, rest, v, yield)
		}
		return
	}
	for width := 1; width <= min(len(name), t.maxWidth()); width++ {
		value, ok := t.read(name[:width])
		if !ok {
			continue
		}
		before, seen := v[t.spec]
		if seen && before != value {
			continue
		}
		v[t.spec] = value
		match(name[width:], rest, v, yield)
		if !seen {
			delete(v, t.spec)
		}
	}
}

// maxWidth is the most characters that a field can have: seconds since 1970 have up to 12
// until the year 9999.
func (t token) maxWidth() int {
	switch {
	case t.counts():
		return 12
	case t.field.digits > 0:
		return t.field.digits
	case t.field.words != nil:
		return len("September")
	case t.spec == 'Z':
		return longestZone
	}
	return len("+hhmm")
}

// read returns the value that the text has as the field t, if it can be one.
func (t token) read(text string) (int64, bool) {
	switch {
	case t.spec == 'Z':
		return 0, true // rendering decides
	case t.counts() && len(text) < 9:
		return 0, false // a year or a date of another pattern, rather than before 1973
	case t.field.words != nil:
		for i, w := range t.field.words {
			if w == text {
				return int64(i), true
			}
		}
		return 0, false
	case t.field.digits > 0 && !t.unpadded && len(text) != t.field.digits:
		return 0, false
	case t.field.pad == ' ':
		text = strings.TrimLeft(text, " ")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// solve looks for periods of the name in the slots that begin in the span of civil time
// that the values name. It returns one that lasts from the first of them to the last.
func (p *Pattern) solve(name string, v values) (found Period, ok bool) {
	civil, ok := v.civil()
	if seconds, is := v['s']; is {
		civil, ok = civilTime(time.Unix(seconds, 0).In(p.zone)), true
	}
	if seconds, is := v[wallSeconds[0]]; is {
		civil, ok = seconds, true
	}
	if !ok {
		return Period{}, false
	}
	first, last := p.cut.slot(civil)
	next, end := p.cut.slot(last)
	ok = false
	for _, start := range append(p.pieces(first, last), p.pieces(next, end)...) {
		period := p.Period(start.Add(p.delay))
		if p.Name(period) != name || !period.Start.After(time.Time{}) { // there is no year 0
			continue
		}
		if !ok {
			found.Start, ok = period.Start, true
		}
		found.End = period.End
	}
	return found, ok
}

// civil returns the civil time at which the span that the values name begins.
func (v values) civil() (int64, bool) {
	date, ok := v.date()
	if !ok {
		return 0, false
	}
	hour := v.first("Hk", 0)
	if h := v.first("Il", -1); h >= 0 && v.first("Hk", -1) < 0 {
		hour = h % 12
	}
	if pm, ok := v['p']; ok && v.first("Hk", -1) < 0 {
		hour += 12 * pm
	}
	return date.Unix() + hour*3600 + v.first("M", 0)*60 + v.first("S", 0), true
}

// date returns the first day that the values name, by the finest of the fields that
// name one.
func (v values) date() (time.Time, bool) {
	weekday, hasWeekday := v.weekday()
	y, hasYear := v.year('Y', 'y')
	january := time.Date(int(y), 1, 1, 0, 0, 0, 0, time.UTC)
	m := v.first("mbBh", -1)
	if _, isNumber := v['m']; m >= 0 && !isNumber {
		m++
	}
	d := v.first("de", -1)
	if yearDay, ok := v['j']; hasYear && ok {
		return january.AddDate(0, 0, int(yearDay-1)), true
	}
	if hasYear && m >= 0 && d >= 0 {
		return time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC), true
	}
	isoYear, hasISOYear := v.year('G', 'g')
	if week, ok := v['V']; hasISOYear && ok {
		return civilDate(isoYearStart(isoYear)).AddDate(0, 0, int(week-1)*7+(weekday+6)%7*btoi(hasWeekday)), true
	}
	if !hasYear {
		return civilDate(isoYearStart(isoYear)), hasISOYear
	}
	// Weeks of %U begin on Sunday, those of %W on Monday; week 1 is the first
	// that begins in the year.
	if n, ok := v['U']; ok {
		first := (7 - int(january.Weekday())) % 7
		return january.AddDate(0, 0, first+int(n-1)*7+weekday*btoi(hasWeekday)), true
	}
	if n, ok := v['W']; ok {
		first := (8 - int(january.Weekday())) % 7
		return january.AddDate(0, 0, first+int(n-1)*7+(weekday+6)%7*btoi(hasWeekday)), true
	}
	return january.AddDate(0, int(max(m, 1)-1), 0), true
}

// year returns the year that a field of four digits or one of two names. Two
// digits alone are of 1969 to 2068, as POSIX strptime has it.
func (v values) year(four, two byte) (int64, bool) {
	if y, ok := v[four]; ok {
		return y, true
	}
	y, ok := v[two]
	if !ok {
		return 0, false
	}
	if century, ok := v['C']; ok {
		return century*100 + y, true
	}
	if y < 69 {
		return 2000 + y, true
	}
	return 1900 + y, true
}

// weekday returns the day of the week that is named, 0 for Sunday.
func (v values) weekday() (int, bool) {
	n := v.first("aAuw", -1)
	return int(max(n, 0) % 7), n >= 0
}

// first returns the value of the first of the fields that is there, or else otherwise.
func (v values) first(fields string, otherwise int64) int64 {
	for i := range len(fields) {
		if n, ok := v[fields[i]]; ok {
			return n
		}
	}
	return otherwise
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
