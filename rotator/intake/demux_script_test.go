//go:build linux

package intake

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

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
