package messages

import (
	"errors"
	"io/fs"
	"time"
)

// A Fault is something that fails for a while. It is reported once when it begins, and
// once when it is over.
type Fault struct {
	Printer Printer
	err     error // what fails; nil while nothing does
	since   time.Time
}

// Begin reports that something fails and what is done meanwhile, unless that has been
// reported.
func (f *Fault) Begin(now time.Time, err error, then string) {
	if f.err == nil {
		f.since = now
	}
	if f.err == nil || !same(f.err, err) {
		f.Printer.Warn("%v; %s", err, then)
		f.err = err
	}
}

// same reports whether two errors are one fault: the same operation fails for the
// same reason, be it on another file.
func same(a, b error) bool {
	var x, y *fs.PathError
	if errors.As(a, &x) && errors.As(b, &y) {
		return x.Op == y.Op && x.Err.Error() == y.Err.Error()
	}
	return a.Error() == b.Error()
}

// End reports that it works again, and what came of it; empty for nothing.
func (f *Fault) End(now time.Time, result string) {
	if f.err == nil {
		return
	}
	if result != "" {
		result = "; " + result
	}
	f.Printer.Say("%v: over after %v%s", f.err, now.Sub(f.since).Round(time.Millisecond), result)
	f.err = nil
}
