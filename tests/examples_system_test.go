//go:build linux

package tests

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests run the examples for what starts services.

// shopUnit returns a unit of the shop, for a shop whose files are elsewhere.
func shopUnit(t *testing.T, s *shop, name string) string {
	t.Helper()
	python := pythonPath(t)
	me, _, _ := strings.Cut(ownNames(t), ":")
	oldNew := map[string][]string{
		"logreel-pipe.service":    {anyPort, s.address, "/srv/shop", python, "/var/log/shop/%%Y-%%m-%%d.log", s.logs + "/%%Y%%m%%d-%%H%%M%%S.log", "User=shop", "User=" + me, "exec logreel", "exec " + logreel},
		"logreel-command.service": {anyPort, s.address, "/srv/shop", python, "/var/log/shop/%%Y-%%m-%%d.log", s.logs + "/%%Y%%m%%d-%%H%%M%%S.log", "User=shop", "User=" + me, "/usr/bin/logreel", logreel},
		"logreel-fifo.service":    {"/var/log/shop/%%Y-%%m-%%d.log", s.logs + "/%%Y%%m%%d-%%H%%M%%S.log", "User=shop", "User=" + me, "/usr/bin/logreel", logreel},
		"logreel-fifo.socket":     {"/run/shop.log", s.logs + ".fifo", "SocketUser=shop", "SocketUser=" + me},
	}
	return example(t, name, oldNew[name]...)
}

var units = []string{"logreel-pipe.service", "logreel-command.service", "logreel-fifo.service", "logreel-fifo.socket"}

// systemd has nothing to say against the units.
func TestExampleUnits(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"systemd-analyze": "systemd"})
	s := newExample(t)
	d := newFolder(t)
	args := []string{"verify", "--man=no", "--recursive-errors=no"}
	for _, name := range units {
		d.put(name, shopUnit(t, s, name))
		d.chmod(name, 0o644)
		args = append(args, d.at(name))
	}
	if out := run(t, "systemd-analyze", args...); out != "" {
		t.Errorf("systemd-analyze says: %s", out)
	}
}

