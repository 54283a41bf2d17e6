package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/hook"
)

// calls returns a command that notes how it was called, and what was noted. It is told
// what is to be done after that.
func (fx *fixture) calls(then string) func() string {
	fx.Exec = `echo "$0 $1 $# $LOGREEL_FILE $LOGREEL_START $LOGREEL_END $(wc -c | tr -d ' ')" >>` + fx.path("calls") + "; " + then
	return func() string { return strings.ReplaceAll(readAll(fx.t, fx.path("calls")), fx.dir+"/", "") }
}

// The command is called once for each file that is marked, the oldest first, after it
// was compressed, and never for a live one or one without a mark. Its input is empty.
func TestExec(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, "%Y-%m-%d_%H")
	calls := fx.calls("")
	fx.Compress = FormatNamed("gzip")
	names := []string{"2026-11-20_23", "2026-11-20_09.1", "2026-11-20_09", "2026-11-20_10.zst", "2026-11-21_12.1", "2026-11-21_12"}
	fx.put(names...)
	fx.put("2026-11-20_08")
	for _, name := range names {
		if err := Mark(files.Disk{}, strings.TrimSuffix(fx.path(name), ".zst")); err != nil {
			t.Fatal(err)
		}
	}
	const want = `logreel 2026-11-20_09.gz 1 2026-11-20_09.gz 2026-11-20T09:00:00Z 2026-11-20T10:00:00Z 0
logreel 2026-11-20_09.1.gz 1 2026-11-20_09.1.gz 2026-11-20T09:00:00Z 2026-11-20T10:00:00Z 0
logreel 2026-11-20_10.zst 1 2026-11-20_10.zst 2026-11-20T10:00:00Z 2026-11-20T11:00:00Z 0
logreel 2026-11-20_23.gz 1 2026-11-20_23.gz 2026-11-20T23:00:00Z 2026-11-21T00:00:00Z 0
logreel 2026-11-21_12.gz 1 2026-11-21_12.gz 2026-11-21T12:00:00Z 2026-11-21T13:00:00Z 0`
	for range 2 {
		fx.run()
		if got := calls(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	fx.want("calls", "2026-11-20_23.gz", "2026-11-20_09.1.gz", "2026-11-20_09.gz", "2026-11-20_10.zst", "2026-11-21_12.gz", "2026-11-21_12.1",
		".2026-11-21_12.1.pending", "2026-11-20_08.gz")
	fx.wantQuiet()
}

// A file whose period ends in the middle of a pass is handed on as it is to stay, whenever
// that is: compressed, by this pass or the next one.
func TestExecPeriodEnds(t *testing.T) { // not parallel: it forks
	const today = "2026-11-21.log"
	for within := range 10 {
		fx := newFixture(t, daily)
		calls := fx.calls("")
		fx.Compress = FormatNamed("gzip")
		looks, now := 0, fx.Now
		fx.Now = func() time.Time {
			if looks++; looks <= within {
				return now()
			}
			return now().AddDate(0, 0, 1)
		}
		fx.put(today, "."+today+".pending").run()
		if got := calls(); got != "" && !strings.HasPrefix(got, "logreel "+today+".gz ") {
			t.Errorf("over at the %d. look at the time: handed on %q", within+1, got)
		}
		fx.wantQuiet()
	}
}

// What a pass that was killed had not given its name is handed on by the next one.
func TestExecLeftover(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	calls := fx.calls("")
	fx.Compress = FormatNamed("gzip")
	fx.put("."+yesterday+".gz.done", "."+yesterday+".pending")
	fx.write("."+yesterday+".gz.tmp", packed(t, "123456789\n"))
	fx.run().want("calls", yesterday+".gz")
	if got := calls(); !strings.HasPrefix(got, "logreel "+yesterday+".gz ") {
		t.Errorf("got %q", got)
	}
	fx.wantQuiet()
}

// A file without a time has no start and no end.
func TestExecWithoutTime(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, "app.log")
	calls := fx.calls("")
	fx.put("app.log", ".app.log.pending", "app.log.1", ".app.log.1.pending").run()
	if got := calls(); got != "logreel app.log 1 app.log   0" {
		t.Errorf("got %q", got)
	}
	fx.want("calls", "app.log", "app.log.1", ".app.log.1.pending")
}

// Lines that come later are handed on once more, together with the others, and only when
// they are in the same file.
func TestExecLateLines(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	fx.Exec, fx.Compress = `{ echo "${1##*/}:"; gzip -dc "$1" || cat "$1"; } >>`+fx.path("calls")+" 2>&1", FormatNamed("gzip")
	for n, line := range []string{"first\n", "second\n"} {
		fx.write(yesterday, line)
		fx.write("."+yesterday+".pending", "")
		if n == 1 {
			held := fx.hold(yesterday)
			fx.run()
			if err := held.Close(); err != nil {
				t.Fatal(err)
			}
		}
		fx.run()
	}
	fx.run()
	if got, want := readAll(t, fx.path("calls")), yesterday+".gz:\nfirst\n"+yesterday+".gz:\nfirst\nsecond"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	fx.want("calls", yesterday+".gz")
}

