//go:build linux

package tests

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// These tests do something to the live file of a running logreel.

// A live file that is moved away, and what else leads its name elsewhere: the next line
// is in a file of that name, and what was moved keeps the lines it had.
func TestLiveFileNameLeadsElsewhere(t *testing.T) {
	t.Parallel()
	for about, away := range map[string]func(p *paced){
		"moved": func(p *paced) { p.move("logs/app.log", "logs/app.log.old") },
		"replaced": func(p *paced) {
			p.put("logs/other", "")
			p.move("logs/other", "logs/app.log")
		},
		"deleted":           func(p *paced) { p.remove("logs/app.log") },
		"directory removed": func(p *paced) { p.remove("logs") },
		"directory moved":   func(p *paced) { p.move("logs", "logs.old") },
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := newLogs(t).startPaced("--every=never", "logs/app.log")
			p.pushInto("logs/app.log", 3)
			old := p.keepOpen("logs/app.log")
			away(p)
			time.Sleep(unseen)
			p.push(2)
			p.hear("warning: logs/app.log: moved away or deleted by someone; opening it anew")
			p.awaitLines("logs/app.log", 2)
			p.push(1)
			p.finish(0)
			p.expectLines("the old file", old(), 3)
			p.expectNothingLost(old() + p.read("logs/app.log"))
			p.expectOneMessage()
		})
	}
}

// The last file of a series goes away. What comes then belongs into it anew or, after
// SIGALRM, into the next one, and never into one of those before, which are finished.
func TestLiveFileSeries(t *testing.T) {
	t.Parallel()
	for about, away := range map[string]func(p *paced){
		"moved": func(p *paced) { p.move("logs/app.log.1", "moved") },
		"moved and SIGALRM": func(p *paced) {
			p.move("logs/app.log.1", "moved")
			p.signal(syscall.SIGALRM)
			p.waiting() // which is answered after it
		},
		"deleted": func(p *paced) { p.remove("logs/app.log.1") },
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := newLogs(t).startPaced("--size=1M", "logs/app.log")
			p.pushInto("logs/app.log", 2)
			p.signal(syscall.SIGALRM)
			p.waiting()
			p.pushInto("logs/app.log.1", 3)
			old := p.keepOpen("logs/app.log.1")
			away(p)
			time.Sleep(unseen)
			p.push(1)
			p.finish(0)
			first := p.read("logs/app.log")
			p.expectLines("the first file", first, 2)
			p.expectNothingLost(first + old() + p.content("logs/app.log.*"))
		})
	}
}

// A live file is deleted while lines flow: what was written into it until that was
// noticed is lost, and nothing else.
func TestLiveFileDeleted(t *testing.T) {
	t.Parallel()
	p := newLogs(t).startPaced("--every=never", "logs/app.log")
	p.pace(500 * time.Millisecond)
	old, before := p.keepOpen("logs/app.log"), p.sent
	p.remove("logs/app.log")
	p.pace(500 * time.Millisecond)
	p.finish(0)
	lost := old()
	p.expectNothingLost(lost + p.read("logs/app.log"))
	// 20 ms, and as much again as a busy machine may take.
	if late := len(lost)/pacedWidth - before; late > pacedRate/5 {
		t.Errorf("%d lines went into the deleted file", late)
	}
}

// A file system is lazily unmounted, and another mounted in its place.
func TestLiveFileUnmounted(t *testing.T) {
	t.Parallel()
	const anew = "moved away or deleted by someone; opening it anew"
	p := newSmallDisk(t, "1m").startPaced("--every=never", "logs/app.log")
	p.pushInto("logs/app.log", 3)
	first := p.keepOpen("logs/app.log")
	p.unmount("logs")
	time.Sleep(unseen)
	p.push(2)
	p.hear(anew)
	p.awaitLines("logs/app.log", 2)
	second := p.keepOpen("logs/app.log")
	p.mountMemory("logs", "1m")
	time.Sleep(unseen)
	p.push(1)
	p.hear(anew)
	p.finish(0)
	p.expectNothingLost(first() + second() + p.read("logs/app.log"))
	p.expectLines("the file system that was mounted first", first(), 3)
	p.expectLines("what was below it", second(), 2)
}

// A live file that is deleted where it cannot be made anew: lines wait in memory, since
// nobody would read them in a file without a name.
func TestLiveFileDeletedForGood(t *testing.T) {
	t.Parallel()
	p := newLogs(t).startPaced("--every=never", "logs/app.log")
	p.pushInto("logs/app.log", 3)
	old := p.keepOpen("logs/app.log")
	p.remove("logs/app.log")
	allow := p.forbid("logs")
	time.Sleep(unseen)
	p.push(5)
	p.hear("operation not permitted; lines wait in memory, trying again every second")
	p.push(5)
	p.awaitTaken()
	p.awaitWaiting(10)
	allow()
	p.expectHeld("operation not permitted", 10)
	p.finish(0)
	p.expectLines("the deleted file", old(), 3)
	p.expectNothingLost(old() + p.read("logs/app.log"))
}

// A user who is not root, a directory that is not his any more, and a live file that was
// moved away: lines go on into it until a new one can be made.
func TestLiveFileMovedForGood(t *testing.T) {
	t.Parallel()
	needRoot(t, "setpriv", "chown")
	d := newLogs(t)
	run(t, "chown", "nobody", d.at("logs"))
	p := d.startProgram("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
		logreel, "--every=never", "logs/app.log").paced()
	p.pushInto("logs/app.log", 3)
	p.chmod("logs", 0o555)
	p.move("logs/app.log", "logs/moved.log")
	time.Sleep(unseen)
	p.push(5)
	p.hear("permission denied; keeping logs/app.log, trying again every second")
	p.awaitLines("logs/moved.log", 8)
	p.chmod("logs", 0o755)
	p.pushUntil("logs/app.log")
	p.finish(0)
	p.expectNothingLost(p.read("logs/moved.log") + p.read("logs/app.log"))
}

// Someone cuts the live file: it is gone on with at its end, without a hole, and on a
// line of its own.
func TestLiveFileTruncated(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 2 * pacedWidth, 5 * pacedWidth / 2} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			p := startPaced(t, "--every=never", "app.log")
			p.pushInto("app.log", 4)
			want := p.read("app.log")[:size]
			must(t, os.Truncate(p.at("app.log"), int64(size)))
			time.Sleep(unseen)
			p.push(1)
			p.hear(fmt.Sprintf("warning: app.log: truncated by someone, from %d to %d bytes; going on at its end", 4*pacedWidth, size))
			p.push(1)
			p.finish(0)
			if size%pacedWidth != 0 {
				want += "\n"
			}
			p.expect("app.log", want+pacedLine(4)+pacedLine(5))
			p.expectOneMessage()
		})
	}
}