// manager is a script that has a systemd of its own manage the units of a directory, in
// name spaces of their own, and lets systemctl do what comes on standard input.
const manager = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user
for group in /sys/fs/cgroup/*; do umount --lazy "$group" 2>/dev/null || :; done
umount --lazy /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export XDG_RUNTIME_DIR=/run/user SYSTEMD_UNIT_PATH="$1" HOME="$1" SYSTEMD_LOG_TARGET=console
unset DBUS_SESSION_BUS_ADDRESS
/lib/systemd/systemd --user --unit=nothing.target </dev/null >&2 &
for try in $(seq 1000); do
	[ ! -S /run/user/systemd/private ] || break
	sleep 0.02
done
[ -S /run/user/systemd/private ]
echo ready
while read -r command; do
	systemctl --user $command >&2 && echo "done: $command" || echo "failed: $command"
done
`

// A managed is a systemd of the test's own.
type managed struct{ *process }

// manage starts a systemd with units. It skips the test where that cannot be.
func manage(t *testing.T, mark string, units map[string]string) managed {
	t.Helper()
	needRoot(t, "unshare", "systemctl")
	group := cgroup(t)
	d := newFolder(t)
	// What units need by default, and no more of it than that.
	for _, target := range []string{"nothing", "basic", "shutdown"} {
		d.put(target+".target", "[Unit]\n")
	}
	for name, text := range units {
		d.put(name, text)
	}
	// The shell that joins the group is the one that systemd takes for its root.
	cmd := exec.Command("sh", "-c", `echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --fork --kill-child --mount-proc --cgroup sh -c "$2" sh "$3"`, "sh", group, manager, d.dir)
	cmd.Env = append(testEnv(pythonPath(t)), markEnv+"="+mark, "PYTHONUNBUFFERED=")
	cmd.Stderr = d.create("said")
	m := managed{d.launch(cmd)}
	t.Cleanup(func() {
		_ = m.input.Close()
		_ = cmd.Process.Kill() // and all that is in its name space
		_ = cmd.Wait()
		awaitNoneMarked(t, mark)
		removeGroups(t, group)
		if t.Failed() {
			t.Logf("systemd said: %s", m.read("said"))
		}
	})
	select {
	case _, up := <-m.copied:
		if !up {
			t.Skipf("no systemd in name spaces here: %s", m.read("said"))
		}
	case <-time.After(patience):
		t.Fatalf("systemd is not up after %v", patience)
	}
	return m
}

// ctl has systemctl do something, and waits for it.
func (m managed) ctl(command string) {
	m.t.Helper()
	m.send(command)
	if answer := m.copies(": " + command); answer != "done: "+command {
		m.t.Fatal(answer)
	}
}

// cgroup makes a control group for a test.
func cgroup(t *testing.T) string {
	t.Helper()
	mounts := readFile(t, "/proc/self/mounts")
	found := regexp.MustCompile(`(?m)^\S+ (\S+) cgroup2 rw`).FindStringSubmatch(mounts)
	if found == nil {
		t.Skip("needs cgroup2, mounted for writing")
	}
	group, err := os.MkdirTemp(found[1], "logreel-test-")
	if err != nil {
		t.Skipf("no control group: %v", err)
	}
	return group
}

// removeGroups removes a control group and those in it. They are free a moment after their
// last process has ended.
func removeGroups(t *testing.T, group string) {
	t.Helper()
	eventually(t, "the control groups' end", func() bool {
		_, _ = try("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";") // or else at the next try
		_, err := os.Stat(group)
		return err != nil
	})
}

// systemd starts, reloads and stops the server; it is told when that is up.
func TestExampleService(t *testing.T) {
	t.Parallel()
	for _, name := range units[:2] {
		t.Run(name, func(t *testing.T) {
			needShop(t, map[string]string{"systemd-analyze": "systemd"})
			s := newExample(t)
			journal := newFolder(t)
			journal.put("journal", "")
			unit := strings.Replace(shopUnit(t, s, name), "[Service]\n", "[Service]\nStandardError=append:"+journal.at("journal")+"\n", 1)
			m := manage(t, s.logs, map[string]string{name: unit})
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the journal: %s; the log: %s", journal.read("journal"), s.files(t).content("*.log"))
				}
			})
			m.ctl("start " + name)
			s.order(t, "first", 0, func() {})
			if len(s.refused) > 0 {
				t.Fatalf("it is not up: %v", s.refused)
			}
			s.orderUntilSwitched(t, ".")
			m.ctl("reload " + name)
			eventually(t, "the reload", func() bool { return strings.Contains(s.files(t).content("*.log"), "Hang up: Master") })
			s.orderUntilSwitched(t, ".")
			s.visitLast(t, func() { m.ctl("stop " + name) })
			if len(s.refused) > 0 {
				t.Errorf("without an answer: %v", s.refused)
			}
			s.checkPort(t)
			s.checkExample(t, ".", appServers[0].request)
			if text := s.files(t).content("*.log"); !strings.HasSuffix(text, "Shutting down: Master\n") {
				t.Errorf("the last line is not there: %.300q", text[max(0, len(text)-300):])
			}
		})
	}
}

// systemd keeps the FIFO, and starts logreel when something comes.
func TestExampleFIFO(t *testing.T) {
	t.Parallel()
	s := newExample(t)
	needs(t, map[string]string{"systemd-analyze": "systemd"})
	m := manage(t, s.logs, map[string]string{units[2]: shopUnit(t, s, units[2]), units[3]: shopUnit(t, s, units[3])})
	m.ctl("start logreel-fifo.socket")
	want := ""
	say := func(n int) {
		line := fmt.Sprintf("line %d\n", n)
		// Not to wait for a reader if there is no FIFO.
		fifo, err := os.OpenFile(s.logs+".fifo", os.O_WRONLY|syscall.O_NONBLOCK, 0)
		must(t, err)
		_, err = io.WriteString(fifo, line)
		must(t, err, fifo.Close())
		want += line
	}
	said := s.files(t).untilFiles(".", 3, say)
	// What is in it is written before the end, what comes later after the next start.
	say(said)
	m.ctl("stop logreel-fifo.service")
	s.files(t).expect("*.log", want)
	if left := s.running(t); len(left) > 0 {
		t.Errorf("logreel still runs: %d", left)
	}
	for n := range 3 {
		say(said + 1 + n)
	}
	eventually(t, "the lines after the stop", func() bool { return s.files(t).content("*.log") == want })
	m.ctl("stop logreel-fifo.socket logreel-fifo.service")
}

// running returns the processes of logreel that write the log.
func (s *shop) running(t *testing.T) (pids []int) {
	t.Helper()
	for _, pid := range marked(t, s.logs) {
		if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && filepath.Base(program) == "logreel" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestExampleSupervisor(t *testing.T) {
	t.Parallel()
	needShop(t, map[string]string{"supervisord": "supervisor"})
	python := pythonPath(t)
	text := readFile(t, "../packaging/examples/supervisord.conf")
	given := regexp.MustCompile(`(?m)^command=.*$`).FindString(text)
	piped := strings.TrimSpace(regexp.MustCompile(`(?m)^;     (command=.*)$`).FindString(text)[1:])
	for about, command := range map[string]string{
		"by logreel": given,
		"pipe":       strings.Replace(piped, "shop.wsgi >", "--bind="+anyPort+" --access-logfile=- shop.wsgi >", 1),
	} {
		t.Run(about, func(t *testing.T) {
			s := newExample(t)
			d := newFolder(t)
			me, _, _ := strings.Cut(ownNames(t), ":")
			conf := strings.Replace(example(t, "supervisord.conf"), given, command, 1)
			d.put("supervisord.conf", fmt.Sprintf("[supervisord]\nlogfile=%[1]s/log\npidfile=%[1]s/pid\nchildlogdir=%[1]s\nuser=%[2]s\n", d.dir, me)+
				replaceAll(t, "supervisord.conf", conf,
					anyPort, s.address, "/srv/shop", python, "user=shop", "user="+me,
					"/var/log/shop/%%Y-%%m-%%d.log", s.logs+"/%%Y%%m%%d-%%H%%M%%S.log",
					"/var/log/supervisor/shop-logreel.log", d.at("said")))
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("supervisord says: %s; the log: %s", d.content("log"), s.files(t).content("*.log"))
				}
			})
			s.openExample(t, "supervisord", "--nodaemon", "--silent", "--configuration="+d.at("supervisord.conf"))
			s.orderUntilSwitched(t, ".")
			s.stopInFlight(t, func() { sendSignal(t, s.server.Process.Pid, syscall.SIGTERM) })
			s.checkExample(t, ".", appServers[0].request)
			s.checkSilent(t)
			if said := complaints(d.read("said")); said != "" {
				t.Errorf("logreel said %s", said)
			}
			if !strings.Contains(d.read("log"), "stopped: shop (exit status 0)") {
				t.Error("the exit status is not 0")
			}
		})
	}
}

// Several processes of one program, with a logreel each, share files or have their own.
func TestExampleSupervisorProcesses(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"supervisord": "supervisor"})
	text := readFile(t, "../packaging/examples/supervisord.conf")
	several := regexp.MustCompile(`numprocs=4|process_name=\S+`).FindAllString(text, 2)
	own := regexp.MustCompile(`(?m)^;     /var/log/shop/(%%.*-%\(process_num\)d\.log)$`).FindStringSubmatch(text)[1]
	me, _, _ := strings.Cut(ownNames(t), ":")
	for about, name := range map[string]string{"shared": "%%Y.log", "own": own} {
		t.Run(about, func(t *testing.T) {
			d := newLogs(t)
			d.put("supervisord.conf", fmt.Sprintf(`[supervisord]
logfile=%[1]s/log
pidfile=%[1]s/pid
user=%[2]s
[program:shop]
command=%[3]s %[1]s/logs/%[4]s -- sh -c "echo process $1; exec sleep 1000" sh %%(process_num)d
stdout_logfile=NONE
stderr_logfile=%[1]s/said
%[5]s
`, d.dir, me, logreel, name, strings.Join(several, "\n")))
			cmd := exec.Command("supervisord", "--nodaemon", "--configuration="+d.at("supervisord.conf"))
			cmd.Env = append(testEnv(""), markEnv+"="+d.dir)
			t.Cleanup(func() { killMarked(t, d.dir) })
			p := d.launch(cmd)
			eventually(t, "the lines of all", func() bool { return strings.Count(d.content("logs/*.log"), "process ") == 4 })
			p.signal(syscall.SIGTERM)
			p.waitAny()
			files := map[string]int{"shared": 1, "own": 4}[about]
			if names := d.names("logs"); len(names) != files {
				t.Errorf("files %q, want %d", names, files)
			}
			if said := complaints(d.read("said")); said != "" {
				t.Errorf("logreel said %s", said)
			}
		})
	}
}

// cronCommand returns the command of a line of a crontab, and its standard input, by the
// rules of crontab(5).
func cronCommand(line string) (command, input string) {
	command = regexp.MustCompile(`^(\S+\s+){5}`).ReplaceAllString(line, "")
	const escaped = "\x00"
	command, input, _ = strings.Cut(strings.ReplaceAll(command, `\%`, escaped), "%")
	input = strings.ReplaceAll(input, "%", "\n")
	return strings.ReplaceAll(command, escaped, "%"), strings.ReplaceAll(input, escaped, "%")
}

func TestExampleCron(t *testing.T) {
	t.Parallel()
	d := newLogs(t)
	text := example(t, "crontab", "/var/log/backup", d.at("logs"))
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		needs(t, map[string]string{"crontab": "cron"})
		d.put("crontab", text)
		// A dry run is -n for Debian's cron and -T for others.
		dry := "-n"
		if out, _ := try("crontab", "--help"); !strings.Contains(out, "-n") {
			dry = "-T"
		}
		run(t, "crontab", dry, d.at("crontab"))
	})
	d.put("backup", "#!/bin/sh\necho \"out $*\"\necho \"err $*\" >&2\nexit 3\n")
	want := []struct {
		status     int
		name, text string
	}{
		{3, `^\d{4}-\d\d\.log$`, "out --all\nerr --all\n"},
		{0, `^prune-\d{4}-\d\d\.log$`, "out --prune\nerr --prune\n"},
	}
	commands := regexp.MustCompile(`(?m)^[0-9*].*$`).FindAllString(text, -1)
	if len(commands) != len(want) {
		t.Fatalf("commands: %q", commands)
	}
	for i, line := range commands {
		command, input := cronCommand(line)
		sh := exec.Command("/bin/sh", "-c", command)
		sh.Dir, sh.Stdin = d.dir, strings.NewReader(input)
		sh.Env = []string{"HOME=" + d.dir, "LOGNAME=someone", "SHELL=/bin/sh", "PATH=" + d.dir + ":" + filepath.Dir(logreel) + ":/usr/bin:/bin"}
		out, _ := sh.CombinedOutput()
		if got := sh.ProcessState.ExitCode(); got != want[i].status || complaints(string(out)) != "" {
			t.Errorf("%s: exit status %d, want %d; mailed: %s", command, got, want[i].status, out)
		}
		written := d.names("logs")
		if len(written) != 1 || !regexp.MustCompile(want[i].name).MatchString(written[0]) {
			t.Fatalf("%s: files %q, want %s", command, written, want[i].name)
		}
		path := "logs/" + written[0]
		d.expect(path, want[i].text)
		d.remove(path)
	}
}
