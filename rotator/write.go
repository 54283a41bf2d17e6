package rotator

import (
	"bytes"
	"slices"
	"time"

	"github.com/logreel/logreel/rotator/record"
)

// patience is how long lines wait for a file whose period is over, while the file of
// the present could take them.
const patience = 10 * time.Second

// Write appends lines that were read at the given time to the file of that time's
// period: as many of them as one system call writes. It returns how many bytes that was.
// If they are fewer than all, the caller is to write the rest under the same time; after
// an error, a little later. They may be none without an error, when the beginning of a
// line had to be written again.
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
		r.config.Messages.Warn("%v; lines that waited for it since %s are in %s", err, at.Format(time.RFC3339), r.live.path)
	}
	return n, late
}

// append does the work of Write.
func (r *Rotator) append(lines []byte, at time.Time) (int, error) {
	if at.Before(r.late) {
		at = r.late
	}
	var rest []byte // of the record that the live file ends with
	if r.midLine && r.lost() {
		r.midLine, r.repeat, r.begun = false, append(r.begun, r.repeat...), nil
	}
	if !r.midLine {
		if rest = r.rest(lines); len(rest) > 0 && r.lost() {
			r.repeat, rest, r.record = r.record, nil, nil
		}
	}
	if !r.midLine && len(rest) == 0 {
		r.EndRecord()
		if err := r.ensureLive(at); err != nil {
			return 0, err
		}
	}
	switch {
	case len(r.repeat) > 0:
		lines = append(slices.Clip(r.repeat), record.FirstLine(lines)...)
	case r.midLine:
		lines = record.FirstLine(lines)
	case len(rest) > 0:
		lines = rest
	default:
		lines = r.fit(lines, at)
	}
	n, err := r.live.write(lines)
	if err != nil {
		r.live.renew(r.config.Files)
	}
	if n == 0 {
		return 0, err
	}
	r.wrote = r.config.Now()
	r.sync(true)
	if r.config.Records != nil {
		r.record.note(r.config.Records, lines[:n], r.midLine)
	}
	r.noteEnd(lines, n)
	repeated := min(n, len(r.repeat))
	r.repeat = r.repeat[repeated:]
	r.status.Written += int64(n - repeated)
	return n - repeated, err
}

// lost reports whether the line or record that the live file ends with is gone, since the
// file was deleted or truncated.
func (r *Rotator) lost() bool {
	if r.live == nil {
		return true
	}
	size := r.live.size
	r.look()
	return r.live == nil || r.live.size < size
}

// noteEnd notes whether the live file ends inside a line, now that the first n bytes of
// lines are in it.
func (r *Rotator) noteEnd(lines []byte, n int) {
	start := bytes.LastIndexByte(lines[:n], '\n') + 1
	known := start > 0 || !r.midLine || r.begun != nil
	r.midLine = start < n
	switch {
	case !r.midLine || !known || n == len(lines): // a piece of a long line
		r.begun = nil
	case start > 0:
		r.begun = slices.Clone(lines[start:n])
	default:
		r.begun = append(r.begun, lines[:n]...)
	}
}

// fit returns the records of the batch that the live file has room for under
// Config.Size, after switching to the next file if there is no room. A
// record larger than Size has a file to itself.
func (r *Rotator) fit(batch []byte, at time.Time) []byte {
	room := r.config.Size - r.live.size
	switch {
	case r.config.Size == 0 || int64(len(batch)) <= room:
		return batch
	case room > 0:
		if records := r.recordsWithin(batch, room); len(records) > 0 {
			return records
		}
	}
	first := r.firstRecord(batch)
	if r.live.size == 0 || !r.retryDue() {
		return first
	}
	path, err := r.names.next(r.live, at)
	if err == nil {
		err = r.goOn(path, r.live.period)
	}
	switch {
	case err == errSameStamp:
		return batch
	case err != nil:
		// Better too large a file than a line that waits.
		r.failed(err)
		return first
	}
	return r.fit(batch, at)
}
