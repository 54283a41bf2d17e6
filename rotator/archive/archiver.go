package archive

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/process"
)

const (
	// passEvery is how often a pass is made if nothing is finished.
	passEvery = time.Hour
	// roomEvery is how often files to delete are looked for on a full disk after none
	// was found. It is a little less than the pause of the caller.
	roomEvery = 900 * time.Millisecond
	// forceFor is how long a disk is taken to be full for another reason than lack of
	// bytes, after deleting what Config.KeepFree asks for has not helped.
	forceFor = 3 * time.Second
	// roomPause is how long deleted files have to free their room on the disk before
	// more are deleted.
	roomPause = 100 * time.Millisecond
	// markEvery is how often a file that could not be marked is tried to be.
	markEvery = time.Second
	// lookAfter is how often to look whether a pass has set when the command is to run
	// again.
	lookAfter = 10 * time.Second
	// lastPass is how long the work may take after the end of input, and tellAfter how
	// long before the user is told.
	lastPass  = time.Minute
	tellAfter = 5 * time.Second
	// least is how long it may take in any case.
	least = time.Second
)

// An Archiver looks after finished files while others are written: it syncs them, and
// starts a process for each pass. Opened, Finished, Tick, Until and MakeRoom are for one
// goroutine, the one that writes. Opened and MakeRoom wait for the disk, and so does Finished if
// the file could not be marked.
type Archiver struct {
	config Config
	args   []string

	wake    chan struct{}
	closing atomic.Bool
	done    atomic.Bool
	child   atomic.Int32 // our socket to the process that makes a pass; 0 for none, or if it is to stop

	mu       sync.Mutex
	finished []string // the paths to sync

	wanted time.Time // when a pass was last asked for, without a monotonic reading
	room   time.Time // when room was last looked for
	roomed bool      // whether any was made then
	forced time.Time // when none was found though the disk was full, or a file was deleted for that

	// unmarked are the files that could not be marked as ones to be handed on, and marked
	// is when that was last tried.
	unmarked []string
	marked   time.Time
	// live is the file that lines go into; empty for none.
	live string
	// left is how much may be written before Config.KeepSize is looked at again.
	left int64

	// asked and made are how many passes were asked for, and how many of those are over.
	asked, made atomic.Int64
	hook        hookStatus

	said map[string]bool // the messages of the last pass
}

// NewArchiver returns an archiver. The arguments are those that this process was
// started with, without a command.
func NewArchiver(c Config, args []string) *Archiver {
	c = c.withDefaults()
	return &Archiver{config: c, args: args, wake: make(chan struct{}, 1), hook: hookStatus{fault: messages.Fault{Printer: c.Messages}}}
}

// Start begins the work, with a first pass.
func (a *Archiver) Start() {
	a.config.warnOfLongNames()
	go a.work()
	a.Tick(a.config.Now())
}

// Opened is to be called with the path of a file that lines will go into, when the links
// lead to it, and before Finished for the one before it.
func (a *Archiver) Opened(path string) {
	if a.config.Exec != "" {
		a.mark(path)
	}
	if a.live == "" && a.config.Compress != nil && (a.config.Link != "" || a.config.PreviousLink != "") {
		a.ask() // a link led to the file before until now
	}
	a.live = path
	a.keepCeiling()
}

// Finished is to be called with the path of a file that gets no more lines.
func (a *Archiver) Finished(path string) {
	if a.live == path {
		a.live = ""
	}
	a.markAll()
	a.mu.Lock()
	a.finished = append(a.finished, path)
	a.mu.Unlock()
	a.ask()
}

// mark marks a file as one to be handed on. If that fails, it is tried again.
func (a *Archiver) mark(path string) {
	err := Mark(a.config.Files, path)
	if err != nil && a.MakeRoom(err) {
		err = Mark(a.config.Files, path)
	}
	if err != nil && !isTooLong(err) { // which was said at the start
		a.unmarked = append(a.unmarked, path)
		a.config.Messages.Warn("--exec: %v; trying again every second", err)
	}
}

// markAll marks the files that could not be marked before.
func (a *Archiver) markAll() {
	paths := a.unmarked
	a.unmarked, a.marked = nil, a.config.Now()
	for _, path := range paths {
		if Mark(a.config.Files, path) != nil {
			a.unmarked = append(a.unmarked, path)
		}
	}
	if len(paths) > len(a.unmarked) {
		a.ask() // they may be finished
	}
}

// ask asks for a pass.
func (a *Archiver) ask() {
	a.wanted = a.config.Now().Round(0)
	a.wakeUp()
}

// Tick asks for a pass when it is time for one. It is to be called now and then.
func (a *Archiver) Tick(now time.Time) {
	if len(a.unmarked) > 0 && passed(a.marked, now, markEvery) {
		a.markAll()
	}
	now = now.Round(0) // the wall clock alone, by which the caller waits
	if a.config.Idle() {
		return
	}
	due := a.hook.due.Load()
	again := due != 0 && passed(time.Unix(0, due).Add(-lastRetry), now, lastRetry)
	if again {
		a.hook.due.Store(0)
	}
	if again || passed(a.wanted, now, passEvery) {
		a.wanted = now
		a.wakeUp()
	}
}

