//go:build linux

package tests

import (
	"strings"
	"testing"
)

// A limit on address space that is too small is named as well. With far less the runtime ends
// before anything of ours runs.
func TestLimitOnAddressSpace(t *testing.T) {
	t.Parallel()
	under := func(kiB string) (said string, err error) {
		return try("sh", "-c", "ulimit -v "+kiB+"; exec logreel --every=never /dev/null </dev/null")
	}
	if said, err := under("2300000"); err != nil && !strings.HasPrefix(said, "logreel: ") {
		t.Skipf("the runtime needs more, as with the race detector: %.200s", said)
	} else if said != "" {
		t.Errorf("a limit that is enough: %v, said %q", err, said)
	}
	const want = "logreel: error: the limit on address space (ulimit -v, LimitAS=) is 1800000 KiB; logreel needs 1835008, of which it uses little\n"
	if said, err := under("1800000"); err == nil || said != want {
		t.Errorf("a limit that is too small: %v, said %q", err, said)
	}
}

// A limit on processes that is too small is named, before the runtime ends in a dump.
func TestLimitOnProcesses(t *testing.T) {
	t.Parallel()
	needProc(t)
	needRoot(t, "setpriv", "prlimit") // root itself has no such limit
	for _, test := range []struct{ script, said string }{
		{"exec prlimit --nproc=8 logreel --preview %F", "is 8; logreel needs 10 beside the 0 of this user"},
		{"sleep 1000 & prlimit --nproc=11 logreel --preview %F; status=$?; kill $!; wait; exit $status", "is 11; logreel needs 10 beside the 2 of this user"},
		{"exec prlimit --nproc=500 logreel --preview %F", ""},
	} {
		// A user who has nothing else.
		p := newFolder(t).startProgram("setpriv", "--reuid=54321", "--clear-groups", "sh", "-c", "cd /; "+test.script)
		status := 0
		if test.said != "" {
			p.says("the limit on processes (ulimit -u, LimitNPROC=) " + test.said)
			status = 1
		}
		if said := p.wait(status); strings.TrimSpace(said) != "" {
			t.Errorf("%s: it said %q besides", test.script, said)
		}
	}
}
