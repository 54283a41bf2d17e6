// Package values holds the types of flags that libraries for flags do not have:
// sizes, permissions, owners, times, and the number of files to preview. Each reads
// itself from text, with an error that says what to write instead.
package values

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"os/user"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kong"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/process"
	"github.com/logreel/logreel/rotator/record"
)

// wrong returns an error about the text of a value.
func wrong(text []byte, err error) error { return fmt.Errorf("%q %w", text, err) }

// Text reads a string byte by byte. Kong's own reader takes it through JSON, which puts
// U+FFFD for what is not UTF-8, so that different paths would become the same.
var Text kong.MapperFunc = func(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err == nil {
		target.SetString(token.String())
	}
	return err
}

// Unmarshaled is Text for what reads itself from text, or a pointer to such.
var Unmarshaled kong.MapperFunc = func(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		target = target.Elem()
	}
	return target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(token.String()))
}

// A Size is a number of bytes, from 0 to 8 EiB less one.
type Size int64

var errSize = errors.New("is not a size; write a number of bytes such as 500000, 64K, 10M, 2G or 1T")

// UnmarshalText reads a whole number, with one of the units K, M, G and T, which
// are powers of 1,024.
func (s *Size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "kKmMgGtT")
	unit := int64(1)
	switch suffix := string(text[len(digits):]); {
	case len(suffix) > 1:
		return wrong(text, errSize)
	case suffix != "":
		unit <<= 10 * (1 + strings.Index("KMGT", strings.ToUpper(suffix)))
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/unit {
		return wrong(text, errSize)
	}
	*s = Size(int64(n) * unit)
	return nil
}

// String writes the size in the largest unit that divides it.
func (s Size) String() string {
	units := "KMGT"
	n, unit := int64(s), ""
	for i := 0; i < len(units) && n > 0 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// A Limit is a [Size] of at least one byte. The zero Limit is no limit.
type Limit int64

// UnmarshalText reads a size.
func (l *Limit) UnmarshalText(text []byte) error {
	var s Size
	if err := s.UnmarshalText(text); err != nil {
		return err
	}
	if s == 0 {
		return wrong(text, errors.New("is nothing; write a size such as 10G, or leave it out for no limit"))
	}
	*l = Limit(s)
	return nil
}

// A Compression is a format; nil for none.
type Compression struct{ *archive.Format }

// UnmarshalText reads gzip or zstd.
func (c *Compression) UnmarshalText(text []byte) error {
	if c.Format = archive.FormatNamed(string(text)); c.Format == nil {
		return wrong(text, errors.New("is not a format; write gzip or zstd"))
	}
	return nil
}

// OnFull is what becomes of lines when the buffer is full: wait or drop.
type OnFull string

// UnmarshalText reads wait or drop.
func (o *OnFull) UnmarshalText(text []byte) error { return oneOf(o, text, "wait", "drop") }

// Stdio is what a command writes to: a socket or a pipe.
type Stdio string

// UnmarshalText reads socket or pipe.
func (s *Stdio) UnmarshalText(text []byte) error { return oneOf(s, text, "socket", "pipe") }

// SizeNames is how files are named that follow by size: by number or by time.
type SizeNames string

// UnmarshalText reads number or time.
func (n *SizeNames) UnmarshalText(text []byte) error { return oneOf(n, text, "number", "time") }

// oneOf reads one of two words.
func oneOf[T ~string](to *T, text []byte, a, b T) error {
	if *to = T(text); *to != a && *to != b {
		return wrong(text, fmt.Errorf("is neither of its values; write %s or %s", a, b))
	}
	return nil
}

// A Mode is the permissions of a file.
type Mode uint32

// UnmarshalText reads an octal number from 0 to 07777.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || n > 0o7777 {
		return wrong(text, errors.New("is not a mode; write octal permissions such as 0640"))
	}
	*m = Mode(n)
	return nil
}

// An Owner is a user, a group, or both; nil for neither.
type Owner struct{ *rotator.Owner }

