//go:build linux

package tests

import (
	"os/exec"
	"strings"
	"testing"
)

// Writers outside of logreel's PID namespace have no names, so that their lines may be
// mixed: that is said, once, and not of what was written before logreel asked for names.
func TestNamelessWriters(t *testing.T) {
	t.Parallel()
	const warning = "lines of several may be mixed"
	for _, namespace := range []string{"", "unshare --pid --fork --kill-child "} {
		if namespace != "" {
			needRoot(t, "unshare")
			if out, err := try("unshare", "--pid", "--fork", "true"); err != nil {
				t.Skipf("no name space can be made: %v: %s", err, out)
			}
		}
		s := newStream(t, "socket")
		write := func(text string) {
			t.Helper()
			_, err := s.write.WriteString(text)
			must(t, err)
		}
		write("whole\nbegun ")
		words := strings.Fields(namespace + "logreel --tee --verbose --every=never app.log")
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stdin = s.read
		p := newFolder(t).launch(cmd)
		p.copies("whole")
		write("before\nand ")
		if namespace != "" {
			p.says(warning)
		}
		write("again\n")
		p.copies("again")
		write("and again ")
		write("\n")
		must(t, s.write.Close())
		if said := p.wait(0); strings.Contains(said, warning) {
			t.Errorf("%q said %q", namespace, said)
		}
		p.expect("app.log", "whole\nbegun before\nand again\nand again \n")
	}
}
