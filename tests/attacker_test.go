//go:build linux

package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// attacks are how many rounds the attacker has with each logreel.
const attacks = 2000

// attackTime ends them on a busy machine.
const attackTime = 4 * time.Second

// nobodyID is the user and the group of the attacker.
const nobodyID = 65534

// Root's logreel touches nothing outside of a directory, whatever a user does in it who owns
// that directory: the attacker is attacker.c.
func TestAttacker(t *testing.T) {
	needRoot(t, "gcc")
	d := newFolder(t)
	d.chmod("..", 0o755)
	run(t, "gcc", "-O1", "-w", "-o", d.at("attacker"), "attacker/attacker.c")
	year := time.Now().UTC().Format("2006")
	file := time.Now().UTC().Format("2006-01-02") + ".log"
	for _, dir := range []string{"base", "outside"} {
		for _, name := range []string{"", "/app", "/app/logs", "/app/logs/" + year, "/app/logs/2001"} {
			d.makeDir(dir + name)
		}
		for _, name := range []string{"victim", "shared", "app/logs/2001/2001-01-01.log", "app/logs/" + year + "/" + file, "app/logs/" + year + "/" + file + ".1"} {
			d.put(dir+"/"+name, "a line\n")
		}
	}
	d.chmod("outside/victim", 0o600)
	d.chmod("outside/shared", 0o666) // or else it could not be given another name (proc_sys_fs(5))
	must(t, os.Symlink("victim", d.at("outside/link")))
	run(t, "chown", "-R", "nobody", d.at("base"))
	before := time.Unix(1_000_000_000, 0)
	must(t, filepath.Walk(d.at("outside"), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode()&os.ModeSymlink == 0 {
			err = os.Chtimes(path, before, before)
		}
		return err
	}))
	outside := d.state("outside")

	files := d.at("base/app/logs/%Y/%Y-%m-%d.log")
	links := []string{"--link=" + d.at("base/app/logs/now"), "--previous-link=" + d.at("base/app/logs/previous"), "--hard-link=" + d.at("base/app/logs/hard")}
	given := []string{"--owner=daemon:daemon", "--mode=0666", "--dir-mode=0777"}
	for n, flags := range [][]string{
		append(links, given...),
		append(given, "--compress=gzip", "--exec=:", "--keep-count=3", "--eager"),
		append(links, "--compress=gzip", "--keep-size=4K", "--sync=10ms"),
		append(links, "--compress=gzip", "--exec=:", "--keep-count=1", "--owner=nobody"),
	} {
		d.attack(year, file, append(flags, "--utc", "--size=200", "--on-full=drop", "--buffer=64K", "--linger=0s", files))
		if got := d.state("outside"); got != outside {
			changes := tally{t: t}
			for line := range strings.Lines(got) {
				if !strings.Contains(outside, line) {
					changes.errorf("logreel %d: there is %.200s", n, line)
				}
			}
			for line := range strings.Lines(outside) {
				if !strings.Contains(got, line) {
					changes.errorf("logreel %d: there was %.200s", n, line)
				}
			}
			changes.end()
			return
		}
	}
}

// attack has logreels write, one after the other, until the attacker is through its rounds.
func (d *folder) attack(year, file string, flags []string) {
	d.t.Helper()
	attacker := exec.Command(d.at("attacker"), d.at("base"), d.at("outside"), year, file, fmt.Sprint(attacks))
	attacker.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodyID, Gid: nobodyID}}
	attacker.Stderr = os.Stderr
	must(d.t, attacker.Start())
	ended := make(chan error, 1)
	go func() { ended <- attacker.Wait() }()
	limit := time.AfterFunc(attackTime, func() { _ = attacker.Process.Kill() }) // unless it has ended
	defer limit.Stop()
	for {
		cmd := exec.Command(logreel, flags...)
		cmd.Env = testEnv("")
		input, err := cmd.StdinPipe()
		must(d.t, err)
		must(d.t, cmd.Start())
		stop := time.After(300 * time.Millisecond) // to see what a killed one leaves
		for on := true; on; {
			_, _ = fmt.Fprintln(input, strings.Repeat("a line ", 20))
			select {
			case <-ended:
				must(d.t, cmd.Process.Kill())
				_ = cmd.Wait() // it was killed
				if status := attacker.ProcessState; status.ExitCode() > 0 {
					d.t.Errorf("the attacker: %v", status)
				}
				return
			case <-stop:
				on = false
			case <-time.After(time.Millisecond):
			}
		}
		must(d.t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}
}

// state returns all that is to be seen of a directory and what is in it, but for when it was
// read, and how many names a file has.
func (d *folder) state(dir string) string {
	d.t.Helper()
	var all strings.Builder
	must(d.t, filepath.Walk(d.at(dir), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		fmt.Fprintf(&all, "%s %o %d:%d %d", path, st.Mode, st.Uid, st.Gid, st.Mtim.Nano())
		if info.Mode().IsRegular() {
			fmt.Fprintf(&all, " %q", readFile(d.t, path))
		}
		all.WriteString("\n")
		return nil
	}))
	return all.String()
}
