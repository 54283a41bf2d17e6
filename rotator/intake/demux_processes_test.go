//go:build linux

package intake

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