// UnmarshalText reads USER, USER:GROUP or :GROUP, by name or number.
func (o *Owner) UnmarshalText(text []byte) error {
	var ids rotator.Owner
	var err error
	if ids.UID, ids.GID, err = numbers(text, "is not an owner; write USER, USER:GROUP or :GROUP"); err != nil {
		return err
	}
	o.Owner = &ids
	return nil
}

// A User is whom to be instead of root; nil for whom the process is.
type User struct{ *process.User }

// UnmarshalText reads USER or USER:GROUP, by name or number.
func (u *User) UnmarshalText(text []byte) error {
	const wanted = "is not a user; write USER or USER:GROUP"
	uid, gid, err := numbers(text, wanted)
	if err == nil && uid < 0 {
		err = wrong(text, errors.New(wanted))
	}
	if err == nil {
		if u.User, err = process.NewUser(string(text), uid, gid); err != nil {
			err = wrong(text, err)
		}
	}
	return err
}

// numbers reads USER, USER:GROUP or :GROUP. What is left out is -1.
func numbers(text []byte, wanted string) (uid, gid int, err error) {
	name, group, hasGroup := strings.Cut(string(text), ":")
	uid, gid = -1, -1
	if name == "" && group == "" || hasGroup && group == "" {
		return uid, gid, wrong(text, errors.New(wanted))
	}
	if name != "" {
		uid, err = number(name, "user", func() (string, error) {
			u, err := user.Lookup(name)
			if err != nil {
				return "", err
			}
			return u.Uid, nil
		})
	}
	if group != "" && err == nil {
		gid, err = number(group, "group", func() (string, error) {
			g, err := user.LookupGroup(group)
			if err != nil {
				return "", err
			}
			return g.Gid, nil
		})
	}
	return uid, gid, err
}

// number returns the number of a user or group, whose name may also be that number.
func number(name, kind string, look func() (string, error)) (int, error) {
	id, err := look()
	if err != nil {
		id = name
	}
	n, err := strconv.ParseInt(id, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("no such %s: %q; write a name that the system knows, or a number", kind, name)
	}
	return int(n), nil
}

// An Escape is the character that begins a field of a pattern.
type Escape byte

// UnmarshalText reads one ASCII character that is no letter, digit, slash or minus.
func (e *Escape) UnmarshalText(text []byte) error {
	if len(text) != 1 || !strings.ContainsRune("!\"#$%&'()*+,.:;<=>?@[\\]^_`{|}~", rune(text[0])) {
		return wrong(text, errors.New("is not an escape; write one character of punctuation, such as @"))
	}
	*e = Escape(text[0])
	return nil
}

// A Time is an instant, or the time on the clock of a zone that is not known yet. The
// zero Time is none.
type Time struct {
	text   string
	layout string
}

var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly}

// UnmarshalText reads a time in RFC 3339, where t and z and a space between date and time
// are allowed too; or one without an offset, without seconds, or a date alone.
func (t *Time) UnmarshalText(text []byte) error {
	clean := strings.ToUpper(string(text))
	if date, clock, ok := strings.Cut(clean, " "); ok {
		clean = date + "T" + clock
	}
	reason := ""
	for _, layout := range layouts {
		_, err := time.Parse(layout, clean)
		if err == nil {
			*t = Time{clean, layout}
			return nil
		}
		var parse *time.ParseError
		if errors.As(err, &parse) {
			if what, ok := strings.CutSuffix(parse.Message, " out of range"); ok {
				reason = ": the " + strings.TrimPrefix(what, ": ") + " is out of range"
			}
		}
	}
	return wrong(text, fmt.Errorf(`is not a time%s; write one such as "2026-11-21 02:00" or 2026-11-21T02:00:00+01:00`, reason))
}

// Given reports whether a time was given.
func (t Time) Given() bool { return t.text != "" }

