//go:build linux

package intake

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lastStart takes lines that do not begin with a space to begin records.
func lastStart(text []byte) int {
	for end := len(text); end > 0; {
		begin := bytes.LastIndexByte(text[:end-1], '\n') + 1
		if text[begin] != ' ' {
			return begin
		}
		end = begin
	}
	return -1
}

// appendRecord appends a record of a writer, with about so many bytes: every line has its
// name and number, and its last one says so. If it is not to be random, all lines have 64
// bytes, so that each message and slot that is full ends with a newline.
func appendRecord(text []byte, name byte, number, size int, random *rand.Rand) []byte {
	line := func(prefix, suffix string) {
		begun := len(text)
		text = fmt.Appendf(text, "%s%c%d%s", prefix, name, number, suffix)
		if random == nil {
			text = append(text, bytes.Repeat([]byte{'-'}, 63-(len(text)-begun))...)
		}
		text = append(text, '\n')
	}
	line("", " ")
	for begun := len(text); len(text)-begun < size; {
		if random == nil {
			line(" ", " ")
		} else {
			line(" ", " "+strings.Repeat("-", random.IntN(100)))
		}
	}
	line(" ", " end ")
	return text
}

// checkRecords fails unless the output is made of whole records, each writer's in order.
func checkRecords(t *testing.T, out []byte, written map[byte][]byte) {
	t.Helper()
	got, last := map[byte][]byte{}, ""
	for line := range bytes.Lines(out) {
		name, _, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if line[0] != ' ' {
			last = name
		}
		if name != last {
			t.Fatalf("%q is in the record %s", line, last)
		}
		got[name[0]] = append(got[name[0]], line...)
	}
	for name, want := range written {
		if !bytes.Equal(got[name], want) {
			t.Fatalf("writer %c: got %d bytes, want %d", name, len(got[name]), len(want))
		}
	}
}

// A kernel is a socket as Linux has it: messages, of which those of one process are read
// together.
type kernel struct {
	messages []kernelMessage
}

type kernelMessage struct {
	pid  int32
	text []byte
}

// read has the demultiplexer read as much as it can at once.
func (k *kernel) read(c *demux) {
	count := 0
	for ; count < slots && len(k.messages) > 0; count++ {
		c.control[count].who.Pid = k.messages[0].pid
		slot := c.memory[count*slotSize:][:slotSize]
		n := 0
		for len(k.messages) > 0 && k.messages[0].pid == c.control[count].who.Pid && n < slotSize {
			m := &k.messages[0]
			taken := copy(slot[n:], m.text)
			n += taken
			if m.text = m.text[taken:]; len(m.text) == 0 {
				k.messages = k.messages[1:]
			}
		}
		c.messages[count].length = uint32(n)
	}
	c.sort(count, count == slots)
}

// checkWrites has writers write as they are told: who, how many records with one write, and
// how large, for each turn; and how often a message gets into the socket before it is read.
func checkWrites(t *testing.T, turns []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	const largest = 5000
	c := testDemux(maxRests)
	c.memory, c.lastStart, c.largestMessage = make([]byte, slots*slotSize), lastStart, largest
	var k kernel
	var out []byte
	pending := [5][]kernelMessage{} // of a write that has begun
	written := map[byte][]byte{}
	send := func(pid int32) {
		k.messages = append(k.messages, pending[pid-1][0])
		pending[pid-1] = pending[pid-1][1:]
		if random.IntN(3) > 0 {
			return
		}
		unread := [len(pending)]int{}
		for _, m := range k.messages {
			unread[m.pid-1] += len(m.text)
		}
		k.read(c)
		out = drain(c, out)
		checkKept(t, c)
		for i, n := range unread {
			if len(pending[i]) == 0 && n < largest && n > 0 && len(k.messages) == 0 && c.writers[int32(i+1)] != nil {
				t.Fatalf("a record of writer %c is whole, and waits", 'a'+i)
			}
		}
	}
	for i := 0; i+1 < len(turns); i += 2 {
		pid := int32(turns[i])%5 + 1
		if len(pending[pid-1]) > 0 {
			send(pid)
			continue
		}
		name := byte('a' + pid - 1)
		var text []byte
		for n := range 1 + turns[i]/5%3 {
			text = appendRecord(text, name, i*8+int(n), int(turns[i+1])*int(turns[i+1])%(4*largest), random)
		}
		written[name] = append(written[name], text...)
		for part := range slices.Chunk(text, largest) {
			pending[pid-1] = append(pending[pid-1], kernelMessage{pid, part})
		}
		send(pid)
	}
	for idle := false; !idle; {
		idle = true
		for i := range pending {
			if len(pending[i]) > 0 {
				send(int32(i + 1))
				idle = false
			}
		}
	}
	for len(k.messages) > 0 {
		k.read(c)
	}
	c.endAll()
	out = drain(c, out)
	checkKept(t, c)
	checkRecords(t, out, written)
}

