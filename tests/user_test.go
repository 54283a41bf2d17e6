//go:build linux

package tests

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// checkGaveUpRoot fails the test unless every thread of a process is of the user and the
// groups, and has no capabilities.
func checkGaveUpRoot(t *testing.T, pid int, name string, groups ...string) {
	t.Helper()
	u, err := user.Lookup(name)
	must(t, err)
	var gids []string
	for _, group := range groups {
		g, err := user.LookupGroup(group)
		must(t, err)
		gids = append(gids, g.Gid)
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	must(t, err)
	if len(threads) < 2 {
		t.Errorf("process %d has %d threads", pid, len(threads))
	}
	for _, thread := range threads {
		checkUser(t, readFile(t, thread+"/status"), u.Uid, gids...)
	}
}

// checkUser fails the test unless what /proc/PID/status says is that of a user and of
// groups, the first one its own, without capabilities.
func checkUser(t *testing.T, status, uid string, gids ...string) {
	t.Helper()
	four := func(id string) string { return strings.Repeat(id+"\t", 3) + id }
	for name, want := range map[string]string{
		"Uid": four(uid), "Gid": four(gids[0]), "Groups": strings.Join(gids, " "),
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000", "CapAmb": "0000000000000000",
	} {
		_, rest, _ := strings.Cut("\n"+status, "\n"+name+":")
		if got, _, _ := strings.Cut(rest, "\n"); strings.TrimSpace(got) != want {
			t.Errorf("%s: got %q, want %q", name, strings.TrimSpace(got), want)
		}
	}
}

// newOwnLogs returns a folder whose directory logs is a user's, who can reach it.
func newOwnLogs(t *testing.T, owner string) *folder {
	t.Helper()
	needRoot(t, "setpriv", "unshare")
	d := newLogs(t)
	d.chmod("..", 0o755) // root's alone, unlike what is above it
	run(t, "chown", owner, d.at("logs"))
	return d
}

// All that logreel starts has given up root with it, whatever capabilities it came with.
func TestUser(t *testing.T) {
	t.Parallel()
	d := newOwnLogs(t, "nobody:adm")
	const status = `grep -E "^(Uid|Gid|Groups|Cap)" /proc/self/status`
	p := d.startProgram("setpriv", "--inh-caps=+net_raw,+chown", "--ambient-caps=+net_raw,+chown", "--securebits=+no_setuid_fixup", "--groups=adm,tty,daemon",
		"logreel", "--user=nobody:adm", "--eager", "--compress=gzip", "--exec", status+" >"+d.at("logs/hook")+"; echo $1 >>"+d.at("logs/handed"),
		"--link=logs/now", "--mode=0600", "--grace=1m", "logs/"+everySecond, "--", "sh", "-c", status+"; read line; read line")
	eventually(t, "a file that was handed on", func() bool { return d.exists("logs/handed") })
	checkGaveUpRoot(t, p.pid(), "nobody", "adm")
	d.expect("logs/app.log", "")
	p.closeInput()
	if said := p.wait(1); said != "" {
		t.Errorf("it said: %s", said)
	}
	gid := strings.Fields(run(t, "getent", "group", "adm"))[0]
	adm := strings.Split(gid, ":")[2]
	checkUser(t, d.read("logs/hook"), "65534", adm)
	var command strings.Builder
	for _, name := range d.glob("logs/20*") {
		d.unpack(name, func(line string) { command.WriteString(line + "\n") })
		if got := strings.TrimSpace(run(t, "stat", "--format=%U:%G %a", d.at(name))); got != "nobody:adm 600" {
			t.Errorf("%s is %s", name, got)
		}
	}
	checkUser(t, command.String(), "65534", adm)
}

// A user has the groups of the system's database, and no others.
func TestUserGroups(t *testing.T) {
	t.Parallel()
	d := newOwnLogs(t, "nobody:")
	d.startProgram("setpriv", "--groups=adm,tty", "logreel", "--user=nobody", "logs/a.log", "--every=never", "--", "grep", "-E", "^(Uid|Gid|Groups|Cap)", "/proc/self/status").wait(0)
	checkUser(t, d.read("logs/a.log"), "65534", "65534")
	d.startPlain("--user=54321:54322", "--every=never", "/dev/null", "--tee", "--", "id").copies("uid=54321 gid=54322 groups=54322")
}

// What the user may not do is said at the start, in one line.
func TestUserMistakes(t *testing.T) {
	t.Parallel()
	d := newOwnLogs(t, "nobody:")
	d.put("logs/old.log", "root's\n")
	d.chmod("logs/old.log", 0o644)
	d.makeDir("roots")
	as := []string{"setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"logreel", "--user=nobody", "roots/%F.log"}, "--user=nobody: may not make files in roots; give that directory to the user"},
		{[]string{"logreel", "--user=nobody", "roots/%Y/%m/%F.log"}, "--user=nobody: may not make files in roots; give that directory to the user"},
		{[]string{"logreel", "--user=nobody", "--every=never", "logs/old.log"}, "--user=nobody: may not write to logs/old.log; give that file to the user"},
		{[]string{"logreel", "--user=nobody", "--link=roots/now", "logs/%F.log"}, "--user=nobody: may not make files in roots; give that directory to the user"},
		{[]string{"logreel", "--user=nobody", "--also=roots/e-%F.log", "logs/%F.log"}, "--user=nobody: may not make files in roots; give that directory to the user"},
		{[]string{"logreel", "--user=nosuch", "logs/%F.log"}, `--user: no such user: "nosuch"; write a name that the system knows, or a number`},
		{[]string{"logreel", "--user=nobody:nosuch", "logs/%F.log"}, `--user: no such group: "nosuch"; write a name that the system knows, or a number`},
		{[]string{"logreel", "--user=:adm", "logs/%F.log"}, `--user: ":adm" is not a user; write USER or USER:GROUP`},
		{[]string{"logreel", "--user=54321", "logs/%F.log"}, `--user: "54321" has no entry in the system's users, so its group is not known; write it too, such as 54321:54321`},
		{[]string{"logreel", "--user=root", "logs/%F.log"}, `--user: "root" is root, which is what is to be given up; write another user, or leave it out`},
		{[]string{"logreel", "--user=nobody", "--owner=root:adm", "logs/%F.log"}, "--owner: nobody may not give files to others; leave --owner out, and for their group write --user=USER:GROUP"},
		{append(as, "logreel", "--user=nobody", "/dev/null", "--every=never"), "--user=nobody: only root can become another user, and this is user 54321; leave it out"},
		{[]string{"unshare", "--user", "--map-root-user", "logreel", "--user=54321:54321", "/dev/null", "--every=never"}, "--user=54321:54321: setgroups: operation not permitted"},
	} {
		p := d.startProgram(test.args[0], test.args[1:]...)
		p.closeInput()
		said := p.waitAny()
		if want := "logreel: error: " + test.want + "\n"; said != want || p.cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("%q: %v, got %q, want %q", test.args, p.cmd.ProcessState, said, want)
		}
	}
	if names := fmt.Sprint(d.names("logs"), d.names("roots")); names != "[old.log] []" {
		t.Errorf("there is %s", names)
	}
}

// Who is that user already has nothing to give up.
func TestUserAlready(t *testing.T) {
	t.Parallel()
	d := newOwnLogs(t, "nobody:")
	p := d.startProgram("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "logreel", "--user=nobody", "--every=never", "logs/a.log")
	p.send("a line")
	p.endSilent()
	d.expect("logs/a.log", "a line\n")
}
