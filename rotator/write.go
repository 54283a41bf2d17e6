package rotator

import (
	"bytes"
	"time"
)

// patience is for how long lines wait for a file whose period is over, while that of
// the present could take them.
const patience = 10 * time.Second

// Write appends lines that were read at the given time, to the file of that time's
// period: as many of them as go there with one system call. It returns how many bytes
// were written. If those are fewer than all, the caller is to write the rest as well,
// under the same time; after an error a little later.
//
// A batch ends with a newline unless it is a piece of a long line.
func (r *Rotator) Write(lines []byte, at time.Time) (int, error) {
	n, err := r.append(lines, at)
	if err == nil {
		r.failing = time.Time{}
		return n, nil
	}
	now := r.config.Now()
	if r.failing.IsZero() || now.Before(r.failing) {
		r.failing = now
	}
	if n > 0 || r.midLine || now.Sub(r.failing) < patience || !r.config.Pattern.Period(at).Over(now) {
		return n, err
	}
	// Their own file may never take them, and everything behind them waits.
	n, late := r.append(lines, now)
	if late == nil {
		r.late = now
		r.config.Voice.Warn("%v; lines that waited for it since %s are in %s", err, at.Format(time.RFC3339), r.live.path)
	}
	return n, late
}

// append does the work of Write.
func (r *Rotator) append(lines []byte, at time.Time) (int, error) {
	if at.Before(r.late) {
		at = r.late
	}
	if r.midLine {
		lines = throughNewline(lines)
	} else if err := r.turn(at); err != nil {
		return 0, err
	} else {
		lines = r.fit(lines)
	}
	n, err := r.live.write(lines)
	if n > 0 {
		r.status.Written += int64(n)
		r.midLine = lines[n-1] != '\n'
		r.wrote = at
	}
	if err != nil {
		r.live.renew(r.config.Files)
	}
	return n, err
}

// throughNewline returns the batch up to the end of its first line.
func throughNewline(batch []byte) []byte {
	if i := bytes.IndexByte(batch, '\n'); i >= 0 {
		return batch[:i+1]
	}
	return batch
}

// fit returns the lines of the batch that the live file has room for under
// Config.Size, after switching to the next file of the series if it has none. A
// line larger than Size has a file to itself.
func (r *Rotator) fit(batch []byte) []byte {
	room := r.config.Size - r.live.size
	switch {
	case r.config.Size == 0 || int64(len(batch)) <= room:
		return batch
	case room > 0:
		if i := bytes.LastIndexByte(batch[:room], '\n'); i >= 0 {
			return batch[:i+1]
		}
	}
	first := throughNewline(batch)
	if r.live.size == 0 || !r.retryDue() {
		return first
	}
	path, err := r.series.next(r.live.base, r.live.path)
	if err == nil {
		err = r.switchTo(path, r.live.base, r.live.period)
	}
	if err != nil {
		// Better too large a file than a line that waits.
		r.failed(err)
		return first
	}
	return r.fit(batch)
}
