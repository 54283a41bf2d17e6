package flags

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/logreel/logreel/rotator/messages"
)

// A UsageError is a mistake in the command line.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// ExitStatus returns the exit status of mistakes.
func (e UsageError) ExitStatus() int { return 2 }

var flagName = regexp.MustCompile(`--[a-z-]+`)

// Mistake returns a usage error. If it is about flags that the environment sets, it says
// so. Flags named after a semicolon do not count: they are what to write instead.
func (f *Flags) Mistake(err error) error {
	wrong, _, _ := strings.Cut(err.Error(), "; ")
	named := flagName.FindAllString(wrong, -1)
	var from []string
	for _, v := range f.environment {
		if slices.Contains(named, v.flag) {
			from = append(from, v.flag+" is from the environment variable "+v.name)
		}
	}
	if len(from) > 0 {
		err = fmt.Errorf("%w (%s)", err, strings.Join(from, ", "))
	}
	return UsageError{err}
}

// A mapper reports in our words what is wrong with a value, and not in kong's.
type mapper struct{ kong.Mapper }

// Decode reads a value.
func (m mapper) Decode(c *kong.DecodeContext, target reflect.Value) error {
	next := c.Scan.Peek()
	switch {
	case target.Kind() == reflect.Bool:
		if err := m.Mapper.Decode(c, target); err != nil {
			return fmt.Errorf("%q is neither true nor false; write one of these, or %s alone", next, c.Value.Summary())
		}
		return nil
	case next.IsEOL():
		return fmt.Errorf("a value is missing; write %s", c.Value.Summary())
	case !next.IsValue():
		return fmt.Errorf("a value is missing before %s; write %s", next, c.Value.Summary())
	}
	return m.Mapper.Decode(c, target)
}

// missing returns what is wrong with a command line without a pattern.
func (f *Flags) missing() error {
	where, example := "", "app 2>&1 | logreel '/var/log/app/%Y-%m-%d.log' (logreel --help tells more)"
	if f.Command != nil {
		where, example = " before --", "logreel '/var/log/app/%Y-%m-%d.log' -- app --serve"
	}
	if len(f.Command) > 0 && strings.HasPrefix(f.Command[0], "-") {
		example += fmt.Sprintf(", or ./%s if that is the pattern", f.Command[0])
	}
	if last := len(f.Arguments) - 1; last > 0 {
		flag, value := f.Arguments[last-1], f.Arguments[last]
		if strings.HasPrefix(flag, "--") && !strings.Contains(flag, "=") && !strings.HasPrefix(value, "-") {
			where += fmt.Sprintf(": %s has taken %q for its value", flag, value)
		}
	}
	return fmt.Errorf("PATTERN is missing%s; write for example: %s", where, example)
}

// reworded returns kong's error about arguments, with what to write instead.
func reworded(err error, arguments []string) error {
	text, _, _ := strings.Cut(err.Error(), " (from envar ")
	if argument, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		if i := slices.Index(arguments, "--stamp"); i >= 0 && i+1 < len(arguments) {
			return fmt.Errorf("unexpected argument %q; a format is joined to its flag, as in --stamp='%%F %%T '", argument)
		}
		return fmt.Errorf("unexpected argument %q; quote a pattern that has spaces, and write -- before a command", argument)
	}
	unknown, ok := strings.CutPrefix(text, "unknown flag ")
	if !ok {
		return errors.New(text)
	}
	if !strings.HasPrefix(unknown, "--") {
		return unknownShort(unknown, arguments)
	}
	if flag, meant, ok := strings.Cut(unknown, ", did you mean "); ok {
		return fmt.Errorf("unknown flag %s; did you mean %s", flag, meant)
	}
	return fmt.Errorf("unknown flag %s; see logreel --help", unknown)
}

// unknownShort says what is wrong with the first argument that begins with one dash
// and is not made of flags. Kong names only its first letter, and suggests flags of one
// letter, whichever they are.
func unknownShort(unknown string, arguments []string) error {
	i := slices.IndexFunc(arguments, func(argument string) bool {
		letters, ok := strings.CutPrefix(argument, "-")
		return ok && !strings.HasPrefix(letters, "-") && strings.Trim(letters, "hv") != ""
	})
	switch {
	case i < 0:
		return fmt.Errorf("unknown flag %s; see logreel --help", unknown)
	case len(arguments[i]) == len("-l"):
		return fmt.Errorf("unknown flag %s; see logreel --help", arguments[i])
	}
	return fmt.Errorf("unknown flag %s; see logreel --help, or write ./%[1]s if that is the pattern", arguments[i])
}

// Remark tells the user what is likely to be a mistake, though it can be done.
func (f *Flags) Remark(outputs *Outputs, printer messages.Printer) {
	for _, note := range f.as.Notes {
		printer.Warn("%s", note)
	}
	if f.as.Of != "" {
		printer.Detail("in the place of %s; the same is: %s", f.as.Of, f.as)
	}
	for _, c := range outputs.All() {
		if warning := c.Rotator.Pattern.Warning(); warning != "" {
			printer.Warn("%s", warning)
		}
	}
}
