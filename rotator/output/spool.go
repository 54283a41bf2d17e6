package output

import (
	"errors"
	"fmt"
	"time"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/messages"
)

// hangs is how long the disk may do nothing before that is worth a message.
const hangs = time.Second

// A watch tells whether anything is written, while lines are spooled.
type watch struct {
	moves   int       // how often lines had been taken out of the buffer
	moved   time.Time // when that last changed
	hanging messages.Fault
	full    bool // the user was told that the buffer is full
}

// The methods below are for the goroutine that reads while the disk keeps the one that
// writes: Spool, then Push and Watch as often as it likes, then EndSpool.

// Spool begins to count the lines that are held, and to watch the disk.
func (o *Output) Spool() {
	o.buffer.hold()
	o.watch.moves, o.watch.full = -1, false
}

// Push puts in a copy of lines and returns those that find no room.
func (o *Output) Push(lines []byte, at time.Time) (rest []byte) {
	return o.buffer.push(lines, at)
}

// EndRecord says that the record is over which the lines end with that were put in last.
// It may be called by whoever puts lines in.
func (o *Output) EndRecord() { o.buffer.endRecord() }

// Full reports whether nothing more is to be read.
func (o *Output) Full() bool { return o.buffer.full() }

// Watch reports whether lines were written since it was last called. It tells the user
// when the disk does not answer, and when the buffer is full.
func (o *Output) Watch(now time.Time) (moved bool) {
	w := &o.watch
	if n := o.buffer.progress(); n != w.moves || o.teeing.Load() {
		w.moves, w.moved, moved = n, now, true
	} else if now.Sub(w.moved) >= hangs && !o.failing.Load() {
		w.hanging.Begin(w.moved, o.hang(), "lines wait in memory")
	}
	// An output of its own goroutine may have a small buffer that is full now and then.
	fault := o.prefix == "" || o.failing.Load() || now.Sub(w.moved) >= hangs
	if fault && !w.full && o.buffer.overflow() {
		w.full = true
		then := "the application waits"
		if o.buffer.drop {
			then = "lines are dropped"
		}
		o.messages.Warn("%sthe buffer is full; %s", o.prefix, then)
	}
	return moved
}

// EndSpool reports that the disk answers again, and notes in the log what was dropped.
func (o *Output) EndSpool() {
	o.watch.hanging.End(time.Now(), held(o.buffer.held()))
	o.buffer.settle()
}

// NeverDrop leaves lines that find no room with the caller, whatever Config.Drop says.
func (o *Output) NeverDrop() { o.buffer.drop = false }

// GiveUp empties the buffer and returns how many lines are lost. Nothing is to be written
// after that.
func (o *Output) GiveUp() (lost int) { return o.buffer.giveUp() }

// hang returns the error of a disk that hangs, which may be that of a link.
func (o *Output) hang() error {
	if _, ok := o.sink.(*stdout); ok {
		return errors.New(o.prefix + "standard output takes nothing")
	}
	if path := o.lastStatus().Live; path != "" {
		return fmt.Errorf("the disk does not answer (live file %s)", path)
	}
	return errors.New(o.prefix + "the disk does not answer")
}

func (o *Output) lastStatus() rotator.Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.status
}

// Report tells the user what has been done, as after SIGUSR1. Waiting is how many bytes
// wait elsewhere. Who writes is to call ReportNow.
func (o *Output) Report(waiting int) {
	s := o.lastStatus()
	live := "no live file"
	if s.Live != "" {
		live = fmt.Sprintf("live file %s of %d bytes", s.Live, s.Size)
	}
	files := ""
	if n := o.archiver.Waiting(); n > 0 {
		files = fmt.Sprintf("; %s waiting for --exec", messages.Count(n, "file"))
	}
	o.messages.Say("%s; %d bytes written and %d switches in %v; %d bytes waiting%s", live, s.Written, s.Switches,
		time.Since(o.started).Round(time.Second), o.buffer.bytes()+waiting, files)
}

// ReportNow is Report for who writes.
func (o *Output) ReportNow(waiting int) {
	o.noteStatus()
	o.Report(waiting)
}