// A file that has grown while the command ran, or that the command has taken away.
func TestExecChangesFile(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	fx.Exec = `echo more >>"$1"; echo >>` + fx.path("calls")
	fx.put(yesterday, "."+yesterday+".pending").run().want("calls", yesterday, "."+yesterday+".pending")
	fx.Exec = `rm "$1"`
	fx.run().want("calls")
	fx.wantQuiet()
}

// A command that cannot be started has not been handed anything.
func TestExecCannotStart(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	fx.Exec = "\x00"
	fx.put(yesterday, "."+yesterday+".pending").run().want(yesterday, "."+yesterday+".pending")
	fx.wantSaid("warning: --exec: ")
	calls := fx.calls("")
	fx.First = true
	fx.run().want(yesterday, "calls")
	if !strings.HasPrefix(calls(), "logreel "+yesterday) {
		t.Errorf("got %q", calls())
	}
}

// A FIFO that a command and what it has started hold open, until they have ended.
type held struct {
	t    *testing.T
	path string
	fd   int
}

func hold(t *testing.T) *held {
	t.Helper()
	h := &held{t: t, path: t.TempDir() + "/held"}
	err := unix.Mkfifo(h.path, 0o600)
	if err == nil {
		h.fd, err = unix.Open(h.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(h.fd) })
	return h
}

// wait waits until they were started.
func (h *held) wait() {
	ready := []unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(ready, 10000); err != unix.EINTR {
			if err != nil || n == 0 {
				h.t.Errorf("nothing was started: %v", err)
			}
			return
		}
	}
}

// ended reports whether they were started; it is an error if they have not ended soon.
func (h *held) ended() (started bool) {
	h.t.Helper()
	buf := make([]byte, 100)
	for {
		ready := []unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, 10000)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			h.t.Fatalf("somebody has not ended: %v", err)
		}
		if n, err = unix.Read(h.fd, buf); err != nil {
			h.t.Fatal(err)
		}
		if n == 0 {
			return started
		}
		started = true
	}
}

// Past the limit, the command is ended, and what it has started as well. That is said,
// and the file waits.
func TestExecTimeout(t *testing.T) { // not parallel: it forks
	for limit := 20 * time.Millisecond; ; limit *= 2 {
		h, fx := hold(t), newFixture(t, daily)
		fx.Exec, fx.ExecTimeout = fmt.Sprintf(`exec >%s; echo started; sleep 1000 & wait`, h.path), limit
		fx.put(yesterday, "."+yesterday+".pending").run().want(yesterday, "."+yesterday+".pending")
		fx.wantSaid("warning: --exec: "+yesterday, fmt.Sprint(limit), "--exec-timeout")
		if h.ended() {
			return
		}
	}
}

// Who ignores SIGTERM is killed, be it the command or what it has started; who does not
// has the time to end.
func TestTerminate(t *testing.T) { // not parallel: it forks
	for _, test := range []struct {
		name, command string
		after         time.Duration
		status        string
	}{
		{"ends", `echo started; exec sleep 1000`, 10 * time.Second, "signal: terminated"},
		{"takes its time", `trap "exit 7" TERM; echo started; while :; do sleep 0.01; done`, 10 * time.Second, "exit status 7"},
		{"ignores it", `trap "" TERM; echo started; sleep 1000`, 20 * time.Millisecond, "signal: killed"},
		{"the child ignores it", `(trap "" TERM; echo started; exec sleep 1000) & wait`, 20 * time.Millisecond, "signal: terminated"},
		{"the child takes its time", `(trap "rm $1; exit" TERM; echo started; while :; do sleep 0.01; done) & wait`, 10 * time.Second, "signal: terminated"},
	} {
		h, fx := hold(t), newFixture(t, daily)
		fx.put("there")
		process, err := hook.Command{Text: "exec >" + h.path + "; " + test.command}.Start(nil, fx.path("there"))
		if err != nil {
			t.Fatal(err)
		}
		h.wait()
		if status := fmt.Sprint(process.End(test.after)); status != test.status {
			t.Errorf("%s: got %q, want %q", test.name, status, test.status)
		}
		h.ended()
		if _, err := os.Stat(fx.path("there")); strings.Contains(test.command, "rm ") != errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the child had no time: %v", test.name, err)
		}
	}
}

