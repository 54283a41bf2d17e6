package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs tests/script/SUBJECT.txtar. Beside testscript's own commands
// there are:
//
//	status N LOGREEL-ARGS…   run logreel and check its exit status; its standard
//	                         input is what the command stdin set
//	mode FILE 0640           check a file's permissions
//	links FILE N             check how many names a file has
//	said [FILE]              check that what was said on standard error is what a file
//	                         has, or nothing, but for what a busy machine makes
//	                         logreel say
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", os.Getenv("PATH"))
			env.Setenv("TZ", "UTC")
			env.Setenv("TODAY", time.Now().UTC().Format("2006-01-02"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status,
			"mode":   mode,
			"links":  links,
			"said":   said,
		},
	})
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status N ARGS…")
	}
	got := 0
	if err := ts.Exec("logreel", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func links(ts *testscript.TestScript, neg bool, args []string) {
	out, err := exec.Command("ls", "-ld", ts.MkAbs(args[0])).Output()
	ts.Check(err)
	if got := strings.Fields(string(out))[1]; got != args[1] {
		ts.Fatalf("%s has %s names, want %s", args[0], got, args[1])
	}
}

func said(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: said [FILE]")
	}
	want := ""
	if len(args) == 1 {
		want = ts.ReadFile(args[0])
	}
	if got := complaints(ts.ReadFile("stderr")); got != want {
		ts.Fatalf("said %q, want %q", got, want)
	}
}
