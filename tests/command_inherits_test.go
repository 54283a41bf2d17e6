//go:build linux

package tests

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// The command has the descriptors that logreel was started with and none of logreel's
// own, and logreel keeps no socket or pipe of them.
func TestCommandDescriptors(t *testing.T) {
	t.Parallel()
	needProc(t)
	d, pipe := newFolder(t), newStream(t, "pipe")
	_, listening := listen(t)
	inherited := []*os.File{listening, pipe.write, d.create("inherited")}
	const script = `echo "ready $$"; read x; exit 0`
	// What a command has that logreel did not start.
	plain := exec.Command("sh", "-c", script)
	plain.ExtraFiles = inherited
	p := d.launch(plain)
	want := openFiles(t, p.readyPID(""))
	p.end()
	for _, stdio := range []string{"socket", "pipe"} {
		cmd := commandLine("", script, "--eager", "--link=live", "--stdio="+stdio)
		cmd.ExtraFiles = inherited
		p := d.launch(cmd)
		theirs := openFiles(t, p.readyPID(""))
		own := openFiles(t, p.pid())
		output := theirs[1]
		if theirs[0] != own[0] || theirs[2] != output || !strings.HasPrefix(output, stdio+":") {
			t.Errorf("%s: the command has %v", stdio, theirs)
		}
		theirs[0], theirs[1], theirs[2] = want[0], want[1], want[2]
		if !maps.Equal(theirs, want) {
			t.Errorf("%s: the command has %v, want %v", stdio, theirs, want)
		}
		for fd, target := range own {
			if fd > 2 && (target == want[3] || target == want[4]) {
				t.Errorf("%s: logreel keeps descriptor %d: %s", stdio, fd, target)
			}
		}
		if len(streams(t, p.pid())) != 1 {
			t.Errorf("%s: logreel has %v, want one %s, to read", stdio, own, stdio)
		}
		p.end()
	}
}

// systemd's sockets are the command's: LISTEN_PID is its process, if it was logreel's.
func TestCommandListen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ set, want string }{
		{"LISTEN_PID=$$", "own"},
		{"LISTEN_PID=1", "1"},
		{"LISTEN_OTHER=$$", ""},
	} {
		// The command is a shell that tells its arguments as well.
		p := startShell(t, `export `+test.set+` LISTEN_FDS=2 LISTEN_FDNAMES=a:b
			exec logreel --tee --verbose --every=never app.log -- sh -c '
				test "$LISTEN_PID" != $$ || LISTEN_PID=own
				echo "$LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES"; printf "[%s]" "$@"; exit 8' name "" "a b" '*' '"$x'`)
		p.wait(8)
		p.expect("app.log", test.want+" 2 a:b\n[][a b][*][\"$x]\n")
	}
}

// The command's limit is the one that logreel was started with: the Go runtime raises
// its own.
func TestCommandLimits(t *testing.T) {
	t.Parallel()
	need(t, "prlimit")
	p := newFolder(t).startProgram("prlimit", "--nofile=100:200", "logreel", "--tee", "--every=never", "app.log",
		"--", "sh", "-c", "ulimit -Sn; ulimit -Hn")
	p.wait(0)
	p.expect("app.log", "100\n200\n")
}

// signalSets returns which signals a process ignores and blocks that is started in a
// state, by itself and as a command of logreel, with or without a terminal.
func signalSets(t *testing.T, state string, terminal bool) (plain, command map[string]uint64) {
	t.Helper()
	needProc(t)
	need(t, "script", "grep")
	if exec.Command("env", "--ignore-signal=HUP", "true").Run() != nil {
		t.Skip("env cannot have signals ignored")
	}
	d := newFolder(t)
	sets := func(with, file string) map[string]uint64 {
		t.Helper()
		line := "exec env " + state + " " + with + "grep ^Sig[BI] /proc/self/status > printed"
		cmd := exec.Command("sh", "-c", line)
		if terminal {
			cmd = exec.Command("script", "-qec", line, "/dev/null")
		}
		cmd.Dir = d.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		found := map[string]uint64{}
		for line := range strings.Lines(d.content(file)) {
			fields := strings.Fields(line)
			bits, err := strconv.ParseUint(fields[1], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			found[fields[0]] = bits
		}
		return found
	}
	return sets("", "printed"), sets("logreel --every=never logged -- ", "logged")
}

// eachSignalState calls check with the signalSets of each state, with and without a
// terminal.
func eachSignalState(t *testing.T, states []string, check func(t *testing.T, plain, command map[string]uint64)) {
	for _, state := range states {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s terminal %v", state, terminal), func(t *testing.T) {
				t.Parallel()
				plain, command := signalSets(t, state, terminal)
				check(t, plain, command)
			})
		}
	}
}

// The command ignores and blocks no signal that logreel was not started to.
func TestCommandSignalState(t *testing.T) {
	t.Parallel()
	states := []string{"", "--ignore-signal=USR2 --block-signal=USR1", "--block-signal=TERM --block-signal=CHLD"}
	eachSignalState(t, states, func(t *testing.T, plain, command map[string]uint64) {
		for _, set := range []string{"SigIgn:", "SigBlk:"} {
			bits, there := command[set]
			if more := bits &^ plain[set]; more != 0 || !there {
				t.Errorf("%s the command has %#x more", set, more)
			}
		}
	})
}

// What logreel was started to ignore its command ignores too, so nohup works, and
// ctrl-c does not end what a shell script has put into the background. Of the other
// signals the Go runtime does not tell.
func TestCommandIgnores(t *testing.T) {
	t.Parallel()
	states := []string{"--ignore-signal=HUP", "--ignore-signal=INT"}
	eachSignalState(t, states, func(t *testing.T, plain, command map[string]uint64) {
		if got, want := command["SigIgn:"], plain["SigIgn:"]; got != want {
			t.Errorf("the command ignores %#x, want %#x", got, want)
		}
	})
}
