//go:build linux

package intake

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testWriter in the environment makes this test binary a writer on standard output,
// so that the kernel sees as many processes as a test needs: see beWriter.
const testWriter = "LOGREEL_TEST_WRITER"

func TestMain(m *testing.M) {
	if role := os.Getenv(testWriter); role != "" {
		beWriter(role)
	}
	os.Exit(m.Run())
}

// A script is what one writer writes: lines that begin with its name and hold nothing
// but their number and its name, so that a line says who wrote every byte of it. None
// is empty.
type script struct {
	name byte
	text []byte
	// said is how much of the text has been written.
	said int
}

func newScript(name byte, lines, longest int, random *rand.Rand) *script {
	s := &script{name: name}
	for i := range lines {
		s.text = fmt.Appendf(s.text, "%c%d:", name, i)
		s.text = append(s.text, bytes.Repeat([]byte{name}, random.IntN(1+random.IntN(longest)))...)
		s.text = append(s.text, '\n')
	}
	return s
}

// say returns the next bytes, fewer at the end.
func (s *script) say(n int) []byte {
	n = min(n, len(s.text)-s.said)
	s.said += n
	return s.text[s.said-n : s.said]
}

// tail is what has been said of a line that has not ended.
func (s *script) tail() []byte {
	said := s.text[:s.said]
	return said[bytes.LastIndexByte(said, '\n')+1:]
}

// byName takes an output apart into what each writer should have written.
func byName(out []byte) map[byte]string {
	parts := map[byte]string{}
	for line := range bytes.Lines(out) {
		parts[line[0]] += string(line)
	}
	return parts
}

// compareScript fails unless the output has all that the writer said, in order, with
// its last line ended.
func compareScript(t *testing.T, s *script, parts map[byte]string) {
	t.Helper()
	want := string(s.text[:s.said])
	if want != "" && !strings.HasSuffix(want, "\n") {
		want += "\n"
	}
	if got := parts[s.name]; got != want {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Fatalf("writer %c: got %d bytes, want %d; from byte %d on %.60q, want %.60q", s.name, len(got), len(want), at, got[at:], want[at:])
	}
}

// testDemux returns a demux that no socket feeds.
func testDemux(most int) *demux {
	return &demux{fd: -1, now: time.Now(), longestWait: longestWait, most: most, longest: most, writers: map[int32]*writer{}}
}

// take has the demultiplexer take a writer's bytes, and appends what is ready then to out.
func take(c *demux, out []byte, pid int32, text string) []byte {
	c.take(pid, []byte(text), false)
	return drain(c, out)
}

// drain appends what is ready to out, which comes in pieces.
func drain(c *demux, out []byte) []byte {
	var piece [1000]byte
	for c.waits() {
		out = append(out, c.drain(piece[:0])...)
	}
	return out
}

// checkList fails unless a list is as long as it says, and wastes no memory.
func checkList(t *testing.T, c *chunks) {
	t.Helper()
	length, count := 0, 0
	for b := c.first; b != nil; b = b.next {
		length += b.end - b.begin
		count++
		if b.begin >= b.end || (b.next == nil) != (b == c.last) {
			t.Fatalf("chunk %d has bytes %d to %d; the last one is %p, the next %p of %p", count, b.begin, b.end, c.last, b.next, b)
		}
	}
	if length != c.length || count > length/chunkSize+length/copyLimit+2 {
		t.Fatalf("%d bytes in %d chunks are counted as %d bytes", length, count, c.length)
	}
}

// checkKept holds the demultiplexer against what is true of it at any time.
func checkKept(t *testing.T, c *demux) {
	t.Helper()
	checkList(t, &c.held)
	kept := c.held.length
	for pid, w := range c.writers {
		checkList(t, &w.rest)
		checkList(t, &w.record)
		kept += w.record.length + w.rest.length
		switch rest := w.rest.appendTo(nil); {
		case w.pid != pid:
			t.Fatalf("process %d is kept as %d", w.pid, pid)
		case bytes.IndexByte(rest, '\n') >= 0:
			t.Fatalf("process %d has a whole line among its rest %.60q", pid, rest)
		case w.record.length > maxRecord || c.lastStart == nil && w.record.length > 0:
			t.Fatalf("process %d is kept with a record of %d bytes", pid, w.record.length)
		case len(rest)+w.record.length == 0 && w != c.streaming:
			t.Fatalf("process %d is kept with nothing", pid)
		}
	}
	switch {
	case c.rests() != kept || c.waits():
		t.Fatalf("%d bytes are counted, %d are kept, and %d not drained", c.rests(), kept, c.ready.length)
	case kept > 2*c.most || len(c.writers) > maxWriters:
		t.Fatalf("%d bytes of %d writers are kept", kept, len(c.writers))
	case c.streaming == nil && c.held.length > 0:
		t.Fatalf("%d bytes wait for nobody", c.held.length)
	case c.streaming != nil && c.writers[c.streaming.pid] != c.streaming:
		t.Fatalf("the streaming writer %d is not among the writers", c.streaming.pid)
	}
}

