package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lestrrat-go/strftime"
)

// A field is one strftime conversion, as C99 7.27.3.5 and the strftime library
// define it.
type field struct {
	// interval is how long the field's value lasts; zero for a field that
	// tells no time by itself (%z, %Z).
	interval Interval
	// expand spells a compound field in simple ones.
	expand string
	// digits is the width of a numeric field; 0 for a field of letters.
	digits int
	// pad is what fills a numeric field: '0' or ' '.
	pad byte
	// words are the values of a field of letters, in the order of their numbers.
	words []string
}

var (
	months   = words(time.January, time.December)
	weekdays = words(time.Sunday, time.Saturday)
)

// words spells the values of a type from first to last.
func words[T interface {
	~int
	fmt.Stringer
}](first, last T) []string {
	var all []string
	for v := first; v <= last; v++ {
		all = append(all, v.String())
	}
	return all
}

// short cuts words to their three-letter abbreviations.
func short(words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, w[:3])
	}
	return all
}

// number is a numeric field of a fixed width.
func number(interval Interval, digits int, pad byte) field {
	return field{interval: interval, digits: digits, pad: pad}
}

// wallSeconds is the letter of %Es in tokens.
const wallSeconds = "E"

// fields are all conversions that a pattern may hold: those of the strftime
// library, which follow the C library in the C locale, %s and %Es.
var fields = map[byte]field{
	'C': number(Interval{months: 1200}, 2, '0'),
	'Y': number(year, 4, '0'),
	'y': number(year, 2, '0'),
	'G': number(year, 4, '0'),
	'g': number(year, 2, '0'),
	'm': number(month, 2, '0'),
	'U': number(week, 2, '0'),
	'W': number(week, 2, '0'),
	'V': number(week, 2, '0'),
	'd': number(day, 2, '0'),
	'e': number(day, 2, ' '),
	'j': number(day, 3, '0'),
	'u': number(day, 1, '0'),
	'w': number(day, 1, '0'),
	'H': number(hour, 2, '0'),
	'k': number(hour, 2, ' '),
	'I': number(hour, 2, '0'),
	'l': number(hour, 2, ' '),
	'M': number(minute, 2, '0'),
	'S': number(second, 2, '0'),
	's': {interval: second},

	// Seconds since 1970 on the wall clock, written %Es.
	wallSeconds[0]: {interval: second},

	'B': {interval: month, words: months},
	'b': {interval: month, words: short(months)},
	'h': {interval: month, words: short(months)},
	'A': {interval: day, words: weekdays},
	'a': {interval: day, words: short(weekdays)},
	'p': {interval: Interval{seconds: daySeconds / 2}, words: []string{"AM", "PM"}},
	'z': {},
	'Z': {},

	'c': {expand: "%a %b %e %H:%M:%S %Y"},
	'D': {expand: "%m/%d/%y"},
	'F': {expand: "%Y-%m-%d"},
	'R': {expand: "%H:%M"},
	'r': {expand: "%I:%M:%S %p"},
	'T': {expand: "%H:%M:%S"},
	'v': {expand: "%e-%b-%Y"},
	'X': {expand: "%H:%M:%S"},
	'x': {expand: "%m/%d/%y"},
}

// A token is a piece of a pattern: a simple field, or literal text when spec is 0.
type token struct {
	spec     byte
	unpadded bool // written with '-': %-d
	field    field
	text     string
}

// counts reports whether the token is seconds since 1970.
func (t token) counts() bool { return t.spec == 's' || t.spec == wallSeconds[0] }

// layout spells the token as the strftime library reads it.
func (t token) layout() string {
	switch {
	case t.spec == 0:
		return strings.ReplaceAll(t.text, "%", "%%")
	case t.unpadded:
		return "%-" + string(t.spec)
	}
	return "%" + string(t.spec)
}

// scan splits a pattern into tokens, with compound fields expanded.
func scan(pattern string, escape byte) ([]token, error) {
	if err := checkText(pattern, escape); err != nil {
		return nil, err
	}
	return scanText("pattern", pattern, 0, len(pattern), escape)
}