// When a pass is to end, the command is ended, and the file handed on by the next pass.
func TestExecStopped(t *testing.T) { // not parallel: it forks
	h, fx := hold(t), newFixture(t, daily)
	stop := make(chan struct{})
	fx.Stop, fx.Exec = stop, fmt.Sprintf(`exec >%s; echo started; sleep 1000`, h.path)
	go func() {
		h.wait()
		close(stop)
	}()
	fx.put("2026-11-19.log", ".2026-11-19.log.pending", yesterday, "."+yesterday+".pending")
	before := fx.tree()
	fx.run().want(before...)
	fx.wantQuiet()
	if !h.ended() {
		t.Error("it was not started")
	}
	calls := fx.calls("")
	fx.Stop = nil
	fx.run().want("2026-11-19.log", yesterday, "calls")
	if got := strings.Count(calls(), "\n") + 1; got != 2 {
		t.Errorf("%d calls", got)
	}
}

// A process that is killed while the command runs has not handed on the file: the next
// one does. What the command prints goes to standard error.
func TestExecKilled(t *testing.T) { // not parallel: it forks
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fx := newFixture(t, daily)
	fx.put("2026-11-19.log", ".2026-11-19.log.pending", yesterday, "."+yesterday+".pending")
	pass := func(command string) (string, error) {
		cmd := exec.Command(self, "pass", fx.Pattern.String(), "zstd", command)
		var said strings.Builder
		cmd.Stdin, cmd.Stderr = strings.NewReader("not for the command"), &said
		err := cmd.Run()
		return strings.ReplaceAll(said.String(), fx.dir+"/", ""), err
	}
	for range 2 {
		said, err := pass(`echo "got $1"; kill -KILL $PPID`)
		var status *exec.ExitError
		if !errors.As(err, &status) || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || said != "got 2026-11-19.log.zst\n" {
			t.Errorf("got %q, %v", said, err)
		}
		fx.want("2026-11-19.log.zst", ".2026-11-19.log.pending", yesterday+".zst", "."+yesterday+".pending")
	}
	if said, err := pass(`echo "got $1 $(wc -c | tr -d ' ')" >&2`); err != nil || said != "got 2026-11-19.log.zst 0\ngot 2026-11-20.log.zst 0\n" {
		t.Errorf("got %q, %v", said, err)
	}
	fx.want("2026-11-19.log.zst", yesterday+".zst")
}

// Two passes at once hand on every file once.
func TestExecAtOnce(t *testing.T) { // not parallel: it forks
	h, fx := hold(t), newFixture(t, daily)
	calls := fx.calls(fmt.Sprintf("exec >%s; echo started; read line <%s", h.path, fx.path("wait")))
	if err := unix.Mkfifo(fx.path("wait"), 0o600); err != nil {
		t.Fatal(err)
	}
	fx.put(yesterday, "."+yesterday+".pending")
	first, ended := fx.Config, make(chan struct{})
	go func() {
		defer close(ended)
		Run(first)
	}()
	h.wait()
	fx.run() // finds the mark locked
	fx.want("calls", "wait", yesterday, "."+yesterday+".pending")
	if err := os.WriteFile(fx.path("wait"), []byte("go on\n"), 0); err != nil {
		t.Fatal(err)
	}
	<-ended
	if got := strings.Count(calls(), "\n") + 1; got != 1 {
		t.Errorf("%d calls", got)
	}
	fx.want("calls", "wait", yesterday)
	fx.wantQuiet()
}

// Where it could not be noted that the command has run, it does not run.
func TestExecWhereNothingCanBeNoted(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	calls := fx.calls("true")
	fx.Files = unwritable{files.Disk{}}
	fx.put("2026-11-18.log", ".2026-11-18.log.pending").run()
	fx.wantSaid("warning: --exec: write to", "is not handed on")
	if got := calls(); got != "" {
		t.Errorf("called for %q", got)
	}
}

// unwritable is a file system of which no name can be removed.
type unwritable struct{ files.System }

func (unwritable) Writable(dir string) error {
	return &fs.PathError{Op: "write to", Path: dir, Err: fs.ErrPermission}
}

// A file that could not be marked when it was opened is marked when it is finished.
func TestMarkedAtLast(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.Exec = "true"
	disk := &full{System: files.Disk{}, times: 1}
	fx.Files = disk
	a := NewArchiver(fx.Config, nil)
	fx.put("2026-11-20.log")
	a.Opened(fx.path("2026-11-20.log"))
	fx.want("2026-11-20.log")
	a.Finished(fx.path("2026-11-20.log"))
	fx.want("2026-11-20.log", ".2026-11-20.log.pending")
}

// full is a file system on which no file can be made, so often.
type full struct {
	files.System
	times int
}

func (f *full) Temporary(path string) (files.File, error) {
	if f.times--; f.times >= 0 {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOSPC}
	}
	return f.System.Temporary(path)
}