// Whatever comes between the messages that the kernel makes of a write, the records that
// it brought stay whole.
func TestRecordsInterleaved(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 6))
		turns := make([]byte, 400)
		for i := range turns {
			turns[i] = byte(random.IntN(256))
		}
		checkWrites(t, turns, seed)
	}
}

// So does a record that is too large for one read, behind another of its writer.
func TestRecordsLargeWrite(t *testing.T) {
	t.Parallel()
	const largest = 5000
	c := testDemux(maxRests)
	c.memory, c.lastStart, c.largestMessage = make([]byte, slots*slotSize), lastStart, largest
	line := " " + strings.Repeat("x", 48) + "\n"
	begun := "r" + line[1:] + strings.Repeat(line, 60*largest/len(line)-1) // each message ends with a newline
	k := kernel{[]kernelMessage{{1, []byte("small\n")}}}
	for part := range slices.Chunk([]byte(begun), largest) {
		k.messages = append(k.messages, kernelMessage{1, part})
	}
	k.messages = append(k.messages, kernelMessage{2, []byte("other\n")}, kernelMessage{1, []byte(" end\n")})
	for len(k.messages) > 0 {
		k.read(c)
	}
	if got, want := string(drain(c, nil)), "small\nother\n"+begun+" end\n"; got != want {
		t.Errorf("got %d bytes that end in %.30q, want %d", len(got), got[len(got)-30:], len(want))
	}
}

// The tracebacks of eight processes stay whole, whatever their size.
func TestRecordsProcesses(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3_000, 30_000, 300_000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			r, socket := newSocket(t, Config{MaxLine: 1 << 20, Linger: time.Millisecond, LastStart: lastStart})
			r.demux.longestWait = time.Hour // the machine may be too busy for a second
			written := map[byte][]byte{}
			for i := range 8 {
				name := byte('a' + i)
				written[name] = bytes.Join(writerRecords(name, size), nil)
				startWriter(t, socket, fmt.Sprintf("%c records %d", name, size))
			}
			if err := socket.Close(); err != nil {
				t.Fatal(err)
			}
			checkRecords(t, []byte(rest(t, r)), written)
		})
	}
}

// writerRecords are what such a process writes, one at a time.
func writerRecords(name byte, size int) (records [][]byte) {
	for i := range 16 {
		records = append(records, appendRecord(nil, name, i, size, nil))
	}
	return records
}

// FuzzRecords takes two bytes a turn: who writes how many records, and how large.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("0a1b0c1d2e0f"), uint64(1))
	f.Add(bytes.Repeat([]byte{0, 255, 1, 255, 2, 3}, 40), uint64(2))
	f.Fuzz(checkWrites)
}

