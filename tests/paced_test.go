//go:build linux

package tests

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pacedWidth is how long a line is. At pacedRate that fills a pipe of
	// 1 MiB in half a second, so a writer that was never held up shows that the pipe
	// was read all the time.
	pacedWidth = 1000
	pacedRate  = 2000
	// heldUp is how long a write may take before the writer counts as held up. A
	// busy machine takes some tenths of a second, a fault here lasts for three.
	heldUp = time.Second
	// unseen is longer than the time for which a logreel does not look whether its
	// live file is still the one that its name leads to.
	unseen = 60 * time.Millisecond
)

// A paced logreel is fed numbered lines at a pace, and what it says is taken down.
type paced struct {
	*process
	began   time.Time
	sent    int           // lines
	longest time.Duration // of the writes
	heard   []string
}

// startPaced runs logreel without any flags but those given.
func startPaced(t *testing.T, args ...string) *paced {
	t.Helper()
	return newFolder(t).startPaced(args...)
}

func (d *folder) startPaced(args ...string) *paced {
	d.t.Helper()
	return d.startPlain(args...).paced()
}

// paced feeds a logreel that has had no line yet.
func (p *process) paced() *paced { return &paced{process: p, began: time.Now()} }

func pacedLine(number int) string { return fmt.Sprintf("%0*d\n", pacedWidth-1, number) }

// push writes the next lines with one write.
func (p *paced) push(lines int) {
	p.t.Helper()
	must(p.t, p.tryPush(lines))
}

// pushInto is push, and waits until the lines are in a file.
func (p *paced) pushInto(name string, lines int) {
	p.t.Helper()
	p.push(lines)
	p.awaitLines(name, lines)
}

// pushUntil writes lines until there is a file of that name.
func (p *paced) pushUntil(name string) {
	p.t.Helper()
	eventually(p.t, name, func() bool {
		p.push(1)
		return p.exists(name)
	})
}

// tryPush is push for a goroutine of the test's. It fails when nobody reads for too long.
func (p *paced) tryPush(lines int) error {
	var text strings.Builder
	for range lines {
		text.WriteString(pacedLine(p.sent))
		p.sent++
	}
	begin := time.Now()
	if err := p.input.(*os.File).SetWriteDeadline(begin.Add(patience)); err != nil {
		return err
	}
	_, err := io.WriteString(p.input, text.String())
	p.longest = max(p.longest, time.Since(begin))
	return err
}

// pace writes lines at pacedRate. What a write that took long has put off is made up for.
func (p *paced) pace(d time.Duration) {
	begin := time.Now()
	for i := range int(d.Seconds() * pacedRate) {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / pacedRate)))
		p.push(1)
	}
}

// hear waits for a message, and takes down those before it.
func (p *paced) hear(text string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-p.said:
			if !ok {
				p.t.Fatalf("the end instead of %q, after %q", text, p.heard)
			}
			p.heard = append(p.heard, line)
			if strings.Contains(line, text) {
				return line
			}
		case <-deadline:
			p.t.Fatalf("no %q in %v, but %q", text, patience, p.heard)
		}
	}
}

// hearOver waits for the end of a fault. It is named since a disk that others keep busy
// is one as well.
func (p *paced) hearOver(fault string) string {
	p.t.Helper()
	for {
		if line := p.hear(": over after"); strings.Contains(line, fault) {
			return line
		}
	}
}

// expectHeld waits for the end of a fault, and fails the test unless it is said to have
// held so many lines.
func (p *paced) expectHeld(fault string, lines int) {
	p.t.Helper()
	p.expectHeldWithin(fault, lines, lines)
}

func (p *paced) expectHeldWithin(fault string, least, most int) {
	p.t.Helper()
	if held := number(p.t, heldLines, p.hearOver(fault)); held < least || held > most {
		p.t.Errorf("%d lines were held, want %d at least, and %d at most", held, least, most)
	}
}

// expectSaidOnce fails the test unless one message of all had the text.
func (p *paced) expectSaidOnce(text string) {
	p.t.Helper()
	if n := strings.Count(strings.Join(p.heard, "\n"), text); n != 1 {
		p.t.Errorf("%q was said %d times:\n%s", text, n, strings.Join(p.heard, "\n"))
	}
}

// expectOneMessage fails the test unless that is how often it has said anything.
func (p *paced) expectOneMessage() {
	p.t.Helper()
	if said := p.complained(); len(said) != 1 {
		p.t.Errorf("said %q, want one message", said)
	}
}

