package tests

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What sets flags in the environment is for that logreel alone: one inside of its command,
// or of its hook, has other files and another link.
func TestCommandEnvironment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, line string }{
		{"command", `logreel --every=never outer.log -- sh -c "$INNER"`},
		{"hook", `echo outer | logreel --size=10 --exec="$INNER" outer.log; echo outer again | logreel --size=10 --exec="$INNER" outer.log`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, name := range []string{"inner.2001-01-01", "inner.2001-01-02"} {
				writeFile(t, dir, name, name)
			}
			cmd := exec.Command("sh", "-c", test.line)
			cmd.Env = append(os.Environ(), "LOGREEL_KEEP_COUNT=1", "LOGREEL_LINK=live", "INNER=echo inner | logreel inner.%F")
			p := launch(t, dir, cmd)
			p.wait(0)
			if got := content(t, dir, "inner.2???-??-??"); !strings.HasPrefix(got, "inner.2001-01-01inner.2001-01-02inner\n") {
				t.Errorf("the inner one has left %q", got)
			}
			if target, err := os.Readlink(dir + "/live"); err == nil && strings.HasPrefix(target, "inner") {
				t.Errorf("the outer one's link leads to %s", target)
			}
		})
	}
}
