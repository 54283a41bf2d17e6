package rotator

import (
	"errors"
	"io/fs"
	"time"

	"github.com/logreel/logreel/rotator/notice"
)

// A fault is something that fails for a while. It is said once when it begins, and
// once when it is over.
type fault struct {
	voice notice.Voice
	err   error // what fails; nil while nothing does
	since time.Time
}

// begin says that something fails and what is done meanwhile, unless that has been
// said.
func (f *fault) begin(now time.Time, err error, then string) {
	if f.err == nil {
		f.since = now
	}
	if f.err == nil || !same(f.err, err) {
		f.voice.Warn("%v; %s", err, then)
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

func (f *fault) begun() bool { return f.err != nil }

// end says that it works again.
func (f *fault) end(now time.Time) {
	if f.err == nil {
		return
	}
	f.voice.Say("%v: over after %v", f.err, now.Sub(f.since).Round(time.Millisecond))
	f.err = nil
}
