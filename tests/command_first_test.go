//go:build linux

package tests

import (
	"os/exec"
	"syscall"
	"testing"
)

// startFirst starts a logreel that is process 1 of a name space, with a shell as its
// command, and returns its process as we see it.
func startFirst(t *testing.T, script string, flags ...string) (p *process, first int) {
	t.Helper()
	needProc(t)
	needRoot(t, "unshare")
	if out, err := try("unshare", "--pid", "--fork", "--mount-proc", "true"); err != nil {
		t.Skipf("no name space can be made: %v: %s", err, out)
	}
	cmd := commandLine("", script, flags...)
	unshare := exec.Command("unshare", append([]string{"--pid", "--fork", "--mount-proc", "--kill-child"}, cmd.Args...)...)
	unshare.Env = cmd.Env
	p = newFolder(t).launch(unshare)
	eventually(t, "process 1", func() bool {
		children := childrenOf(t, p.pid())
		if len(children) == 1 {
			first = children[0]
		}
		return first > 0
	})
	return p, first
}

// As process 1 it reaps what is left to it, passes SIGTERM on, and ends with the
// command's status.
func TestCommandProcessOne(t *testing.T) {
	t.Parallel()
	p, first := startFirst(t, `trap 'echo terminated; exit 5' TERM
		test $PPID = 1 && echo "below 1"
		i=0; while test $i -lt 100; do (sh -c 'exit 3' & sh -c : &); i=$((i + 1)); done
		(sh -c 'echo ready; read x; echo orphan $x' <&3 &) 3<&0
		while :; do sleep 0.01; done`)
	p.copies("ready")
	eventually(t, "two children, none of them a zombie", func() bool {
		return len(childrenOf(t, first)) == 2 && len(children(t, first)) == 2
	})
	sendSignal(t, first, syscall.SIGTERM)
	p.says("the command has ended")
	eventually(t, "the orphan alone", func() bool { return len(childrenOf(t, first)) == 1 })
	p.send("goes on")
	p.wait(5)
	p.expect("app.log", "below 1\nready\nterminated\norphan goes on\n")
}

// An orphan holds the log open for ever, but for --grace.
func TestCommandProcessOneGrace(t *testing.T) {
	t.Parallel()
	p, first := startFirst(t, `trap 'exit 5' TERM; exec 3<&0; (sh -c 'echo ready; read x' <&3 &)
		while :; do sleep 0.01; done`, "--grace=200ms")
	p.copies("ready")
	sendSignal(t, first, syscall.SIGTERM)
	p.wait(5) // while the orphan's input is open
}

// Process numbers come again, when nobody is in the group of that number either: an
// orphan may have that of the command that has ended.
func TestCommandProcessOneNumberAgain(t *testing.T) {
	t.Parallel()
	need(t, "setsid")
	p, _ := startFirst(t, `exec 3<&0; setsid -f sh -c '
			read x <&3
			until test "$again" = '$$'; do
				# Whose parent ends at once, is left to process 1.
				again=$(echo $(('$$' - 1)) > /proc/sys/kernel/ns_last_pid; sh -c : & echo $!)
			done
			echo again; read x <&3; echo last'; exit 5`)
	p.says("the command has ended")
	p.send("go on")
	p.copies("again")
	p.send("go on")
	p.wait(5)
	p.expect("app.log", "again\nlast\n")
}
