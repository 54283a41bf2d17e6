package record

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/logreel/logreel/pattern"
)

// DefaultStamp is what a stamp is if nothing else is said: RFC 3339 without the colon in
// the offset, as strftime writes it.
const DefaultStamp = "%FT%T.%L%z "

// maxStamp is more than a stamp has.
const maxStamp = 1 << 10

// A Stamp is text before a record, with fields of strftime, and %L milliseconds, %f
// microseconds, %{pid} who wrote it and %{stream} out or err. It may be shared.
type Stamp struct {
	parts []part
	zone  *time.Location
	// stream is what %{stream} becomes.
	stream string
	// Size is about how many bytes it has.
	Size int
	// stamped matches a stamp at the beginning of a line.
	stamped *regexp.Regexp
}

// A part of a stamp is a text, or a field that package pattern does not know.
type part struct {
	text  *pattern.Text
	field string
}

// The fields of a stamp beside those of a pattern, and what each matches.
var stampFields = map[string]string{"L": `\d{3}`, "f": `\d{6}`, "{pid}": `\d+`, "{stream}": `(?:out|err)`}

// NewStamp compiles a stamp, of times in a zone.
func NewStamp(format string, escape byte, zone *time.Location) (*Stamp, error) {
	s := &Stamp{zone: zone}
	fields := false
	begin := 0 // of the text that is not in a part yet
	add := func(end int) error {
		if begin == end {
			return nil
		}
		text, err := pattern.NewText("format", format, begin, end, escape)
		if err == nil {
			s.parts = append(s.parts, part{text: text})
			fields = fields || text.Fields()
		}
		return err
	}
	for i := 0; i+1 < len(format); i++ {
		if format[i] != escape {
			continue
		}
		name := format[i+1 : i+2]
		if name == "{" {
			name, _, _ = strings.Cut(format[i+1:], "}")
			name = format[i+1 : min(len(format), i+1+len(name)+1)]
		}
		if _, known := stampFields[name]; known {
			if err := add(i); err != nil {
				return nil, err
			}
			s.parts = append(s.parts, part{field: name})
			fields, begin = true, i+1+len(name)
		} else if name[0] == '{' {
			return nil, fmt.Errorf("format %q: %c%s is not a field; write %[2]c{pid} or %[2]c{stream}", format, escape, name)
		}
		i += len(name)
	}
	if err := add(len(format)); err != nil {
		return nil, err
	}
	if !fields {
		return nil, fmt.Errorf("format %q has no field; write one such as '%[2]cF %[2]cT ' (a configuration file may want the %[2]c doubled)", format, escape)
	}
	expression := "^"
	for _, p := range s.parts {
		if p.text != nil {
			expression += p.text.Expression()
		} else {
			expression += stampFields[p.field]
		}
	}
	var err error
	if s.stamped, err = regexp.Compile(expression); err != nil {
		return nil, err
	}
	switch example := s.append(nil, time.Time{}, math.MinInt32); {
	case bytes.IndexByte(example, '\n') >= 0:
		return nil, errors.New("the format has a newline in it, and a stamp is a part of a line")
	case len(example) > maxStamp/2:
		return nil, fmt.Errorf("the format makes %d bytes before each line; write one of %d at the most", len(example), maxStamp/2)
	default:
		s.Size = len(example) + len("err")
	}
	return s, nil
}

// Needs reports whether a stamp has a field: pid or stream.
func (s *Stamp) Needs(field string) bool {
	for _, p := range s.parts {
		if p.field == "{"+field+"}" {
			return true
		}
	}
	return false
}

// On returns the stamp of a stream: out or err.
func (s *Stamp) On(stream string) *Stamp {
	on := *s
	on.stream = stream
	return &on
}

// append appends the stamp of a line.
func (s *Stamp) append(text []byte, at time.Time, pid int32) []byte {
	at = at.In(s.zone)
	for _, p := range s.parts {
		switch p.field {
		case "":
			text = p.text.Append(text, at)
		case "L":
			text = appendDigits(text, at.Nanosecond()/1e6, 3)
		case "f":
			text = appendDigits(text, at.Nanosecond()/1e3, 6)
		case "{pid}":
			text = strconv.AppendInt(text, int64(pid), 10)
		case "{stream}":
			text = append(text, s.stream...)
		}
	}
	return text
}

// appendDigits appends a number with so many digits.
func appendDigits(text []byte, n, digits int) []byte {
	for range digits {
		text = append(text, '0')
	}
	for i := len(text) - 1; n > 0; i-- {
		text[i] += byte(n % 10)
		n /= 10
	}
	return text
}

// behind returns what is behind the stamp that a line begins with; false if it has none.
func (s *Stamp) behind(line []byte) ([]byte, bool) {
	at := s.stamped.FindIndex(line)
	if at == nil {
		return nil, false
	}
	return line[at[1]:], true
}