// lost returns how many lines its last message says are lost.
func (p *paced) lost() int {
	p.t.Helper()
	return number(p.t, lostLines, p.heard[len(p.heard)-1])
}

// complained returns what it has said so far, but for what a busy machine makes it say.
func (p *paced) complained() []string {
	return strings.FieldsFunc(complaints(strings.Join(append(p.heard, ""), "\n")), func(r rune) bool { return r == '\n' })
}

// waiting returns how many bytes wait, by the answer to SIGUSR1.
func (p *paced) waiting() int {
	p.t.Helper()
	p.report()
	return number(p.t, bytesWaiting, p.hear("bytes waiting"))
}

// awaitWaiting waits until so many lines wait, be it in the pipe or in memory.
func (p *paced) awaitWaiting(lines int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%d lines to wait", lines), func() bool { return p.waiting() == lines*pacedWidth })
}

// awaitTaken waits until all that was written is read out of the pipe.
func (p *paced) awaitTaken() {
	p.t.Helper()
	conn, err := p.input.(syscall.Conn).SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "an empty pipe", func() (empty bool) {
		err := conn.Control(func(fd uintptr) {
			n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
			empty = n == 0 && err == nil
		})
		return empty && err == nil
	})
}

// awaitLines waits until files have so many lines at least.
func (p *paced) awaitLines(pattern string, lines int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%d lines in %s", lines, pattern), func() bool { return strings.Count(p.content(pattern), "\n") >= lines })
}

// expectLines fails the test unless a text has so many lines.
func (p *paced) expectLines(about, text string, lines int) {
	p.t.Helper()
	if len(text) != lines*pacedWidth {
		p.t.Errorf("%s: got %d bytes, want %d", about, len(text), lines*pacedWidth)
	}
}

// finish ends the input, unless the test has, and checks the exit status.
func (p *paced) finish(status int) {
	p.t.Helper()
	if err := p.input.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		p.t.Fatal(err)
	}
	hung := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer hung.Stop()
	for line := range p.said {
		p.heard = append(p.heard, line)
	}
	p.wait(status)
}

// finishWhole ends the input, and fails the test unless all lines are in files, once and
// in order.
func (p *paced) finishWhole(pattern string) {
	p.t.Helper()
	p.finish(0)
	p.expectNothingLost(p.content(pattern))
}

// expectNothingLost fails the test unless the text is all lines, whole, once and in order.
func (p *paced) expectNothingLost(text string) {
	p.t.Helper()
	if dropped := p.account(text); dropped > 0 {
		p.t.Errorf("%d lines dropped", dropped)
	}
}

// account fails the test unless the text is all lines in order, but for those that a
// note in their place says were dropped. It returns their number.
func (p *paced) account(text string) (dropped int) {
	p.t.Helper()
	next := 0
	for line := range strings.Lines(text) {
		if note := dropNote.FindStringSubmatch(line); note != nil {
			n, err := strconv.Atoi(note[1])
			from, err1 := time.Parse(time.RFC3339, note[2])
			to, err2 := time.Parse(time.RFC3339, note[3])
			begin, end := p.began.Truncate(time.Second), time.Now()
			if errors.Join(err, err1, err2) != nil || n == 0 || from.Before(begin) || to.Before(from) || to.After(end) {
				p.t.Errorf("got the note %q between %v and %v", line, begin, end)
			}
			next += n
			dropped += n
			continue
		}
		if line != pacedLine(next) {
			p.t.Errorf("got %d bytes, %q…%q, where line %d should be", len(line), line[:min(len(line), 20)], line[max(0, len(line)-20):], next)
			return dropped
		}
		next++
	}
	if next != p.sent {
		p.t.Errorf("got %d lines, %d of them dropped, and %d were sent", next, dropped, p.sent)
	}
	return dropped
}

// expectOneFault fails the test unless one fault was said to begin and to be over, and
// nothing else was said.
func (p *paced) expectOneFault(begin string) {
	p.t.Helper()
	said := p.heard
	if !slow.MatchString(begin + "\n") {
		said = p.complained()
	}
	if len(said) != 2 || !strings.Contains(said[0], begin) || !strings.Contains(said[1], "over after") {
		p.t.Errorf("said:\n%s\nwant one message with %q and one that it is over", strings.Join(p.heard, "\n"), begin)
	}
}

// expectNeverHeldUp fails the test if the writer was held up.
func (p *paced) expectNeverHeldUp() {
	p.t.Helper()
	if p.longest > heldUp {
		p.t.Errorf("a write took %v", p.longest)
	}
}
