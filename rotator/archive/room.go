package archive

import (
	"math"

	"golang.org/x/sys/unix"
)

// Wrote is to be called when so many bytes were written.
func (a *Archiver) Wrote(n int) {
	if a.left -= int64(n); a.left <= 0 {
		a.keepCeiling()
	}
}

// keepCeiling deletes what exceeds Config.KeepSize, and sets when to look again: when half
// of what is left may be written, since a pass that compresses takes some too.
func (a *Archiver) keepCeiling() {
	c := a.config
	if a.left = math.MaxInt64; c.KeepSize == 0 {
		return
	}
	c.Messages.Warn = silent // the passes tell what cannot be read
	left := newPass(c).ceiling("")
	a.left = max(left/2, c.KeepSize/ceilingSteps, 1)
}

func silent(string, ...any) {}

// ceilingSteps is how often Config.KeepSize is looked at, while as much is written, if
// there is nothing left to delete.
const ceilingSteps = 64

// MakeRoom is to be called after a failed write: if the disk is full, it deletes what is
// to be deleted, and reports whether that was anything. The room may be used up again in
// no time, and then it is called once more. If the disk is full all the same, because of
// a quota for example, and Config.KeepFree is given, it deletes one file each time.
func (a *Archiver) MakeRoom(err error) bool {
	if !isFull(err) {
		return false
	}
	since := a.config.Now().Sub(a.room)
	switch {
	case since < 0: // the clock was set back
	case a.roomed && since < roomPause:
		_, _ = unix.Poll(nil, int((roomPause - since).Milliseconds()))
	case !a.roomed && since < roomEvery:
		return false
	}
	if !a.config.keeps() {
		return false
	}
	silently := a.config
	silently.Messages.Warn = silent // the passes tell what cannot be read
	found, p := newPass(silently).find(), newPass(a.config)
	forced := !passed(a.forced, a.config.Now(), forceFor)
	a.roomed = p.keep(found, sweep{waiting: true, full: forced}) > 0
	if a.room = a.config.Now(); forced || !a.roomed {
		a.forced = a.room
	}
	return a.roomed
}
