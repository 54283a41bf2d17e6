package tests

import (
	"regexp"
	"strconv"
	"testing"
)

// What logreel says, and writes into the log.

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

// slow are the messages of a logreel whose disk other tests keep busy.
var slow = regexp.MustCompile(`(?m)^.*(the buffer is full|does not answer|waiting for finished files|left for the next start|may not survive a power cut).*\n`)

// complaints returns what logreel said, but for what a busy machine makes it say.
func complaints(said string) string {
	return slow.ReplaceAllString(said, "")
}