// checkPrompt fails unless all that can be passed on has been: whole lines at once, and
// of an unfinished one no more than is needed.
func checkPrompt(t *testing.T, c *demux, out []byte, scripts []*script) {
	t.Helper()
	if c.streaming != nil {
		return // whole lines wait
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		t.Fatalf("the output ends in %.60q, and nobody's line is open", out[max(0, len(out)-60):])
	}
	for i, s := range scripts {
		kept := []byte(nil)
		if w := c.writers[int32(i+1)]; w != nil {
			kept = w.rest.appendTo(nil)
		}
		if !bytes.Equal(kept, s.tail()) {
			t.Fatalf("of writer %c %.60q is kept, want %.60q", s.name, kept, s.tail())
		}
	}
}

// checkDemux has the writers say what they have in turns that next gives, until there
// are no more turns, and holds the output against what each one said.
func checkDemux(t *testing.T, scripts []*script, next func() (who, n int, more bool)) {
	t.Helper()
	// The longest line comes in pieces now and then, and none is ended early.
	c := testDemux(25 * MinMaxLine)
	var out []byte
	for {
		who, n, more := next()
		if !more {
			break
		}
		if text := scripts[who].say(n); len(text) > 0 {
			out = take(c, out, int32(who+1), string(text))
		}
		checkKept(t, c)
		checkPrompt(t, c, out, scripts)
	}
	c.endAll()
	out = drain(c, out)
	checkKept(t, c)
	if c.unfinished() || c.rests() != 0 {
		t.Fatalf("%d writers and %d bytes are left after the end", len(c.writers), c.rests())
	}
	parts := byName(out)
	for _, s := range scripts {
		compareScript(t, s, parts)
	}
}

// Any interleaving of any pieces gives each line whole, and each writer's in order.
func TestDemuxInterleaved(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		scripts := []*script{}
		for i := range 1 + random.IntN(6) {
			// Some have lines that go beyond MaxLine several times.
			scripts = append(scripts, newScript(byte('a'+i), 30, 1+8*MinMaxLine*random.IntN(2), random))
		}
		turns, longest := 2000, 1<<random.IntN(13)
		checkDemux(t, scripts, func() (who, n int, more bool) {
			turns--
			return random.IntN(len(scripts)), 1 + random.IntN(longest), turns >= 0
		})
	}
}

// FuzzDemux takes two bytes a turn: who writes, and how much.
func FuzzDemux(f *testing.F) {
	f.Add([]byte("0a1b0c1d2e0f"), uint64(1))
	f.Add(bytes.Repeat([]byte{0, 255, 1, 255, 2, 3}, 40), uint64(2)) // long lines meet
	f.Fuzz(func(t *testing.T, turns []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 4))
		scripts := []*script{}
		for i := range 5 {
			scripts = append(scripts, newScript(byte('a'+i), 20, 1+4*MinMaxLine*(i%2), random))
		}
		checkDemux(t, scripts, func() (who, n int, more bool) {
			if len(turns) < 2 {
				return 0, 0, false
			}
			// From a byte to some kilobytes, by squares.
			who, n = int(turns[0])%len(scripts), 1+int(turns[1])*int(turns[1])/16
			turns = turns[2:]
			return who, n, true
		})
	})
}