// passed reports whether so long has passed since a time. A clock that was set back ends
// any wait.
func passed(since, now time.Time, wait time.Duration) bool {
	d := now.Sub(since)
	return d >= wait || d < 0
}

// Until returns when Tick is to be called; the zero time for never.
func (a *Archiver) Until() time.Time {
	if a.config.Idle() {
		return time.Time{}
	}
	until := a.wanted.Add(passEvery)
	sooner := func(t time.Time) {
		if t.Before(until) {
			until = t
		}
	}
	if due := a.hook.due.Load(); due != 0 {
		sooner(time.Unix(0, due))
	}
	if len(a.unmarked) > 0 {
		sooner(a.marked.Round(0).Add(markEvery))
	}
	if a.config.Exec != "" && a.asked.Load() != a.made.Load() {
		sooner(a.config.Now().Round(0).Add(lookAfter)) // the pass may set when it is due
	}
	return until
}

// Waiting returns how many files wait to be handed on, as far as the passes have told.
func (a *Archiver) Waiting() int { return int(a.hook.waiting.Load()) }

// Close waits until the work is done, but no longer than patience or a minute, or until
// stop reports true; and for a second in any case. What is not done then is left for the
// next start.
func (a *Archiver) Close(patience time.Duration, stop func() bool) {
	a.closing.Store(true)
	a.wakeUp()
	patience = max(min(patience, lastPass), least)
	waiting := "waiting for finished files to be compressed and handed on, for %v at the most; SIGTERM leaves them for the next start"
	left := "what is to be done with finished files is left for the next start"
	if a.config.Idle() {
		waiting = "waiting for finished files to be synced, for %v at the most; SIGTERM ends the wait"
		left = "what was finished last may not survive a power cut"
	}
	told := false
	for begun := time.Now(); !a.done.Load(); {
		// Not time.Sleep: a timer of the runtime opens descriptors.
		_, _ = unix.Poll(nil, 1)
		waited := time.Since(begun)
		if !told && waited > tellAfter {
			told = true
			a.config.Messages.Say(waiting, patience)
		}
		if waited > patience || waited > least && stop() {
			a.config.Messages.Say("%s", left)
			if child := a.child.Swap(0); child != 0 {
				_ = unix.Shutdown(int(child), unix.SHUT_RDWR)
			}
			return
		}
	}
}

func (a *Archiver) wakeUp() {
	a.asked.Add(1)
	select {
	case a.wake <- struct{}{}:
	default: // work will look anyway
	}
}

// work makes the passes, until the end. The first pass is made even if the end comes first.
func (a *Archiver) work() {
	started := false
	for range a.wake {
		asked := a.asked.Load()
		a.mu.Lock()
		paths := a.finished
		a.finished = nil
		a.mu.Unlock()
		if a.sync(paths); !a.config.Idle() && (len(paths) > 0 || !started || !a.closing.Load()) {
			a.pass(!started)
			started = true
		}
		a.made.Store(asked)
		if a.closing.Load() && len(a.wake) == 0 {
			a.done.Store(true)
			return
		}
	}
}

// sync makes finished files survive a power cut.
func (a *Archiver) sync(paths []string) {
	for _, path := range paths {
		if err := a.config.Sync(path); err != nil {
			a.config.Messages.Warn("%v; it may not survive a power cut", err)
		}
	}
}

// pass starts the process that makes a pass, and waits for its end.
func (a *Archiver) pass(first bool) {
	before := a.said
	a.said = map[string]bool{}
	messages, pid, err := a.start(first)
	if err != nil {
		a.say(before, "warning: finished files are left alone for now: "+err.Error())
		return
	}
	a.child.Store(int32(messages))
	complete := false
	lines := bufio.NewScanner(descriptor(messages))
	for lines.Scan() {
		if r, ok := parseReport(lines.Text()); ok {
			a.hook.take(r, a.config.Now())
		} else if complete = lines.Text() == lastLine; !complete {
			a.say(before, lines.Text())
		}
	}
	stopped := a.child.Swap(0) == 0
	_ = unix.Close(messages)
	for { // in command mode somebody else may have reaped it
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			break
		}
	}
	if !complete && !stopped {
		a.say(before, "warning: the process that looks after finished files ended early; what it left is done next time")
	}
}

// say passes on a message of a pass, unless it is a warning that the pass before had too.
func (a *Archiver) say(before map[string]bool, message string) {
	if a.said[message] {
		return
	}
	a.said[message] = true
	if warning, ok := strings.CutPrefix(message, "warning: "); !ok {
		a.config.Messages.Detail("%s", message)
	} else if !before[message] {
		a.config.Messages.Warn("%s", warning)
	}
}

// start starts the process that makes a pass. It gets our standard error for what
// Config.Exec prints, and a socket for its own messages.
func (a *Archiver) start(first bool) (messages, pid int, err error) {
	syscall.ForkLock.RLock()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, 0, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(ends[1])
	args := []string{Flag}
	if first {
		args = append(args, FlagFirst)
	}
	if pid, err = process.StartSelf(append(args, a.args...), ends[1]); err != nil {
		return 0, 0, errors.Join(err, unix.Close(ends[0]))
	}
	return ends[0], pid, nil
}

// A descriptor reads without the runtime's poller.
type descriptor int

func (d descriptor) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
