package archive

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/logreel/logreel/rotator/messages"
)

// A report is what a pass tells the archiver of the command of Config.Exec: that it has
// worked for a file, or why it has failed, or, at the end, how things stand.
type report struct {
	what    string // worked, waits, or why it has failed
	plain   string // the file
	waiting int    // how many files wait to be handed on, with this one
	due     time.Time
}

const (
	worked = "worked"
	waits  = "waits"
)

// reportMark begins the lines of reports, among those of messages.
const reportMark = "\x01"

func (r report) String() string {
	due := int64(0)
	if !r.due.IsZero() {
		due = r.due.Unix() + 1 // not before
	}
	return fmt.Sprintf("%s%d %d %q %s", reportMark, r.waiting, due, r.plain, r.what)
}

// parseReport reads what String has written.
func parseReport(line string) (r report, ok bool) {
	line, ok = strings.CutPrefix(line, reportMark)
	if !ok {
		return r, false
	}
	var due int64
	if _, err := fmt.Sscanf(line, "%d %d", &r.waiting, &due); err != nil {
		return r, false
	}
	if due != 0 {
		r.due = time.Unix(due, 0)
	}
	rest := line[max(strings.IndexByte(line, '"'), 0):]
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return r, false
	}
	r.plain, _ = strconv.Unquote(quoted)
	r.what = strings.TrimPrefix(rest[len(quoted):], " ")
	return r, true
}

// A hookStatus is what is known of the command from one pass to the next.
type hookStatus struct {
	fault messages.Fault
	// broken says that it has been reported to fail, and failing are the plain paths of
	// the files that it has failed for: one for which it always fails is reported once,
	// while it works for others.
	broken  bool
	failing map[string]bool
	// waiting is how many files wait to be handed on, and due when it is to be run again,
	// in nanoseconds since 1970; 0 for never.
	waiting, due atomic.Int64
}

// take takes in what a pass has reported.
func (h *hookStatus) take(r report, now time.Time) {
	waiting := r.waiting
	switch r.what {
	case waits:
		h.due.Store(0)
		if !r.due.IsZero() {
			h.due.Store(r.due.UnixNano())
		}
	case worked:
		waiting--
		delete(h.failing, r.plain)
		if h.broken {
			h.broken = false
			h.fault.End(now, filesOf(r.waiting)+" waited")
		}
	default:
		if !h.failing[r.plain] && !h.broken {
			h.broken = true
			h.fault.Begin(now, errors.New("--exec: "+r.what), filesOf(r.waiting)+" to be handed on, trying again after a minute, then two, up to an hour")
		}
		if h.failing == nil {
			h.failing = map[string]bool{}
		}
		h.failing[r.plain] = true
	}
	h.waiting.Store(int64(waiting))
}

func filesOf(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}