// When there is too much of unfinished lines, the longest is passed on while it comes,
// and what others write meanwhile waits for its end.
func TestDemuxLongLines(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	long := strings.Repeat("x", MinMaxLine)
	for i, step := range []struct {
		pid        int32
		text, want string
	}{
		{1, long, ""}, // one byte less than too much
		{2, "two\n", "two\n"},
		{1, "y", long + "y"},
		{2, "two\nthr", ""},
		{3, long[:500], ""},
		{1, "tail", "tail"},
		{2, "ee\n", ""},
		{1, "\none\nrest", "\none\ntwo\nthree\n"},
		{3, long, long[:500] + long}, // its turn
		{2, "four\n", ""},
		{3, "\n", "\nfour\n"},
		{1, "\n", "rest\n"},
	} {
		got := string(take(c, nil, step.pid, step.text))
		if got != step.want {
			t.Errorf("step %d: got %d bytes %.60q, want %d bytes %.60q", i, len(got), got, len(step.want), step.want)
		}
		checkKept(t, c)
	}
	if c.unfinished() || c.rests() != 0 {
		t.Errorf("%d writers and %d bytes are left", len(c.writers), c.rests())
	}
}

// Of more unfinished lines than can be kept, one at a time is ended before its end,
// the longest first. No byte is lost.
func TestDemuxTooManyWriters(t *testing.T) {
	t.Parallel()
	const writers = 3 * maxWriters
	c := testDemux(1 << 20)
	var out []byte
	for i := range writers {
		out = take(c, out, int32(i+1), fmt.Sprintf("%04d%s", i, strings.Repeat("-", writers-i)))
		checkKept(t, c)
	}
	if got, want := bytes.Count(out, newline), writers-maxWriters; got != want {
		t.Errorf("%d lines were ended, want %d", got, want)
	}
	c.endAll()
	out = drain(c, out)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != writers {
		t.Fatalf("got %d lines, want %d", len(lines), writers)
	}
	for i, line := range lines {
		// The first is the longest of all, and so on.
		if want := fmt.Sprintf("%04d%s", i, strings.Repeat("-", writers-i)); line != want {
			t.Fatalf("line %d is %.30q, want %.30q", i, line, want)
		}
	}
}

// Unfinished lines are kept up to a number of bytes.
func TestDemuxTooManyBytes(t *testing.T) {
	t.Parallel()
	const maxLine, piece = 1 << 20, 64 << 10
	c := testDemux(maxLine)
	scripts := []*script{}
	for i := range 26 {
		text := append(bytes.Repeat([]byte{byte('a' + i)}, maxLine-1), '\n')
		scripts = append(scripts, &script{name: byte('a' + i), text: text})
	}
	var out []byte
	for range maxLine / piece {
		for i, s := range scripts {
			out = take(c, out, int32(i+1), string(s.say(piece)))
			checkKept(t, c)
		}
	}
	c.endAll()
	out = drain(c, out)
	checkBytes(t, out, scripts)
	if lines := bytes.Count(out, newline); lines <= len(scripts) {
		t.Errorf("%d lines: none was ended before its end", lines)
	}
}

// checkBytes fails unless every line is of one writer alone, and all bytes are there.
func checkBytes(t *testing.T, out []byte, scripts []*script) {
	t.Helper()
	got := map[byte]int{}
	for line := range bytes.Lines(out) {
		if n := bytes.Count(line, line[:1]); n != len(line)-1 && line[0] != '\n' {
			t.Fatalf("a line of %d bytes has %d of writer %c", len(line), n, line[0])
		}
		got[line[0]] += len(bytes.TrimSuffix(line, newline))
	}
	for _, s := range scripts {
		if want := len(s.text) - 1; got[s.name] != want {
			t.Errorf("writer %c: got %d bytes, want %d", s.name, got[s.name], want)
		}
	}
}

// What others write during a line without end is kept up to a number of bytes; then
// that line is ended, and theirs come in the order in which they ended.
func TestDemuxTooMuchHeld(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	out := take(c, nil, 1, strings.Repeat("x", MinMaxLine+1))
	want := append(bytes.Clone(out), '\n')
	out = take(c, out, 9, "unfinished") // which is in nobody's way
	for i := 0; c.streaming != nil; i++ {
		line := fmt.Sprintf("%07d%s\n", i, strings.Repeat("h", 1000))
		want = append(want, line...)
		out = take(c, out, int32(2+i%3), line)
		checkKept(t, c)
	}
	if !bytes.Equal(out, want) || len(want) < c.most {
		t.Errorf("got %d bytes, want %d, which are to be more than %d", len(out), len(want), c.most)
	}
	// The long line goes on as one of its own.
	if out = take(c, take(c, nil, 1, "more\n"), 9, "\n"); string(out) != "more\nunfinished\n" {
		t.Errorf("got %.60q", out)
	}
}

