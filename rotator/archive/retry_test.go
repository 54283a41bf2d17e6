package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/messages"
)

// A clock is one for passes, which a test sets.
type clock struct{ now time.Time }

func (c *clock) set(fx *fixture) {
	c.now = noon
	fx.Now = func() time.Time { return c.now }
}

// called returns for which days' files the command was called since it was last asked.
func (fx *fixture) called() string {
	days := strings.Fields(readAll(fx.t, fx.path("called")))
	fx.write("called", "")
	return strings.Join(days, " ")
}

// waitingFiles returns a fixture with files of three days that wait, and a command that
// fails for those that are named in the file "bad".
func waitingFiles(t *testing.T) (*fixture, *clock) {
	fx := newFixture(t, daily)
	fx.Exec = `day=${1##*-}; day=${day%.log}; echo $day >>` + fx.path("called") + `; ! grep -q $day ` + fx.path("bad")
	for _, day := range []string{"18", "19", "20"} {
		fx.put("2026-11-"+day+".log", ".2026-11-"+day+".log.pending")
	}
	fx.write("called", "")
	c := &clock{}
	c.set(fx)
	return fx, c
}

// A command that fails is run again after a minute, then two, up to an hour, and at each
// start, for the oldest file. Those after it wait behind it for an hour, and then go on
// without it.
func TestExecAgain(t *testing.T) { // not parallel: it forks
	fx, c := waitingFiles(t)
	fx.write("bad", "18")
	at := time.Duration(0)
	for n, wait := range []int{1, 2, 4, 8, 16, 32} {
		for _, early := range []time.Duration{0, 1, time.Duration(wait)*time.Minute - time.Second} {
			c.now = noon.Add(at + early)
			fx.run()
			want := ""
			if early == 0 {
				want = "18"
			}
			if got := fx.called(); got != want {
				t.Errorf("failure %d, %v later: called for %q, want %q", n+1, early, got, want)
			}
		}
		at += time.Duration(wait) * time.Minute
	}
	c.now = noon.Add(at)
	fx.run()
	if got := fx.called(); got != "18" {
		t.Errorf("after an hour, called for %q", got)
	}
	fx.wantSaid("warning: --exec: has failed for 2026-11-18.log for an hour", "without it")
	for _, step := range []struct {
		after time.Duration
		first bool
		want  string
	}{
		{time.Second, false, "19 20"}, {time.Hour - time.Second, false, ""}, {time.Hour, false, "18"},
		{2*time.Hour - time.Second, false, ""}, {2*time.Hour - time.Second, true, "18"},
	} {
		c.now, fx.First = noon.Add(at+step.after), step.first
		if fx.run(); fx.called() != step.want {
			t.Errorf("%v after an hour: not called for %q", step.after, step.want)
		}
	}
	fx.write("bad", "x")
	fx.First = true
	if fx.run(); fx.called() != "18" {
		t.Error("not called when it works again")
	}
	fx.want("2026-11-18.log", "2026-11-19.log", "2026-11-20.log", "bad", "called")
}

// At a start all is tried at once, but not what comes after one that fails.
func TestExecAgainAtStart(t *testing.T) { // not parallel: it forks
	fx, c := waitingFiles(t)
	fx.write("bad", "19")
	for range 3 {
		fx.First = true
		fx.run()
		c.now = c.now.Add(time.Second)
	}
	if got := fx.called(); got != "18 19 19 19" {
		t.Errorf("called for %q", got)
	}
	c.now = c.now.Add(-3 * time.Hour) // somebody set the clock back: nothing says how long it is to wait
	fx.First = false
	if fx.run(); fx.called() != "19" {
		t.Error("not called after the clock was set back")
	}
}

// Files that wait are left alone by all but --keep-free, and by that as long as there are
// others.
func TestExecFailsAndKeep(t *testing.T) { // not parallel: it forks
	for _, test := range []struct {
		flags func(*testing.T, *Config)
		left  string
	}{
		{all(count(1), older("1h"), size(1)), "18 19 20"},
		{free(Free{Bytes: 2500}, 100000, 0), "20"},
		{free(Free{Bytes: 9000}, 100000, 0), ""},
		{all(count(1), free(Free{Bytes: 500}, 100000, 0)), "18 19 20"},
	} {
		fx, _ := waitingFiles(t)
		fx.write("bad", "18\n19\n20")
		fx.put("2026-11-16.log")
		test.flags(t, &fx.Config)
		if disk, ok := fx.Files.(narrow); ok {
			fx.Files = &freed{System: disk, free: disk.free}
		}
		fx.run()
		var left []string
		for _, name := range fx.tree() {
			if strings.HasPrefix(name, "2026-11-") {
				left = append(left, name[8:10])
			}
		}
		if got := strings.Join(left, " "); got != test.left {
			t.Errorf("left %q, want %q; said %q", got, test.left, fx.said)
		}
		for _, day := range []string{"18", "19", "20"} {
			if !slices.Contains(left, day) {
				fx.wantSaid("warning: deleted 2026-11-"+day+".log", "it was yet to be handed to --exec")
			}
		}
	}
}

