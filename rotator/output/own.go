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

// own is what an output has that writes from a goroutine of its own.
type own struct {
	timer  timer.Timer
	asleep atomic.Bool // the goroutine waits for the timer
	woken  atomic.Bool // the timer is set to wake it soon
	ending atomic.Bool // nothing more is given
	done   atomic.Bool
	err    error // what closing failed with, when it is done

	// giving is held by whoever gives, and has what follows, and the output's watch.
	giving sync.Mutex
	// abandoned says that nothing more is written, and lost is how many lines were not.
	abandoned bool
	lost      int

	reopen, next atomic.Bool // it is to reopen its file, or to go on to the next one
}

// Go starts a goroutine that writes what the output is given. Then nobody else may call
// the methods that are for the goroutine that writes. Poller is as for [timer.Timer.Open].
func (o *Output) Go(poller bool) error {
	if err := o.own.timer.Open(poller); err != nil {
		return err
	}
	o.prefix = o.name + ": "
	go o.run()
	return nil
}

// gather is how long lines that are given may wait for more before they are written: a
// wake-up for each of a fast stream's batches would cost more than writing them.
const gather = 10 * time.Millisecond

// Give puts in a copy of lines, which Flush has written. It takes all of them: the caller
// is to look before whether the buffer is full.
func (o *Output) Give(lines []byte, at time.Time) {
	o.own.giving.Lock()
	defer o.own.giving.Unlock()
	if o.own.abandoned {
		o.own.lost += bytes.Count(lines, newline)
		return
	}
	o.buffer.push(lines, at)
}

// Flush has written what was given, soon.
func (o *Output) Flush() {
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
	if o.own.asleep.Load() && (after == 0 || !o.own.woken.Swap(true)) {
		o.own.timer.Set(after)
	}
}

// Signal answers a signal, sooner or later.
func (o *Output) Signal(s os.Signal) {
	switch s {
	case syscall.SIGHUP:
		o.own.reopen.Store(true)
	case syscall.SIGALRM:
		o.own.next.Store(true)
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
	o.own.giving.Lock()
	defer o.own.giving.Unlock()
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
	o.own.giving.Lock()
	defer o.own.giving.Unlock()
	if o.watch.moves < 0 {
		return 0
	}
	return now.Sub(o.watch.moved)
}

// Abandon gives up what waits, and all that is given from now on.
func (o *Output) Abandon() {
	o.own.giving.Lock()
	defer o.own.giving.Unlock()
	o.own.abandoned = true
	o.own.lost += o.GiveUp()
}

// End says that nothing more is given, and waits until everything is written and the live
// file closed, or nothing has been written for so long. It returns how many lines are
// lost, and what closing failed with.
func (o *Output) End(last time.Duration) (lost int, err error) {
	o.own.ending.Store(true)
	o.Wake()
	moves, moved := o.buffer.progress(), time.Now()
	for !o.own.done.Load() && !o.own.abandoned {
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
	return o.own.lost, o.own.err
}

// run writes what is given, until the end.
func (o *Output) run() {
	for o.Start(); ; {
		idle := o.WriteAll()
		o.Recovered()
		o.Release()
		o.buffer.settle()
		if o.own.reopen.Swap(false) {
			o.Reopen()
		}
		if o.own.next.Swap(false) {
			o.Switch()
		}
		o.Tick(time.Now(), idle, false)
		o.noteStatus()
		if !o.sleep() {
			break
		}
	}
	o.own.err = o.Close()
	o.own.timer.Close()
	o.own.done.Store(true)
}

// sleep waits until there is something to do. It reports false at the end.
func (o *Output) sleep() bool {
	if until := o.Until(); until.IsZero() {
		o.own.timer.Stop()
	} else {
		o.own.timer.Set(time.Until(until))
	}
	o.own.woken.Store(false)
	o.own.asleep.Store(true)
	// Looked at after that: whoever changes any of it from now on sets the timer.
	switch {
	case o.buffer.bytes() > 0, o.own.reopen.Load(), o.own.next.Load():
	case o.own.ending.Load():
		return false
	default:
		o.own.timer.Wait()
	}
	o.own.asleep.Store(false)
	return true
}