// A whole line waits for another's line without end for a second: then that one is cut,
// and its rest is a line of its own.
func TestDemuxWaitsForASecond(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	long := strings.Repeat("x", MinMaxLine+1)
	begun := c.now
	after := func(d time.Duration, want string) {
		t.Helper()
		c.now = begun.Add(d)
		c.looked = c.now // for writers that are gone
		if due := c.due(c.now) == 0; due != (want != "") {
			t.Errorf("after %v: a look is due: %v", d, due)
		}
		c.look(c.now)
		if got := string(drain(c, nil)); got != want {
			t.Errorf("after %v: got %.60q, want %.60q", d, got, want)
		}
		checkKept(t, c)
	}
	after(0, "")
	take(c, nil, 1, long)
	c.now = begun.Add(lookForGone / 2)
	take(c, nil, 2, "two\nunfini")
	c.now = begun.Add(lookForGone)
	take(c, nil, 3, "three\n")
	after(lookForGone/2+longestWait-1, "")
	after(lookForGone/2+longestWait, "\ntwo\nthree\n")
	// Nothing waits for a whole line any more, and nobody is held up.
	if got := string(take(c, nil, 1, "rest")); got != "" {
		t.Errorf("got %q", got)
	}
	if got := string(take(c, nil, 2, "shed\n")); got != "unfinished\n" {
		t.Errorf("got %q", got)
	}
	if got := string(take(c, nil, 1, "\n")); got != "rest\n" {
		t.Errorf("got %q", got)
	}
}

// What was written before the kernel was asked to say who, is the beginning of the
// first line that has a name.
func TestDemuxNameless(t *testing.T) {
	t.Parallel()
	c := testDemux(MinMaxLine)
	for i, step := range []struct {
		pid        int32
		text, want string
	}{
		{0, "one\nbefo", "one\n"},
		{0, "re ", ""},
		{7, "and after\n", "before and after\n"},
		{8, "two", ""},
		{7, "three\n", "three\n"},
		{8, "\n", "two\n"},
	} {
		if got := string(take(c, nil, step.pid, step.text)); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
		checkKept(t, c)
	}
	// Nobody can look for one without a name: it is taken to live.
	c = testDemux(MinMaxLine)
	c.take(0, []byte("nameless"), false)
	if c.look(time.Now()); c.waits() {
		t.Errorf("%q was ended", drain(c, nil))
	}
	c.endAll()
	if got := string(drain(c, nil)); got != "nameless\n" {
		t.Errorf("got %q", got)
	}
}

// newSocket returns a reader of a socket and the socket's other end, which no process
// that the test starts inherits by itself.
func newSocket(t testing.TB, c Config) (*Reader, *os.File) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return openSocket(t, c, ends)
}

func openSocket(t testing.TB, c Config, ends [2]int) (*Reader, *os.File) {
	t.Helper()
	c.Input = ends[0]
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(ends[1]), "socket")
	t.Cleanup(func() {
		_ = unix.Close(ends[0])
		_ = f.Close() // if the test has not
		r.waiter.close()
	})
	return r, f
}

// A child is a process that writes into a socket until its standard input ends, or as
// its script says.
type child struct {
	*exec.Cmd
	input io.WriteCloser
}

func startChild(t testing.TB, socket *os.File, cmd *exec.Cmd) *child {
	t.Helper()
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = socket, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // if it still runs
		_ = cmd.Wait()
	})
	return &child{cmd, input}
}

// shell starts a shell that writes.
func shell(t testing.TB, socket *os.File, script string) *child {
	return startChild(t, socket, exec.Command("sh", "-c", script))
}

// goOn has a script's read return.
func (c *child) goOn(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(c.input, "go on\n"); err != nil {
		t.Fatal(err)
	}
}

// zombie waits until the child has ended, and leaves it to be reaped.
func (c *child) zombie(t testing.TB) {
	t.Helper()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, c.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
}

// keeps waits until what has been read of unfinished lines is as many bytes.
func keeps(t testing.TB, r *Reader, bytes int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); r.demux.rests() != bytes; {
		if lines, _, err := r.Next(time.Now().Add(5 * time.Millisecond)); len(lines) > 0 || err != nil {
			t.Fatalf("got %q, %v before %d bytes are kept", lines, err, bytes)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are kept, want %d", r.demux.rests(), bytes)
		}
	}
}

