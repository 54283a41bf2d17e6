package archive

import (
	"time"

	"github.com/logreel/logreel/rotator/files"
)

const (
	// firstRetry is how long a file waits after the command has failed for it. That is
	// doubled each time, up to lastRetry.
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// A retry is when the command failed for a file, and when it is to be run again; zero if
// it has not failed. The mark of the file keeps it, so that every pass knows it, as the
// times of the last change and of the last access: those can be set on a full disk too.
type retry struct{ failed, due time.Time }

// retryOf reads a mark. Times that are none of ours, such as those of a new mark, say
// nothing.
func retryOf(mark files.Info) retry {
	r := retry{mark.Modified, mark.Accessed}
	for wait := firstRetry; ; wait *= 2 {
		if r.wait() == min(wait, lastRetry) {
			return r
		}
		if wait > lastRetry {
			return retry{}
		}
	}
}

func (r retry) wait() time.Duration { return r.due.Sub(r.failed) }

// next is the retry after one more failure.
func (r retry) next(now time.Time) retry {
	return retry{now, now.Add(min(max(2*r.wait(), firstRetry), lastRetry))}
}

// over reports whether the wait is over. A clock that was set back ends it.
func (r retry) over(now time.Time) bool { return !now.Before(r.due) || now.Before(r.failed) }

// aside reports whether the file waits no longer in its order: it has failed for an hour,
// and the others go on without it.
func (r retry) aside() bool { return r.wait() >= lastRetry }