// In returns the time, as clocks of the zone show it if it came without an offset;
// now, if none was given.
func (t Time) In(zone *time.Location) time.Time {
	at, err := time.ParseInLocation(t.layout, t.text, zone)
	if !t.Given() || err != nil {
		return time.Now()
	}
	return at
}

// A Duration is a span of time, not negative.
type Duration time.Duration

// UnmarshalText reads a duration as package time does: 20ms, 1m30s.
func (d *Duration) UnmarshalText(text []byte) error {
	n, err := time.ParseDuration(string(text))
	if err != nil || n < 0 {
		return wrong(text, errors.New("is not a duration; write a number and ms, s, m or h, such as 20ms or 10s"))
	}
	*d = Duration(n)
	return nil
}

// String writes the duration as package time does.
func (d Duration) String() string { return time.Duration(d).String() }

// A Count is a number of files, from 1 to 10,000. As a flag it may stand without a
// value, and is DefaultCount then.
type Count int

// DefaultCount is how many files a preview shows.
const DefaultCount = 5

// IsBool lets the flag stand without a value.
func (*Count) IsBool() bool { return true }

// Decode reads the value, if there is one.
func (c *Count) Decode(ctx *kong.DecodeContext) error {
	token := ctx.Scan.Peek()
	if token.Type != kong.FlagValueToken {
		if n, err := strconv.Atoi(token.String()); err == nil && n > 0 {
			return fmt.Errorf("%q stands apart from it; write --preview=%[1]s, or ./%[1]s if that is the pattern", token)
		}
		*c = DefaultCount
		return nil
	}
	ctx.Scan.Pop()
	n, err := strconv.Atoi(token.String())
	if err != nil || n < 1 || n > 10000 {
		return fmt.Errorf("%q is not a number of files; write one from 1 to 10000", token)
	}
	*c = Count(n)
	return nil
}

// A Format is what a stamp is made of. As a flag it may stand without a value, and is
// record.DefaultStamp then. The zero Format is none.
type Format string

// IsBool lets the flag stand without a value.
func (*Format) IsBool() bool { return true }

// Decode reads the value, if there is one.
func (f *Format) Decode(ctx *kong.DecodeContext) error {
	token := ctx.Scan.Peek()
	if token.Type != kong.FlagValueToken {
		*f = record.DefaultStamp
		return nil
	}
	ctx.Scan.Pop()
	if *f = Format(token.String()); *f == "" {
		return errors.New("the format is empty; write one such as '%F %T ', or --stamp alone")
	}
	return nil
}

// A Number is how many of something there are, from 1 to 1,000,000. The zero Number is
// none.
type Number int

// UnmarshalText reads the number.
func (n *Number) UnmarshalText(text []byte) error {
	i, err := strconv.Atoi(string(text))
	if err != nil || i < 1 || i > 1_000_000 {
		return wrong(text, errors.New("is not a number of files; write one from 1 to 1000000"))
	}
	*n = Number(i)
	return nil
}

// Free is how much of a disk is to be free: from 1 to 99 percent of it, or a number of
// bytes. The zero Free is nothing.
type Free struct{ archive.Free }

// UnmarshalText reads a percentage such as 5%, or a [Size].
func (f *Free) UnmarshalText(text []byte) error {
	if digits, ok := strings.CutSuffix(string(text), "%"); ok {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > 99 {
			return wrong(text, errors.New("is not a part of a disk; write one from 1% to 99%, or a size such as 2G"))
		}
		f.Free = archive.Free{Percent: n}
		return nil
	}
	var s Limit
	if s.UnmarshalText(text) != nil {
		return wrong(text, errors.New("is neither a part of a disk nor a size; write for example 5% or 2G"))
	}
	if s < 100 && !strings.ContainsFunc(string(text), unicode.IsLetter) {
		return wrong(text, fmt.Errorf("is so many bytes; write %s%% or %[1]sG", text))
	}
	f.Free = archive.Free{Bytes: int64(s)}
	return nil
}