// scanText does so with a part of any text, which errors call what.
func scanText(what, pattern string, from, to int, escape byte) ([]token, error) {
	var tokens []token
	for i := from; i < to; i++ {
		if pattern[i] != escape {
			tokens = appendText(tokens, pattern[i:i+1])
			continue
		}
		rest := pattern[i+1 : to]
		unpadded := strings.HasPrefix(rest, "-")
		spec := strings.TrimPrefix(rest, "-")
		wrong := func(format string, args ...any) error {
			r, size := utf8.DecodeRuneInString(spec)
			written := pattern[i : to-len(spec)+size]
			if spec != "" && !strconv.IsPrint(r) {
				written = strconv.Quote(written)
			}
			return fmt.Errorf("%s %q: %s at character %d %s", what, pattern, written,
				utf8.RuneCountInString(pattern[:i])+1, fmt.Sprintf(format, args...))
		}
		if spec == "" {
			return nil, wrong("is cut short; write %c%c for the character itself", escape, escape)
		}
		f, known := fields[spec[0]]
		if spec[0] == wallSeconds[0] { // not alone
			known = strings.HasPrefix(rest, wallSeconds+"s")
		}
		switch {
		case rest[0] == escape:
			tokens = appendText(tokens, string(escape))
		case !known:
			return nil, wrong("is not a time field%s", suggestion(spec[0], escape))
		case unpadded && f.digits == 0 && f.interval != second:
			return nil, wrong("has no padding to leave out; write %c%c", escape, spec[0])
		case f.expand != "":
			inner, err := scanText(what, f.expand, 0, len(f.expand), '%')
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, inner...)
		default:
			tokens = append(tokens, token{spec: spec[0], unpadded: unpadded, field: f})
			spec = strings.TrimPrefix(spec, wallSeconds)
		}
		i = to - len(spec)
	}
	return tokens, nil
}

// appendText appends literal text, to the last token where that is text as well.
func appendText(tokens []token, text string) []token {
	if last := len(tokens) - 1; last >= 0 && tokens[last].spec == 0 {
		tokens[last].text += text
		return tokens
	}
	return append(tokens, token{text: text})
}

// NamesDirectory reports whether a path can only be that of a directory.
func NamesDirectory(path string) bool {
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case "", ".", "..":
		return true
	}
	return false
}

// checkText refuses what cannot be the name of a file.
func checkText(pattern string, escape byte) error {
	switch {
	case pattern == "":
		return fmt.Errorf("the pattern is empty; write one such as /var/log/app/%cY-%cm-%cd.log", escape, escape, escape)
	case NamesDirectory(pattern):
		return fmt.Errorf("pattern %q names a directory; add the name of a file, such as %[2]cY-%[2]cm-%[2]cd.log", pattern, escape)
	case strings.IndexByte(pattern, 0) >= 0:
		return fmt.Errorf("pattern %q holds a NUL, which no file name can", pattern)
	}
	return nil
}

// suggestion says what to write instead of a field that is not one.
func suggestion(spec, escape byte) string {
	instead := map[byte]string{
		'P': "p", 'L': "S", 'N': "S", 'f': "S", 'E': "Y", 'O': "m", 'q': "m", '+': "c", 'i': "M", 'D': "F",
	}
	switch spec { // what they are elsewhere, in strftime and in the options of celery and uWSGI
	case 'n':
		return "; elsewhere it is a newline, or stands for a name: type that itself"
	case 't':
		return fmt.Sprintf("; elsewhere it is a tab, or the time: type a tab itself, or %cs for seconds since 1970", escape)
	}
	if s, ok := instead[spec]; ok {
		return fmt.Sprintf("; write %c%s", escape, s)
	}
	return fmt.Sprintf("; write %c%c for the character itself", escape, escape)
}

// specifications is the library's set of fields, plus %s and %Es. Each field is wrapped
// so that the library renders it by itself: joined with its neighbours into one
// layout of package time, "%bx" and "P%a" would be read as something else.
func specifications() strftime.SpecificationSet {
	set := strftime.NewSpecificationSet()
	for spec, f := range fields {
		if f.expand != "" {
			continue
		}
		appender, err := set.Lookup(spec)
		if err != nil {
			appender = strftime.UnixSeconds()
		}
		// Set fails only on an immutable set.
		_ = set.Set(spec, strftime.AppendFunc(appender.Append))
	}
	_ = set.Set(wallSeconds[0], strftime.AppendFunc(func(b []byte, t time.Time) []byte {
		return fmt.Appendf(b, "%010d", civilTime(t))
	}))
	return set
}
