package intake

import (
	"time"

	"golang.org/x/sys/unix"
)

// due returns how long it is until the next look.
func (d *demux) due(now time.Time) time.Duration {
	next := d.looked.Add(lookForGone)
	if !d.late.IsZero() && d.late.Before(next) {
		next = d.late
	}
	return min(max(next.Sub(now), 0), lookForGone)
}

// wait has a look be due when what waits since a time has waited for long enough.
func (d *demux) wait(since time.Time) {
	if late := since.Add(d.longestWait); d.late.IsZero() || late.Before(d.late) {
		d.late = late
	}
}

// look marks the writers that are gone, and the lines that have waited for long enough.
// What waits in the socket then is to be read before anything is passed on, since the
// rest may be there. If the look is far too late, this process or all of the machine was
// stopped, and perhaps who is waited for: then the waiting begins anew. It reports whether
// much memory was let go of.
func (d *demux) look(now time.Time) (trimmed bool) {
	if !d.late.IsZero() && now.Sub(d.late) > d.longestWait/2 {
		d.heldSince = now
		for _, w := range d.writers {
			w.since = now
		}
	}
	if now.Sub(d.looked) >= lookForGone {
		d.looked = now
		for _, w := range d.writers {
			w.gone = w.gone || gone(w.pid)
		}
		trimmed = d.pool.trim()
	}
	d.late = time.Time{}
	d.marked, d.unread = now, waiting(d.fd)
	if d.unread == 0 {
		d.passMarked()
	}
	return trimmed
}

// passMarked ends the lines of the writers that are gone, and the line that others have
// waited for. What is written of that one later is a line of its own. It also passes on the
// records that no line has come for.
func (d *demux) passMarked() {
	marked := d.marked
	d.marked = time.Time{}
	if d.held.length > 0 && marked.Sub(d.heldSince) >= d.longestWait {
		d.endEarly(d.streaming)
	}
	for _, w := range d.inOrder() {
		switch {
		case w.gone:
			d.end(w)
		case w.record.length == 0:
		case marked.Sub(w.since) >= d.longestWait:
			d.giveUp(w)
		default:
			d.wait(w.since)
		}
	}
	if d.held.length > 0 {
		d.wait(d.heldSince)
	}
}

// gone reports whether a process has ended, be it reaped or not. One that cannot be
// looked up is taken to be alive.
func gone(pid int32) bool {
	fd, err := unix.PidfdOpen(int(pid), 0)
	if err != nil {
		return err == unix.ESRCH
	}
	defer unix.Close(fd)
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(ready, 0)
	return n == 1 && err == nil
}
