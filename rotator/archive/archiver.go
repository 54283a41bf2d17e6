package archive

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/process"
)

const (
	// passEvery is how often a pass is made if nothing is finished.
	passEvery = time.Hour
	// roomEvery is how often files to delete are looked for on a full disk after none
	// was found.
	roomEvery = 10 * time.Second
	// roomPause is how long deleted files have to free their room on the disk before
	// more are deleted.
	roomPause = 100 * time.Millisecond
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

	// unmarked is the live file, if it could not be marked as one to be handed on.
	unmarked string

	said map[string]bool // the messages of the last pass
}

// NewArchiver returns an archiver. The arguments are those that this process was
// started with, without a command.
func NewArchiver(c Config, args []string) *Archiver {
	return &Archiver{config: c.withDefaults(), args: args, wake: make(chan struct{}, 1)}
}

// Start begins the work, with a first pass.
func (a *Archiver) Start() {
	go a.work()
	a.Tick(a.config.Now())
}

// Opened is to be called with the path of a file that lines will go into.
func (a *Archiver) Opened(path string) {
	if a.config.Exec == "" {
		return
	}
	a.unmarked = ""
	if err := Mark(a.config.Files, path); err != nil {
		a.unmarked = path
		a.config.Messages.Warn("--exec: %v; trying again when the file is finished", err)
	}
}

// Finished is to be called with the path of a file that gets no more lines.
func (a *Archiver) Finished(path string) {
	if a.unmarked == path {
		if err := Mark(a.config.Files, path); err != nil {
			a.config.Messages.Warn("--exec: %v; it will not get %s", err, path)
		}
	}
	a.mu.Lock()
	a.finished = append(a.finished, path)
	a.mu.Unlock()
	a.wanted = a.config.Now().Round(0)
	a.wakeUp()
}

// Tick asks for a pass when it is time for one. It is to be called now and then.
func (a *Archiver) Tick(now time.Time) {
	now = now.Round(0) // the wall clock alone, by which the caller waits
	if since := now.Sub(a.wanted); !a.config.Idle() && (since >= passEvery || since < 0) {
		a.wanted = now
		a.wakeUp()
	}
}

// Until returns when Tick is to be called; the zero time for never.
func (a *Archiver) Until() time.Time {
	if a.config.Idle() {
		return time.Time{}
	}
	return a.wanted.Add(passEvery)
}

// MakeRoom is to be called after a failed write: if the disk is full and Config.KeepFree
// is given, it deletes what is to be deleted, and reports whether that was anything. The
// room may be used up again in no time, and then it is called once more.
func (a *Archiver) MakeRoom(err error) bool {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
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
	a.roomed = makeRoom(a.config)
	a.room = a.config.Now()
	return a.roomed
}

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
	select {
	case a.wake <- struct{}{}:
	default: // work will look anyway
	}
}

// work makes the passes, until the end. The first pass is made even if the end comes first.
func (a *Archiver) work() {
	started := false
	for range a.wake {
		a.mu.Lock()
		paths := a.finished
		a.finished = nil
		a.mu.Unlock()
		if a.sync(paths); !a.config.Idle() && (len(paths) > 0 || !started || !a.closing.Load()) {
			started = true
			a.pass()
		}
		if a.closing.Load() && len(a.wake) == 0 {
			a.done.Store(true)
			return
		}
	}
}

// sync makes finished files survive a power cut.
func (a *Archiver) sync(paths []string) {
	for _, path := range paths {
		f, err := a.config.Files.Read(path)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			a.config.Messages.Warn("%v; it may not survive a power cut", err)
		}
	}
}

// pass starts the process that makes a pass, and waits for its end.
func (a *Archiver) pass() {
	before := a.said
	a.said = map[string]bool{}
	messages, pid, err := a.start()
	if err != nil {
		a.say(before, "warning: finished files are left alone for now: "+err.Error())
		return
	}
	a.child.Store(int32(messages))
	complete := false
	lines := bufio.NewScanner(descriptor(messages))
	for lines.Scan() {
		if complete = lines.Text() == lastLine; !complete {
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
func (a *Archiver) start() (messages, pid int, err error) {
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
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		err = &fs.PathError{Op: "open", Path: os.DevNull, Err: err}
	} else {
		defer unix.Close(null)
		pid, err = startSelf(append([]string{"logreel", Flag}, a.args...), []uintptr{uintptr(null), 2, 2, uintptr(ends[1])})
	}
	if err != nil {
		return 0, 0, errors.Join(err, unix.Close(ends[0]))
	}
	return ends[0], pid, nil
}

// startSelf starts this program once more.
func startSelf(args []string, descriptors []uintptr) (pid int, err error) {
	program, err := process.Self()
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec(program, args, &syscall.ProcAttr{Env: os.Environ(), Files: descriptors})
	if err != nil {
		return 0, &fs.PathError{Op: "start", Path: program, Err: err}
	}
	return pid, nil
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
