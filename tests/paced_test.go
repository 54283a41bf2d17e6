//go:build linux

package tests

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
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

func startPaced(t *testing.T, dir string, args ...string) *paced {
	t.Helper()
	return pacedInto(launch(t, dir, exec.Command("logreel", args...)))
}

func pacedInto(p *process) *paced { return &paced{process: p, began: time.Now()} }

func pacedLine(number int) string { return fmt.Sprintf("%0*d\n", pacedWidth-1, number) }

// push writes the next lines with one write.
func (f *paced) push(lines int) {
	f.t.Helper()
	if err := f.write(lines); err != nil {
		f.t.Fatal(err)
	}
}

// write is push for a goroutine of the test's. It fails when nobody reads for too long.
func (f *paced) write(lines int) error {
	var text strings.Builder
	for range lines {
		text.WriteString(pacedLine(f.sent))
		f.sent++
	}
	begin := time.Now()
	if err := f.input.(*os.File).SetWriteDeadline(begin.Add(patience)); err != nil {
		return err
	}
	_, err := io.WriteString(f.input, text.String())
	f.longest = max(f.longest, time.Since(begin))
	return err
}

// pace writes lines at pacedRate. What a write that took long has put off is made up for.
func (f *paced) pace(d time.Duration) {
	begin := time.Now()
	for i := range int(d.Seconds() * pacedRate) {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / pacedRate)))
		f.push(1)
	}
}

// hear waits for a message, and takes down those before it.
func (f *paced) hear(text string) string {
	f.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-f.said:
			if !ok {
				f.t.Fatalf("the end instead of %q, after %q", text, f.heard)
			}
			f.heard = append(f.heard, line)
			if strings.Contains(line, text) {
				return line
			}
		case <-deadline:
			f.t.Fatalf("no %q in %v, but %q", text, patience, f.heard)
		}
	}
}

// hearOver waits for the end of a fault. It is named since a disk that others keep busy
// is one as well.
func (f *paced) hearOver(fault string) string {
	f.t.Helper()
	for {
		if line := f.hear(": over after"); strings.Contains(line, fault) {
			return line
		}
	}
}

// hearHeld is hearOver, and returns how many lines are said to have been held.
func (f *paced) hearHeld(fault string) int {
	f.t.Helper()
	return number(f.t, heldLines, f.hearOver(fault))
}

// complained returns what it has said so far, but for what a busy machine makes it say.
func (f *paced) complained() []string {
	return slices.Collect(strings.Lines(complaints(strings.Join(append(f.heard, ""), "\n"))))
}

// waiting returns how many bytes wait, by the answer to SIGUSR1.
func (f *paced) waiting() int {
	f.t.Helper()
	f.signal(syscall.SIGUSR1)
	return number(f.t, bytesWaiting, f.hear("bytes waiting"))
}

// waits waits until so many bytes wait, be it in the pipe or in memory.
func (f *paced) waits(bytes int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d bytes to wait", bytes), func() bool { return f.waiting() == bytes })
}

// taken waits until all that was written is read out of the pipe.
func (f *paced) taken() {
	f.t.Helper()
	conn, err := f.input.(syscall.Conn).SyscallConn()
	if err != nil {
		f.t.Fatal(err)
	}
	eventually(f.t, "an empty pipe", func() (empty bool) {
		err := conn.Control(func(fd uintptr) {
			n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
			empty = n == 0 && err == nil
		})
		return empty && err == nil
	})
}

// arrived waits until a file has so many lines.
func (f *paced) arrived(path string, lines int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d lines in %s", lines, path), func() bool {
		text, err := os.ReadFile(path)
		return err == nil && strings.Count(string(text), "\n") >= lines
	})
}

// finish ends the input, unless the test has, and checks the exit status.
func (f *paced) finish(status int) {
	f.t.Helper()
	if err := f.input.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		f.t.Fatal(err)
	}
	hung := time.AfterFunc(patience, func() { _ = f.cmd.Process.Kill() })
	defer hung.Stop()
	for line := range f.said {
		f.heard = append(f.heard, line)
	}
	f.wait(status)
}

var (
	heldLines    = regexp.MustCompile(`(\d+) lines? (?:was|were) held`)
	lostLines    = regexp.MustCompile(`error: (\d+) lines? lost that could not be written within 10s of the end of input`)
	bytesWaiting = regexp.MustCompile(`(\d+) bytes waiting`)
	dropNote     = regexp.MustCompile(`^logreel: (\d+) lines? dropped from (\S+) to (\S+)\n$`)
)

// number returns the number in a message.
func number(t *testing.T, form *regexp.Regexp, line string) int {
	t.Helper()
	found := form.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("%q has no %v", line, form)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// check fails the test unless the text is all lines, whole, once and in order.
func (f *paced) check(text string) {
	f.t.Helper()
	if dropped := f.account(text); dropped > 0 {
		f.t.Errorf("%d lines dropped", dropped)
	}
}

// account fails the test unless the text is all lines in order, but for those that a
// note in their place says were dropped. It returns their number.
func (f *paced) account(text string) (dropped int) {
	f.t.Helper()
	next := 0
	for line := range strings.Lines(text) {
		if note := dropNote.FindStringSubmatch(line); note != nil {
			n, err := strconv.Atoi(note[1])
			from, err1 := time.Parse(time.RFC3339, note[2])
			to, err2 := time.Parse(time.RFC3339, note[3])
			begin, end := f.began.Truncate(time.Second), time.Now()
			if errors.Join(err, err1, err2) != nil || n == 0 || from.Before(begin) || to.Before(from) || to.After(end) {
				f.t.Errorf("got the note %q between %v and %v", line, begin, end)
			}
			next += n
			dropped += n
			continue
		}
		if line != pacedLine(next) {
			f.t.Errorf("got %d bytes, %q…%q, where line %d should be", len(line), line[:min(len(line), 20)], line[max(0, len(line)-20):], next)
			return dropped
		}
		next++
	}
	if next != f.sent {
		f.t.Errorf("got %d lines, %d of them dropped, and %d were sent", next, dropped, f.sent)
	}
	return dropped
}

// checkFault fails the test unless one fault was said to begin and to be over, and
// nothing else was said.
func (f *paced) checkFault(begin string) {
	f.t.Helper()
	said := f.heard
	if !slow.MatchString(begin + "\n") {
		said = f.complained()
	}
	if len(said) != 2 || !strings.Contains(said[0], begin) || !strings.Contains(said[1], "over after") {
		f.t.Errorf("said:\n%s\nwant one message with %q and one that it is over", strings.Join(f.heard, "\n"), begin)
	}
}

// checkFree fails the test if the writer was held up.
func (f *paced) checkFree() {
	f.t.Helper()
	if f.longest > heldUp {
		f.t.Errorf("a write took %v", f.longest)
	}
}