// A line whose writer ended inside it is ended within about a second, be that reaped
// or a zombie; one whose writer lives is not.
func TestDemuxGone(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024, Linger: time.Millisecond})
	living := shell(t, socket, "printf 'the living '; read x; echo 'goes on'")
	reaped := shell(t, socket, "printf reaped; read x")
	zombie := shell(t, socket, "printf zombie; read x")
	keeps(t, r, len("the living reapedzombie"))
	for _, gone := range []struct {
		*child
		end  func()
		want string
	}{
		{reaped, func() { _ = reaped.Wait() }, "reaped\n"},
		{zombie, func() { zombie.zombie(t) }, "zombie\n"},
	} {
		gone.goOn(t)
		gone.end()
		begun := time.Now()
		wantNext(t, r, gone.want)
		if late := time.Since(begun); late > 5*lookForGone { // some of it for a busy machine
			t.Errorf("%q was ended after %v", gone.want, late)
		}
	}
	living.goOn(t)
	wantNext(t, r, "the living goes on\n")
	if r.demux.unfinished() || r.patience() >= 0 {
		t.Error("it looks for writers though no line is unfinished")
	}
}

// While a process does not go on with a line that is passed on in pieces, the lines of
// others are returned.
func TestDemuxStalledLongLine(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024, Linger: time.Millisecond})
	shell(t, socket, fmt.Sprintf(`x=$(head -c %d /dev/zero | tr '\0' x); printf %%s "$x"; read x`, maxRest+1))
	got := ""
	for len(got) <= maxRest-1024 { // a last piece shorter than MaxLine is not returned yet
		got += next(t, r)
	}
	shell(t, socket, "echo line; read x")
	begun := time.Now()
	for !strings.HasSuffix(got, "line\n") {
		got += next(t, r)
	}
	if got != strings.Repeat("x", maxRest+1)+"\nline\n" {
		t.Errorf("got %d bytes that end in %.30q, want the long line ended and the other", len(got), got[len(got)-20:])
	}
	if late := time.Since(begun); late > 5*longestWait { // some of it for a busy machine
		t.Errorf("the line was returned after %v", late)
	}
}

// A writer that is gone may have left the end of its line in the socket: what waits
// there is read before the line is ended.
func TestDemuxGoneLeavesMore(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024})
	w := shell(t, socket, "printf 'one '; read x; echo line")
	keeps(t, r, len("one "))
	w.goOn(t)
	w.zombie(t)
	r.demux.looked = time.Time{} // a second has passed
	wantNext(t, r, "one line\n")
}

// The end of a line that a writer left can lie behind more than one read takes.
func TestDemuxGoneLeavesMuch(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1 << 20, Linger: time.Millisecond})
	if err := unix.SetsockoptInt(int(socket.Fd()), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20); err != nil {
		t.Skipf("the socket cannot be made large: %v", err)
	}
	w := shell(t, socket, "printf 'one '; read x; echo line")
	keeps(t, r, len("one "))
	other := strings.Repeat(strings.Repeat("o", 999)+"\n", 2*readSize/1000)
	write(t, int(socket.Fd()), other)
	w.goOn(t)
	w.zombie(t)
	r.demux.looked = time.Time{} // a second has passed
	want := other + "one line\n"
	got := ""
	for len(got) < len(want) {
		got += next(t, r)
	}
	if got != want {
		t.Errorf("got %d bytes that end in %.30q, want %d", len(got), got[len(got)-20:], len(want))
	}
}

// Bytes that waited in the socket before the reader was there have no name.
func TestDemuxBeforeTheReader(t *testing.T) {
	t.Parallel()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	write(t, ends[1], "before\nunfini")
	r, socket := openSocket(t, Config{MaxLine: 1024}, ends)
	write(t, int(socket.Fd()), "shed\nafter\n")
	got := ""
	for want := "before\nunfinished\nafter\n"; len(got) < len(want); {
		got += next(t, r)
		if !strings.HasPrefix(want, got) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// Descriptors that someone sends along are for nobody, and are closed.
func TestDemuxTakesNoDescriptors(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024})
	pipe := [2]int{}
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(int(socket.Fd()), []byte("line\n"), unix.UnixRights(pipe[1]), nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(pipe[1]); err != nil {
		t.Fatal(err)
	}
	wantNext(t, r, "line\n")
	// Nobody else has the end to write to, so there is the end of input.
	ready := []unix.PollFd{{Fd: int32(pipe[0])}}
	if n, err := unix.Poll(ready, 10_000); n != 1 || ready[0].Revents&unix.POLLHUP == 0 {
		t.Errorf("the pipe is still open: %v", err)
	}
	_ = unix.Close(pipe[0])
}

// Whoever closes its end with something in it that it has not read, gives us
// ECONNRESET before the end of input, and recvmmsg(2) says so even before it returns
// what waits. That is no fault of ours, and nothing is lost.
func TestDemuxReset(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024})
	write(t, r.config.Input, "a message that nobody reads\n")
	write(t, int(socket.Fd()), "last line\n")
	if err := socket.Close(); err != nil {
		t.Fatal(err)
	}
	wantNext(t, r, "last line\n")
	wantEnd(t, r)
}

