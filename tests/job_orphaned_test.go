//go:build linux

package tests

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A script that leads a session, as cron and CI start one, and has a stopped job: when the
// command ends, nobody is hung up on.
func TestCommandEndsBesideStoppedJob(t *testing.T) {
	t.Parallel()
	need(t, "setsid")
	d := newFolder(t)
	script := exec.Command("setsid", "--wait", "sh", "-c", `sleep 1000 & stopped=$!
		kill -STOP $stopped
		`+logreel+` --every=never app.log -- sh -c 'echo logged'
		kill -KILL $stopped
		echo alive`)
	// What other tests leave to who takes orphans does not resemble a command with this.
	script.Dir, script.Env = d.dir, append(os.Environ(), markEnv+"="+d.dir)
	if out, err := script.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "alive" {
		t.Errorf("%v: %s", err, out)
	}
	d.expect("app.log", "logged\n")
}
