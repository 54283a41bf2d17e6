//go:build linux

package tests

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests run the examples for what starts services.

// shopUnit returns a unit of the shop, for a shop whose files are elsewhere.
func shopUnit(t *testing.T, s *shop, name string) string {
	t.Helper()
	python, err := filepath.Abs("python")
	if err != nil {
		t.Fatal(err)
	}
	me, _, _ := strings.Cut(ownNames(t), ":")
	oldNew := map[string][]string{
		"logreel-pipe.service":    {anyPort, s.address, "/srv/shop", python, "/var/log/shop/%%Y-%%m-%%d.log", s.logs + "/%%Y%%m%%d-%%H%%M%%S.log", "User=shop", "User=" + me},
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
	dir := t.TempDir()
	args := []string{"verify", "--man=no", "--recursive-errors=no"}
	for _, name := range units {
		writeFile(t, dir, name, shopUnit(t, s, name))
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, filepath.Join(dir, name))
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
type managed struct {
	t     *testing.T
	cmd   *exec.Cmd
	input io.WriteCloser
	said  chan string
}

// manage starts a systemd with units. It skips the test where that cannot be.
func manage(t *testing.T, mark string, units map[string]string) *managed {
	t.Helper()
	needRoot(t, "unshare", "systemctl")
	group := cgroup(t)
	dir := t.TempDir()
	// What units need by default, and no more of it than that.
	for _, target := range []string{"nothing", "basic", "shutdown"} {
		writeFile(t, dir, target+".target", "[Unit]\n")
	}
	for name, text := range units {
		writeFile(t, dir, name, text)
	}
	// The shell that joins the group is the one that systemd takes for its root.
	m := &managed{t: t, cmd: exec.Command("sh", "-c", `echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --fork --kill-child --mount-proc --cgroup sh -c "$2" sh "$3"`, "sh", group, manager, dir)}
	m.cmd.Env = append(testEnv(""), "LOGREEL_TEST_MARK="+mark, "PYTHONUNBUFFERED=")
	python, err := filepath.Abs("python")
	if err != nil {
		t.Fatal(err)
	}
	m.cmd.Env = append(m.cmd.Env, "PYTHONPATH="+python)
	output, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = output
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if m.input, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.said = lines(stdout)
	t.Cleanup(func() {
		_ = m.input.Close()
		_ = m.cmd.Process.Kill() // and all that is in its name space
		_ = m.cmd.Wait()
		eventually(t, "the end of systemd", func() bool { return len(offspring(t, mark)) == 0 })
		removeGroups(t, group)
		if t.Failed() {
			t.Logf("systemd said: %s", readFile(t, output.Name()))
		}
	})
	select {
	case _, up := <-m.said:
		if !up {
			t.Skipf("no systemd in name spaces here: %s", readFile(t, output.Name()))
		}
	case <-time.After(patience):
		t.Fatalf("systemd is not up after %v", patience)
	}
	return m
}

// ctl has systemctl do something, and waits for it.
func (m *managed) ctl(command string) {
	m.t.Helper()
	if _, err := io.WriteString(m.input, command+"\n"); err != nil {
		m.t.Fatal(err)
	}
	if answer := (&process{t: m.t}).await(m.said, ": "+command); answer != "done: "+command {
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
		var dirs []string
		_ = filepath.WalkDir(group, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			_ = os.Remove(dir) // or else at the next try
		}
		return len(dirs) == 0
	})
}

// systemd starts, reloads and stops the server; it is told when that is up.
func TestExampleService(t *testing.T) {
	t.Parallel()
	for _, name := range units[:2] {
		t.Run(name, func(t *testing.T) {
			needShop(t, map[string]string{"systemd-analyze": "systemd"})
			s := newExample(t)
			m := manage(t, s.logs, map[string]string{name: shopUnit(t, s, name)})
			m.ctl("start " + name)
			s.order(t, "first", 0, func() {})
			if len(s.refused) > 0 {
				t.Fatalf("it is not up: %v", s.refused)
			}
			s.orderUntilSwitched(t, s.logs)
			m.ctl("reload " + name)
			eventually(t, "the reload", func() bool { return strings.Contains(content(t, s.logs, "*.log"), "Hang up: Master") })
			s.orderUntilSwitched(t, s.logs)
			s.visitLast(t, func() { m.ctl("stop " + name) })
			if len(s.refused) > 0 {
				t.Errorf("without an answer: %v", s.refused)
			}
			s.checkPort(t)
			s.checkExample(t, s.logs, appServers[0].request)
			if text := content(t, s.logs, "*.log"); !strings.HasSuffix(text, "Shutting down: Master\n") {
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
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(fifo, line)
		if err := errors.Join(err, fifo.Close()); err != nil {
			t.Fatal(err)
		}
		want += line
	}
	said := untilFiles(t, s.logs, 3, say)
	// What is in it is written before the end, what comes later after the next start.
	say(said)
	m.ctl("stop logreel-fifo.service")
	if got := content(t, s.logs, "*.log"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if left := s.running(t); len(left) > 0 {
		t.Errorf("logreel still runs: %d", left)
	}
	for n := range 3 {
		say(said + 1 + n)
	}
	eventually(t, "the lines after the stop", func() bool { return content(t, s.logs, "*.log") == want })
	m.ctl("stop logreel-fifo.socket logreel-fifo.service")
}

// running returns the processes of logreel that write the log.
func (s *shop) running(t *testing.T) (pids []int) {
	t.Helper()
	for _, pid := range offspring(t, s.logs) {
		if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && filepath.Base(program) == "logreel" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestExampleSupervisor(t *testing.T) {
	t.Parallel()
	needShop(t, map[string]string{"supervisord": "supervisor"})
	python, err := filepath.Abs("python")
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, "../packaging/examples/supervisord.conf")
	given := regexp.MustCompile(`(?m)^command=.*$`).FindString(text)
	piped := strings.TrimSpace(regexp.MustCompile(`(?m)^;     (command=.*)$`).FindString(text)[1:])
	for about, command := range map[string]string{
		"by logreel": given,
		"pipe":       strings.Replace(piped, "shop.wsgi >", "--bind="+anyPort+" --access-logfile=- shop.wsgi >", 1),
	} {
		t.Run(about, func(t *testing.T) {
			s := newExample(t)
			dir := t.TempDir()
			me, _, _ := strings.Cut(ownNames(t), ":")
			conf := strings.Replace(example(t, "supervisord.conf"), given, command, 1)
			writeFile(t, dir, "supervisord.conf", fmt.Sprintf("[supervisord]\nlogfile=%[1]s/log\npidfile=%[1]s/pid\nchildlogdir=%[1]s\nuser=%[2]s\n", dir, me)+
				replaceAll(t, "supervisord.conf", conf,
					anyPort, s.address, "/srv/shop", python, "user=shop", "user="+me,
					"/var/log/shop/%%Y-%%m-%%d.log", s.logs+"/%%Y%%m%%d-%%H%%M%%S.log",
					"/var/log/supervisor/shop-logreel.log", dir+"/said"))
			t.Cleanup(func() {
				if t.Failed() {
					log, _ := os.ReadFile(dir + "/log")
					t.Logf("supervisord says: %s; the log: %s", log, content(t, s.logs, "*.log"))
				}
			})
			s.openExample(t, "supervisord", "--nodaemon", "--silent", "--configuration="+dir+"/supervisord.conf")
			s.orderUntilSwitched(t, s.logs)
			s.stopInFlight(t, func() { s.signal(t, s.server.Process.Pid, syscall.SIGTERM) })
			s.checkExample(t, s.logs, appServers[0].request)
			s.checkSilent(t)
			if said := complaints(readFile(t, dir+"/said")); said != "" {
				t.Errorf("logreel said %s", said)
			}
			if !strings.Contains(readFile(t, dir+"/log"), "stopped: shop (exit status 0)") {
				t.Error("the exit status is not 0")
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
	dir, logs := makeLogs(t)
	text := example(t, "crontab", "/var/log/backup", logs)
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		needs(t, map[string]string{"crontab": "cron"})
		writeFile(t, dir, "crontab", text)
		// A dry run is -n for Debian's cron and -T for others.
		dry := "-n"
		if out, _ := exec.Command("crontab", "--help").CombinedOutput(); !strings.Contains(string(out), "-n") {
			dry = "-T"
		}
		run(t, "crontab", dry, filepath.Join(dir, "crontab"))
	})
	writeFile(t, dir, "backup", "#!/bin/sh\necho \"out $*\"\necho \"err $*\" >&2\nexit 3\n")
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
		sh.Dir, sh.Stdin = dir, strings.NewReader(input)
		sh.Env = []string{"HOME=" + dir, "LOGNAME=someone", "SHELL=/bin/sh", "PATH=" + dir + ":" + filepath.Dir(logreel) + ":/usr/bin:/bin"}
		out, _ := sh.CombinedOutput()
		if got := sh.ProcessState.ExitCode(); got != want[i].status || complaints(string(out)) != "" {
			t.Errorf("%s: exit status %d, want %d; mailed: %s", command, got, want[i].status, out)
		}
		written := names(t, logs)
		if len(written) != 1 || !regexp.MustCompile(want[i].name).MatchString(written[0]) {
			t.Fatalf("%s: files %q, want %s", command, written, want[i].name)
		}
		path := filepath.Join(logs, written[0])
		if got := readFile(t, path); got != want[i].text {
			t.Errorf("%s: got %q, want %q", command, got, want[i].text)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// runFirst runs a command line as process 1, stops it while orders are in flight, and
// compares what is in a directory with what was answered.
func (s *shop) runFirst(t *testing.T, dir string, argv []string) {
	t.Helper()
	s.openExample(t, append([]string{"unshare", "--pid", "--fork", "--mount-proc"}, argv...)...)
	first := children(t, s.server.Process.Pid)
	if len(first) != 1 {
		t.Fatalf("processes under unshare: %d", first)
	}
	if status := readFile(t, fmt.Sprintf("/proc/%d/status", first[0])); !regexp.MustCompile(`(?m)^NSpid:.*\t1$`).MatchString(status) {
		t.Errorf("it is not process 1: %s", status)
	}
	s.orderUntilSwitched(t, dir)
	s.stopInFlight(t, func() { s.signal(t, first[0], syscall.SIGTERM) })
	s.checkExample(t, dir, appServers[0].request)
}

func TestExampleDockerfile(t *testing.T) {
	t.Parallel()
	needShop(t, nil)
	needRoot(t, "unshare")
	s := newExample(t)
	text := example(t, "Dockerfile", everyPort, s.address, "/var/log/shop/%Y-%m-%d.log", s.logs+"/"+everySecond)
	var argv []string
	for _, instruction := range []string{"ENTRYPOINT ", "CMD "} {
		_, rest, _ := strings.Cut(text, "\n"+instruction)
		list, _, _ := strings.Cut(rest, "\n")
		var part []string
		if err := json.Unmarshal([]byte(list), &part); err != nil {
			t.Fatalf("%s: %v", instruction, err)
		}
		argv = append(argv, part...)
	}
	s.runFirst(t, s.logs, argv)
	// --tee
	if got, want := complaints(readFile(t, s.output.Name())), content(t, s.logs, "*.log"); got != want {
		t.Errorf("docker's log would be %q, and the files have %q", got, want)
	}
}

func TestExampleKubernetes(t *testing.T) {
	t.Parallel()
	needShop(t, nil)
	needRoot(t, "unshare")
	s := newExample(t)
	toJSON := exec.Command(python, "-c", "import sys, yaml, json; json.dump(yaml.safe_load(sys.stdin), sys.stdout)")
	toJSON.Stdin = strings.NewReader(example(t, "kubernetes.yaml", everyPort, s.address, "%Y-%m-%d.log", everySecond))
	out, err := toJSON.CombinedOutput()
	if err != nil {
		t.Skipf("%v %s; install python3-yaml (Debian)", err, out)
	}
	type labels map[string]string
	var deployment struct {
		Kind string
		Spec struct {
			Selector struct{ MatchLabels labels }
			Template struct {
				Metadata struct{ Labels labels }
				Spec     struct {
					Containers []struct {
						Env          []struct{ Name, Value string }
						Command      []string
						Args         []string
						VolumeMounts []struct{ Name, MountPath string }
					}
					Volumes []struct{ Name string }
				}
			}
		}
	}
	if err := json.Unmarshal(out, &deployment); err != nil {
		t.Fatal(err)
	}
	spec := deployment.Spec
	pod := spec.Template.Spec
	if deployment.Kind != "Deployment" || len(pod.Containers) != 1 || len(pod.Volumes) != 1 || len(pod.Containers[0].VolumeMounts) != 1 {
		t.Fatalf("got %+v", deployment)
	}
	if got, want := fmt.Sprint(spec.Template.Metadata.Labels), fmt.Sprint(spec.Selector.MatchLabels); got != want {
		t.Errorf("labels %s, want %s", got, want)
	}
	container := pod.Containers[0]
	mount := container.VolumeMounts[0]
	if mount.Name != pod.Volumes[0].Name || mount.MountPath != "/var/log/shop" {
		t.Errorf("mounted is %v, want %v in /var/log/shop", mount, pod.Volumes)
	}
	// Kubernetes replaces the names of what it sets; others stay as they are.
	values := []string{"/var/log/shop", s.logs}
	environment := []string{"env"}
	for _, variable := range container.Env {
		value := variable.Value
		if value == "" {
			value = "shop-0"
		}
		values = append(values, "$("+variable.Name+")", value)
		environment = append(environment, variable.Name+"="+value)
	}
	argv := slices.Concat(environment, container.Command, container.Args)
	for i := range argv {
		argv[i] = strings.NewReplacer(values...).Replace(argv[i])
	}
	s.runFirst(t, s.logs+"/shop-0", argv)
	s.checkSilent(t)
}