// Finish reads what is waiting, ends what is unfinished, and takes nothing that comes
// after, though the writers live.
func TestDemuxFinish(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024, Linger: time.Millisecond})
	one := shell(t, socket, "printf one; read x; printf 's end\nlate'; read x")
	two := shell(t, socket, "printf two; read x; printf 's end'; kill -STOP $$")
	keeps(t, r, len("onetwo"))
	two.goOn(t)
	stopped(t, two)
	r.EndHere()
	one.goOn(t) // comes late
	var got strings.Builder
	for {
		lines, _, err := r.Next(time.Time{})
		got.Write(lines)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ended := "one\ntwos end\n"
	if two.Process.Pid < one.Process.Pid {
		ended = "twos end\none\n"
	}
	if got.String() != ended {
		t.Errorf("got %q, want %q", got.String(), ended)
	}
}

// stopped waits until a child has stopped itself.
func stopped(t *testing.T, c *child) {
	t.Helper()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, c.Process.Pid, &info, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
}

// beWriter is what the test binary does as a writer: "NAME SEED" writes a script in
// pieces of any size, "NAME records SIZE" records with one write each, "NAME" alone the same
// line until nobody reads any more.
func beWriter(role string) {
	name, seed, scripted := strings.Cut(role, " ")
	if !scripted {
		line := []byte(strings.Repeat(name, 119) + "\n")
		for {
			if _, err := unix.Write(1, line); err != nil && err != unix.EINTR {
				os.Exit(0)
			}
		}
	}
	if size, records := strings.CutPrefix(seed, "records "); records {
		n, err := strconv.Atoi(size)
		if err != nil {
			os.Exit(3)
		}
		for _, text := range writerRecords(name[0], n) {
			writeAll(text)
		}
		os.Exit(0)
	}
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		os.Exit(3)
	}
	s, random := writerScript(name[0], n)
	for s.said < len(s.text) {
		writeAll(s.say(1 + random.IntN(1<<random.IntN(18))))
	}
	os.Exit(0)
}

// writeAll has a writer write.
func writeAll(text []byte) {
	for len(text) > 0 {
		n, err := unix.Write(1, text)
		if err != nil && err != unix.EINTR {
			os.Exit(4)
		}
		text = text[max(n, 0):]
	}
}

// writerScript is what such a writer writes: some lines go beyond the socket's buffer.
func writerScript(name byte, seed uint64) (*script, *rand.Rand) {
	random := rand.New(rand.NewPCG(seed, uint64(name)))
	return newScript(name, 300, 100<<10, random), random
}

func startWriter(t testing.TB, socket *os.File, role string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), testWriter+"="+role)
	return startChild(t, socket, cmd)
}

