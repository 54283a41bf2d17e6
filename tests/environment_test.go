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
			d := newFolder(t)
			for _, name := range []string{"inner.2001-01-01", "inner.2001-01-02"} {
				d.put(name, name)
			}
			cmd := exec.Command("sh", "-c", test.line)
			cmd.Env = append(os.Environ(), "LOGREEL_KEEP_COUNT=1", "LOGREEL_LINK=live", "INNER=echo inner | logreel inner.%F")
			p := d.launch(cmd)
			p.wait(0)
			if got := d.content("inner.2???-??-??"); !strings.HasPrefix(got, "inner.2001-01-01inner.2001-01-02inner\n") {
				t.Errorf("the inner one has left %q", got)
			}
			if target, err := os.Readlink(d.at("live")); err == nil && strings.HasPrefix(target, "inner") {
				t.Errorf("the outer one's link leads to %s", target)
			}
		})
	}
}

// Without PATH, programs are looked for where the C library looks for them.
func TestCommandWithoutPath(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	for _, test := range []struct {
		environment, command []string
		status               int
		said                 string
	}{
		{nil, []string{"cat", "there"}, 0, ""},
		{nil, []string{"no-such-command-here"}, 127, "no-such-command-here: not found in /bin:/usr/bin, and PATH is not set"},
		{[]string{"PATH="}, []string{"./there"}, 126, "./there: permission denied"},
		// An empty name of a directory is the current one, here as within a PATH.
		{[]string{"PATH="}, []string{"there"}, 126, "there: permission denied"},
		{[]string{"PATH="}, []string{"here", "one", ""}, 0, ""},
		{[]string{"PATH=/nowhere::/nowhere"}, []string{"here", "one", ""}, 0, ""},
		{[]string{"PATH=/nowhere"}, []string{"here"}, 127, "here: not found in PATH"},
	} {
		if err := os.WriteFile(d.at("there"), []byte("what is there\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		d.put("here", `printf '[%s]' "$@"; echo`) // sh runs it, as it has no first line
		cmd := exec.Command("logreel", append([]string{"--every=never", "app.log", "--"}, test.command...)...)
		cmd.Env = append([]string{}, test.environment...)
		p := d.launch(cmd)
		if test.said != "" {
			p.await(p.said, test.said)
		}
		p.wait(test.status)
	}
	if got := d.content("app.log"); got != "what is there\n[one][]\n[one][]\n" {
		t.Errorf("got %q", got)
	}
}

func TestHookWithoutPath(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	cmd := exec.Command("logreel", "--size=10", `--exec=echo "$1" >>handed`, "app.log", "--", "printf", "a whole line\nanother line\n")
	cmd.Env = []string{}
	p := d.launch(cmd)
	p.wait(0)
	if got := d.content("handed"); got != "app.log\n" {
		t.Errorf("handed on: %q", got)
	}
}

// systemd names the process that a socket or a watchdog is for. That is the command, which
// has the rest of the environment as it was, whatever the names in it, and its limits.
func TestCommandNamedBySystemd(t *testing.T) {
	t.Parallel()
	need(t, "perl", "prlimit")
	const command = `print join " ", map { $_ == $$ ? "own" : $_ } @ENV{LISTEN_PID, WATCHDOG_PID}; ` +
		`print " @ENV{LISTEN_FDS, 'my.dotted', 'a-b'} ", exists $ENV{LISTEN_PIDFDID} ? "kept" : "none", "\n[@ARGV]\n"; ` +
		`system "ulimit -n;"; exit 8`
	for _, test := range []struct{ set, want string }{
		{`@ENV{LISTEN_PID, WATCHDOG_PID} = ($$, $$)`, "own own 2 dot dash none"},
		{`@ENV{LISTEN_PID, WATCHDOG_PID} = ($$, 1)`, "own 1 2 dot dash none"},
		{`@ENV{LISTEN_PID, WATCHDOG_PID} = (1, $$)`, "1 own 2 dot dash kept"},
		{`@ENV{LISTEN_PID, WATCHDOG_PID} = (1, 1)`, "1 1 2 dot dash kept"},
	} {
		for _, program := range [][]string{{"perl", "-e", command, "a b", "*"}, {"./denied"}, {"./script"}} {
			d := newFolder(t)
			d.put("denied", "")
			if err := os.Chmod(d.at("denied"), 0o644); err != nil {
				t.Fatal(err)
			}
			d.put("script", "exit 9")
			cmd := exec.Command("prlimit", append([]string{"--nofile=100:200", "perl", "-e", test.set + "; exec @ARGV", "--",
				"logreel", "--every=never", "app.log", "--"}, program...)...)
			cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_PIDFDID=5", "my.dotted=dot", "a-b=dash")
			p := d.launch(cmd)
			switch program[0] {
			case "./denied":
				p.await(p.said, "./denied: permission denied")
				p.wait(126)
			case "./script":
				p.wait(9)
			default:
				p.wait(8)
				if got, want := d.content("app.log"), test.want+"\n[a b *]\n100\n"; got != want {
					t.Errorf("%s: got %q, want %q", test.set, got, want)
				}
			}
		}
	}
}