// What waits and what does not, write by write.
func TestRecordsWait(t *testing.T) {
	t.Parallel()
	c := testDemux(maxRests)
	c.lastStart, c.largestMessage = lastStart, 8
	for i, step := range []struct {
		pid        int32
		text, want string
	}{
		{1, "one\n more\n", "one\n more\n"}, // nothing is unfinished
		{1, "two\n mo", ""},
		{2, "other\n", "other\n"},
		{1, "re\n and", ""},
		{1, " more\nthree\n", "two\n more\n and more\nthree\n"},
		{1, "four\n more\nfive", ""}, // five may go on and not match
		{1, " 5\nsix\n 6", "four\n more\nfive 5\n"},
		{1, "\nsev", ""},
		{1, "en\n7", "six\n 6\n"},
		{1, "\n", "seven\n7\n"},
		{2, " no start\n", " no start\n"},
		{2, " no start\n unfinished", ""},
		{2, "\n", " no start\n unfinished\n"},
	} {
		c.extend(step.pid, []byte(step.text), false)
		if got := string(take(c, nil, step.pid, step.text)); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
		checkKept(t, c)
	}
	if c.unfinished() {
		t.Errorf("%d writers are left", len(c.writers))
	}
}

// A record that no line has come for in a second is passed on, but for its unfinished line.
func TestRecordsWaitForASecond(t *testing.T) {
	t.Parallel()
	c := testDemux(maxRests)
	c.lastStart, c.looked = lastStart, c.now
	begun := c.now
	take(c, nil, 1, "one\n more\n unfini")
	c.now = begun.Add(longestWait / 2)
	take(c, nil, 2, "two\n unfini")
	take(c, nil, 1, "sh")
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{longestWait - 1, ""},
		{longestWait, "one\n more\n"},
		{longestWait*3/2 - 1, ""},
		{longestWait * 3 / 2, "two\n"},
	} {
		now := begun.Add(step.after)
		c.looked = now // for writers that are gone
		if c.due(now) == 0 {
			c.look(now)
		}
		if got := string(drain(c, nil)); got != step.want {
			t.Errorf("after %v: got %q, want %q", step.after, got, step.want)
		}
		checkKept(t, c)
	}
	if got := string(take(c, nil, 1, "ed\n")); got != " unfinished\n" {
		t.Errorf("got %q", got)
	}
}

// When nobody has looked for long, whoever is waited for may have been stopped as well: the
// second begins anew.
func TestRecordsWaitAfterAStop(t *testing.T) {
	t.Parallel()
	c := testDemux(maxRests)
	c.lastStart, c.looked = lastStart, c.now
	begun := c.now
	take(c, nil, 1, "one\n more\n unfini")
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{longestWait * 3, ""},
		{longestWait*4 - 1, ""},
		{longestWait * 4, "one\n more\n"},
	} {
		now := begun.Add(step.after)
		c.looked = now
		if c.due(now) == 0 {
			c.look(now)
		}
		if got := string(drain(c, nil)); got != step.want {
			t.Errorf("after %v: got %q, want %q", step.after, got, step.want)
		}
	}
}

// An expression that never matches collects up to a limit.
func TestRecordsWithoutStart(t *testing.T) {
	t.Parallel()
	c := testDemux(maxRests)
	c.lastStart = func([]byte) int { return -1 }
	var out []byte
	piece := strings.Repeat(" line\n", 1000) + " unfinished"
	for range 1000 {
		out = take(c, out, 1, piece)
		checkKept(t, c)
	}
	if want := 1000*len(piece) - maxRecord; len(out) < want {
		t.Errorf("got %d bytes of %d", len(out), 1000*len(piece))
	}
	c.endAll()
	if got, want := string(drain(c, out)), strings.Repeat(piece, 1000)+"\n"; got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

// The kernel makes messages of the size that we take to be the largest.
func TestLargestMessage(t *testing.T) {
	t.Parallel()
	r, socket := newSocket(t, Config{MaxLine: 1024, LastStart: lastStart})
	if got := r.demux.largestMessage; got < 32<<10 || got >= 256<<10 {
		t.Errorf("the largest message has %d bytes", got)
	}
	// A write that takes all the room is in such messages and nothing else.
	fd := int(socket.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	n, err := unix.Write(fd, make([]byte, 16<<20))
	if err != nil || n%r.demux.largestMessage != 0 {
		t.Errorf("%d bytes of %v found room, which is no multiple of %d", n, err, r.demux.largestMessage)
	}
}