// Processes that write at once, in pieces, lines of up to 100 KiB: each line is whole.
func TestDemuxProcesses(t *testing.T) {
	t.Parallel()
	for _, maxLine := range []int{1 << 20, 32 << 10} {
		t.Run(strconv.Itoa(maxLine), func(t *testing.T) {
			t.Parallel()
			r, socket := newSocket(t, Config{MaxLine: maxLine, Linger: time.Millisecond})
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			children, scripts := []*child{}, []*script{}
			for i := range 5 {
				name := byte('a' + i)
				s, _ := writerScript(name, seed)
				s.said = len(s.text)
				scripts = append(scripts, s)
				children = append(children, startWriter(t, socket, fmt.Sprintf("%c %d", name, seed)))
			}
			if err := socket.Close(); err != nil {
				t.Fatal(err)
			}
			got := []byte(rest(t, r))
			for _, c := range children {
				if err := c.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			parts := byName(got)
			for _, s := range scripts {
				compareScript(t, s, parts)
			}
		})
	}
}

// Whole lines of four processes are read and told apart without an allocation.
func TestDemuxAllocatesNothing(t *testing.T) {
	c := testDemux(1 << 20)
	line := []byte(strings.Repeat("x", 119) + "\n")
	out := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(1000, func() {
		for pid := range int32(4) {
			c.take(pid+1, line, false)
			out = c.drain(out[:0])
		}
	}); n > 0 {
		t.Errorf("%v allocations for four lines", n)
	}
}

// So are lines that come in pieces, once there are chunks for them.
func TestDemuxPiecesAllocateNothing(t *testing.T) {
	c := testDemux(maxRests)
	text := []byte(strings.Repeat("x", slotSize))
	out := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(20, func() {
		for range 100 {
			for pid := range int32(4) {
				c.take(pid+1, text, false)
			}
		}
		for pid := range int32(4) {
			c.take(pid+1, newline, false)
		}
		for c.waits() {
			out = c.drain(out[:0])
		}
		c.pool.trim() // finds nothing that is not needed each time
	}); n > 0 {
		t.Errorf("%v allocations for four long lines", n)
	}
}

// Memory that nobody has needed between two looks is given back, and none that is
// needed again and again.
func TestDemuxTrim(t *testing.T) {
	t.Parallel()
	c := testDemux(maxRests)
	const peak = 8 << 20
	use := func() {
		t.Helper()
		take(c, nil, 1, strings.Repeat("x", peak))
		if got := len(take(c, nil, 1, "\n")); got != peak+1 {
			t.Fatalf("got %d bytes, want %d", got, peak+1)
		}
	}
	for range 3 {
		use()
		if c.pool.trim() {
			t.Error("memory is given back that was needed since the last look")
		}
	}
	if !c.watches() {
		t.Error("nobody looks for memory that is not needed")
	}
	if !c.pool.trim() || c.watches() || c.pool.spare > keepChunks {
		t.Errorf("%d chunks are left", c.pool.spare)
	}
	spare := 0
	for b := c.pool.free; b != nil; b = b.next {
		spare++
	}
	if spare != c.pool.spare || c.pool.used != 0 {
		t.Errorf("%d free chunks are counted as %d; %d bytes are used", spare, c.pool.spare, c.pool.used)
	}
	use()
}

// What waits for a long line is returned in batches that need no larger buffer, all
// under the time at which that line ended, or at the end of input.
func TestDemuxBatches(t *testing.T) {
	t.Parallel()
	for _, finish := range []bool{false, true} {
		r, socket := newSocket(t, Config{MaxLine: 1024})
		long := strings.Repeat("x", maxRest+1)
		others := strings.Repeat(strings.Repeat("o", 999)+"\n", 5000)
		pid := int32(os.Getpid()) // which lives
		r.demux.take(pid, []byte(long), false)
		r.demux.take(pid+1, []byte(others), false)
		r.at = time.Now().Add(-time.Hour)
		if finish {
			r.EndHere()
		} else {
			r.demux.take(pid, newline, false)
			write(t, int(socket.Fd()), "not read before\n")
		}
		want, at := long+"\n"+others, r.at
		var got strings.Builder
		for got.Len() < len(want) {
			lines, read, err := r.Next(time.Time{})
			if err != nil {
				t.Fatalf("%v after %d bytes, want %d", err, got.Len(), len(want))
			}
			if len(lines) > readSize || len(r.buf) > readSize {
				t.Errorf("a batch of %d bytes in a buffer of %d", len(lines), len(r.buf))
			}
			if !finish && !read.Equal(at) {
				t.Errorf("a batch was read at %v, want %v", read, at)
			}
			got.Write(lines)
		}
		if got.String() != want {
			t.Errorf("finish %v: got %d bytes, want %d", finish, got.Len(), len(want))
		}
	}
}

func BenchmarkDemux(b *testing.B) {
	r, socket := newSocket(b, Config{MaxLine: 1 << 20})
	for _, name := range []string{"a", "b", "c", "d"} {
		startWriter(b, socket, name)
	}
	read, seen := 0, map[byte]bool{}
	for len(seen) < 4 { // so all of them write, and the buffers have grown
		lines := next(b, r)
		for line := range strings.Lines(lines) {
			seen[line[0]] = true
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		lines, _, err := r.Next(time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		read += len(lines)
	}
	b.SetBytes(int64(read / b.N))
}
