package tests

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// programs are commands of all kinds, with what they read. Each writes the same every time,
// but perhaps in another order.
var programs = []struct {
	about, input string
	command      []string
}{
	{"prompts, a trap and a job", "bob\n2\n", []string{"bash", "-c", `read -p "name? " n; echo "hi $n"; select x in a b; do echo $x; break; done
		trap "echo bye" EXIT; set -m; (sleep 0.1; echo job) & wait; exit 5`}},
	{"what a process inherits", "", []string{"bash", "-c", `umask; ulimit -a; trap -p; nice; pwd; ls /proc/self/fd | wc -l; grep -E "Sig(Blk|Ign|Cgt)" /proc/self/status; test -t 1; echo $?; env | grep -v '^_='`}},
	{"ended by a signal", "", []string{"sh", "-c", "echo x; kill -TERM $$"}},
	{"ended by a fault", "", []string{"sh", "-c", "echo x; kill -SEGV $$"}},
	{"not found by a shell", "", []string{"sh", "-c", "no-such-program-anywhere"}},
	{"a pipeline that breaks", "", []string{"bash", "-c", `yes | head -n 1; echo ${PIPESTATUS[0]}`}},
	{"a closed output", "", []string{"sh", "-c", `exec >&-; echo x; echo "status $?" >&2`}},
	{"a session of its own", "", []string{"setsid", "-w", "sh", "-c", "echo x; exit 3"}},
	{"many at once", "", []string{"sh", "-c", `seq 40 | xargs -P 8 -n 1 sh -c 'echo line $0; echo error $0 >&2; exit $(($0 == 7))'`}},
	{"progress", "", []string{"sh", "-c", `for i in 1 2 3; do printf '\r%s%%' $i; sleep 0.05; done; echo`}},
	{"a file that is followed", "", []string{"sh", "-c", `printf 'a\nb\nc\n' >followed; sleep 0.5 & tail -n 2 --pid=$! -f followed`}},
	{"a terminal of its own", "", []string{"script", "-qec", "stty size; echo in; exit 3", "/dev/null"}},
	{"another user", "", []string{"su", "nobody", "-s", "/bin/sh", "-c", "id -un; echo error >&2; exit 4"}},
	{"Perl", "", []string{"perl", "-e", `print "o $_\n" for 1..100; warn "w"; if (!fork) { print "child\n"; exit } wait; open(my $h, "|-", "cat"); print $h "piped\n"; close $h; die "dead"`}},
	{"Python", "1+1\nprint('x')\n1/0\nexit(3)\n", []string{python, "-i"}},
	{"Python's processes", "", []string{python, "-c", `
import multiprocessing, sys
def write(n):
    for i in range(100): sys.stderr.write("%d %d %s\n" % (n, i, "x" * 3000))
with multiprocessing.Pool(4) as pool: pool.map(write, range(8))
sys.exit(7)`}},
	{"Node", "", []string{"node", "-e", `
const cluster = require("cluster");
if (cluster.isPrimary) { for (let i = 0; i < 3; i++) cluster.fork(); process.exitCode = 6 }
else { for (let i = 0; i < 100; i++) { console.log(cluster.worker.id, i); console.error("error", i) } cluster.worker.disconnect() }`}},
	{"Ruby", "", []string{"ruby", "-rlogger", "-e", `l = Logger.new($stderr); l.formatter = proc { |s, _, _, m| "#{s} #{m}\n" }; 50.times { |i| puts i; l.warn(i) }; fork { puts "child" }; Process.wait; system("echo sub"); raise "boom"`}},
	{"socat", "one\ntwo\n", []string{"socat", "-", "EXEC:cat"}},
	{"SQLite", "create table t(a); insert into t values(1); select * from t;\nbad;\n", []string{"sqlite3"}},
}

// A program does behind logreel what it does alone: all that differs is where its output
// goes.
func TestProgramsAsAlone(t *testing.T) {
	t.Parallel()
	for _, program := range programs {
		t.Run(program.about, func(t *testing.T) {
			t.Parallel()
			need(t, program.command[0])
			d := newFolder(t)
			run := func(args ...string) (out string, status int) {
				cmd := exec.Command(args[0], args[1:]...)
				cmd.Dir, cmd.Env, cmd.Stdin = d.dir, append(testEnv(""), "LC_ALL=C"), strings.NewReader(program.input)
				var said bytes.Buffer
				cmd.Stdout, cmd.Stderr = &said, &said
				var failed *exec.ExitError
				if err := cmd.Run(); err != nil && !errors.As(err, &failed) {
					t.Fatal(err)
				}
				if status = cmd.ProcessState.ExitCode(); status < 0 {
					status = 128 + int(cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
				}
				return said.String(), status
			}
			want, status := run(program.command...)
			if want == "" {
				t.Fatal("it writes nothing")
			}
			for _, kind := range []string{"socket", "pipe"} {
				said, got := run(append([]string{"logreel", "--stdio=" + kind, "--every=never", kind, "--"}, program.command...)...)
				if said != "" || got != status {
					t.Errorf("%s: status %d, want %d; said %q", kind, got, status, said)
				}
				if got := d.read(kind); sorted(got) != sorted(want) {
					t.Errorf("%s: got %q, want %q", kind, got, want)
				}
			}
		})
	}
}

// sorted returns the lines of a text in alphabetical order, the last one with a newline.
func sorted(text string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n")+"\n", "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}