// The mark tells when the command is to run again, whatever else has set its times.
func TestRetryOf(t *testing.T) {
	t.Parallel()
	r := retry{}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		r = r.next(noon)
		if r.wait() != want*time.Minute || r.aside() != (want == 60) {
			t.Errorf("waits for %v, want %d minutes", r.wait(), want)
		}
		// Some file systems keep seconds only.
		mark := files.Info{Modified: r.failed.Truncate(2 * time.Second), Accessed: r.due.Truncate(2 * time.Second)}
		if got := retryOf(mark); got.wait() != r.wait() {
			t.Errorf("read back: %v", got.wait())
		}
	}
	for _, wait := range []time.Duration{0, -time.Hour, 1, time.Second, 3 * time.Minute, time.Hour + time.Second, 64 * time.Minute} {
		if got := retryOf(files.Info{Modified: noon, Accessed: noon.Add(wait)}); got != (retry{}) || !got.over(noon) {
			t.Errorf("%v: got %v", wait, got.wait())
		}
	}
}

// The user is told once that the command fails, and once that it works again, with how
// many files waited; a file for which alone it fails is no reason to say it again.
func TestHookReports(t *testing.T) {
	t.Parallel()
	var said []string
	say := func(kind string) func(string, ...any) {
		return func(format string, args ...any) { said = append(said, kind+fmt.Sprintf(format, args...)) }
	}
	h := hookStatus{fault: messages.Fault{Printer: messages.Printer{Say: say(""), Detail: say("detail: "), Warn: say("warning: ")}}}
	now := noon
	for _, step := range []struct {
		report  report
		waiting int
		want    string
	}{
		{report{waits, "", 2, time.Time{}}, 2, ""},
		{report{"a: exit status 1", "a", 3, time.Time{}}, 3, "warning: --exec: a: exit status 1; 3 files to be handed on, trying again after a minute, then two, up to an hour"},
		{report{"a: exit status 2", "a", 4, time.Time{}}, 4, ""},
		{report{"b: exit status 2", "b", 5, time.Time{}}, 5, ""},
		{report{worked, "b", 5, time.Time{}}, 4, "--exec: a: exit status 1: over after 3m0s; 5 files waited"},
		{report{worked, "c", 4, time.Time{}}, 3, ""},
		{report{"a: exit status 1", "a", 1, time.Time{}}, 1, ""},
		{report{"d: exit status 1", "d", 1, time.Time{}}, 1, "warning: --exec: d: exit status 1; 1 file to be handed on, trying again after a minute, then two, up to an hour"},
		{report{worked, "a", 2, time.Time{}}, 1, "--exec: d: exit status 1: over after 1m0s; 2 files waited"},
	} {
		said = nil
		sent, ok := parseReport(step.report.String())
		if h.take(sent, now); !ok || strings.Join(said, "\n") != step.want || h.waiting.Load() != int64(step.waiting) {
			t.Errorf("%v: said %q, want %q; %d wait", step.report, said, step.want, h.waiting.Load())
		}
		now = now.Add(time.Minute)
	}
	for _, r := range []report{{waits, "", 0, noon}, {"x: a \"strange\" end\x01", "with \"quotes\"\x01 and\nmore", 7, noon.Add(time.Second)}} {
		got, ok := parseReport(r.String())
		if due := r.due.Add(time.Second); !ok || got.what != r.what || got.plain != r.plain || got.waiting != r.waiting || !got.due.Equal(due) {
			t.Errorf("sent %+v, got %+v, %v", r, got, ok)
		}
	}
	for _, line := range []string{"", "warning: x", "\x01", "\x011", "\x011 2", "\x01 x", "\x011 2 x", "\x011 2 \"x"} {
		if r, ok := parseReport(line); ok {
			t.Errorf("%q: got %+v", line, r)
		}
	}
}

// A pass is asked for when the command is to be run again, and until that is known, it is
// looked for now and then.
func TestTickAgain(t *testing.T) {
	t.Parallel()
	now := noon
	a := NewArchiver(Config{Pattern: compilePattern(t, daily), Exec: "true", Now: func() time.Time { return now }}, nil)
	a.Tick(now)
	if !a.passWanted() || !a.Until().Equal(noon.Add(lookAfter)) {
		t.Errorf("at the start: until %v", a.Until())
	}
	a.hook.take(report{waits, "", 1, noon.Add(time.Minute)}, now)
	a.made.Store(a.asked.Load())
	for _, step := range []struct {
		after time.Duration
		want  bool
		until time.Duration
	}{{1, false, time.Minute}, {time.Minute - 1, false, time.Minute}, {time.Minute, true, time.Minute + lookAfter}, {time.Minute + 1, false, time.Minute + lookAfter + 1}} {
		now = noon.Add(step.after)
		a.Tick(now)
		if got := a.passWanted(); got != step.want || !a.Until().Equal(noon.Add(step.until)) {
			t.Errorf("after %v: a pass is wanted: %v; until %v", step.after, got, a.Until())
		}
	}
	a.hook.take(report{waits, "", 1, now.Add(time.Minute)}, now)
	now = noon.Add(-time.Hour)
	if a.Tick(now); !a.passWanted() {
		t.Error("the clock was set back: no pass is wanted")
	}
}

// While a slow command runs, what is finished meanwhile is compressed.
func TestExecSlow(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	fx.Compress = stored
	fx.Exec = fmt.Sprintf(`test "${1##*/}" != 2026-11-19.log.gz || { echo line >%[1]s; while ! test -e %[1]s.gz; do sleep 0.01; done; }`, fx.path(yesterday))
	fx.put("2026-11-19.log", ".2026-11-19.log.pending").run().want("2026-11-19.log.gz", yesterday+".gz")
	fx.wantQuiet()
}
