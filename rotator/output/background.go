package output

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/timer"
)

// A background is what an output has that writes from a goroutine of its own.
type background struct {
	timer  timer.Timer
	asleep atomic.Bool // the goroutine waits for the timer
	woken  atomic.Bool // the timer is set to wake it soon
	ending atomic.Bool // nothing more is given
	done   atomic.Bool
	err    error // what closing failed with, when it is done

	// giving guards what follows, and the output's watch.
	giving sync.Mutex
	// abandoned says that nothing more is written, and lost is how many lines were not.
	abandoned bool
	lost      int

	reopen, next atomic.Bool // it is to reopen its file, or to go on to the next one
}

// RunInBackground starts a goroutine that writes what the output is given. Then nobody else
// may call the methods that are for the goroutine that writes. Poller is as for
// [timer.Timer.Open].
func (o *Output) RunInBackground(poller bool) error {
	if err := o.background.timer.Open(poller); err != nil {
		return err
	}
	o.prefix = o.name + ": "
	go o.run()
	return nil
}

// gather is how long lines that are given may wait for more before they are written: a
// wake-up for each of a fast stream's batches would cost more than writing them.
const gather = 10 * time.Millisecond

// Give puts in a copy of lines, which is written after the next Schedule. It takes all of
// them: the caller must look before whether the buffer is full.
func (o *Output) Give(lines []byte, at time.Time) {
	o.background.giving.Lock()
	defer o.background.giving.Unlock()
	if o.background.abandoned {
		o.background.lost += bytes.Count(lines, newline)
		return
	}
	o.buffer.push(lines, at)
}

// Schedule makes the goroutine write what was given, soon.
func (o *Output) Schedule() {
	switch {
	case o.buffer.bytes() == 0:
	case o.Full():
		o.wake(0)
	default:
		o.wake(gather)
	}
}

// Wake has the goroutine look at the time: the clock may have been set.
func (o *Output) Wake() { o.wake(0) }

func (o *Output) wake(after time.Duration) {
	if o.background.asleep.Load() && (after == 0 || !o.background.woken.Swap(true)) {
		o.background.timer.Set(after)
	}
}

// Signal answers a signal, sooner or later.
func (o *Output) Signal(s os.Signal) {
	switch s {
	case syscall.SIGHUP:
		o.background.reopen.Store(true)
	case syscall.SIGALRM:
		o.background.next.Store(true)
	case syscall.SIGUSR1:
		o.Report(0)
		return
	}
	o.Wake()
}

// Observe is to be called now and then, and once a second while lines wait, by whoever gives
// them. It tells the user when the disk does not answer, and when the buffer is full. It
// reports whether lines wait.
func (o *Output) Observe(now time.Time) (waiting bool) {
	o.background.giving.Lock()
	defer o.background.giving.Unlock()
	if o.buffer.bytes() > 0 {
		o.Watch(now)
		return true
	}
	o.watch.hanging.End(now, held(o.buffer.held()))
	o.Spool()
	return false
}

// Stuck returns for how long nothing has been written though lines wait, as far as Observe
// has seen.
func (o *Output) Stuck(now time.Time) time.Duration {
	o.background.giving.Lock()
	defer o.background.giving.Unlock()
	if o.watch.moves < 0 {
		return 0
	}
	return now.Sub(o.watch.moved)
}

// Abandon gives up what waits, and all that is given from now on.
func (o *Output) Abandon() {
	o.background.giving.Lock()
	defer o.background.giving.Unlock()
	o.background.abandoned = true
	o.background.lost += o.GiveUp()
}

// gaveUp reports whether Abandon has been called.
func (o *Output) gaveUp() bool {
	o.background.giving.Lock()
	defer o.background.giving.Unlock()
	return o.background.abandoned
}

// End says that nothing more is given, and waits until everything is written and the live
// file closed, or nothing has been written for so long. It returns how many lines are
// lost, and what closing failed with.
func (o *Output) End(last time.Duration) (lost int, err error) {
	o.background.ending.Store(true)
	o.Wake()
	moves, moved := o.buffer.progress(), time.Now()
	for !o.background.done.Load() && !o.background.abandoned {
		// Not time.Sleep: a timer of the runtime opens descriptors.
		_, _ = unix.Poll(nil, 1)
		now := time.Now()
		o.Observe(now)
		if n := o.buffer.progress(); n != moves || o.teeing.Load() {
			moves, moved = n, now
		} else if now.Sub(moved) >= last {
			o.Abandon()
		}
	}
	return o.background.lost, o.background.err
}

// run writes what is given, until the end.
func (o *Output) run() {
	for o.Start(); ; {
		idle := o.WriteAll()
		if o.gaveUp() {
			o.background.done.Store(true)
			return // what is left unwritten is no fault that is over
		}
		o.Recovered()
		o.Release()
		o.buffer.settle()
		if o.background.reopen.Swap(false) {
			o.Reopen()
		}
		if o.background.next.Swap(false) {
			o.Switch()
		}
		o.Tick(time.Now(), idle, false)
		o.noteStatus()
		if !o.sleep() {
			break
		}
	}
	o.background.err = o.Close()
	o.background.timer.Close()
	o.background.done.Store(true)
}

// sleep waits until there is something to do. It reports false at the end.
func (o *Output) sleep() bool {
	if until := o.Until(); until.IsZero() {
		o.background.timer.Stop()
	} else {
		o.background.timer.Set(time.Until(until))
	}
	o.background.woken.Store(false)
	o.background.asleep.Store(true)
	// Looked at after that: whoever changes any of it from now on sets the timer.
	switch {
	case o.buffer.bytes() > 0, o.background.reopen.Load(), o.background.next.Load():
	case o.background.ending.Load():
		return false
	default:
		o.background.timer.Wait()
	}
	o.background.asleep.Store(false)
	return true
}
