package archive

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
)

// A scarce disk is one on which nothing can be made, or written, or changed.
type scarce struct {
	*faultyDisk
	free int64
}

func (s scarce) Space(string) (size, free int64, err error) { return 100000, s.free, nil }

func (s scarce) Writable(dir string) error {
	if err := s.before("writable", dir); err != nil {
		return err
	}
	return s.Disk.Writable(dir)
}

// shortages are the ways in which a disk may have no room, by the operations that fail.
var shortages = []struct {
	name string
	err  error
	free int64
	ops  []string
}{
	{"full", unix.ENOSPC, 0, []string{"write", "create"}},
	{"no bytes, but inodes", unix.ENOSPC, 0, []string{"write"}},
	{"out of inodes", unix.ENOSPC, 50000, []string{"create"}},
	{"over quota", unix.EDQUOT, 50000, []string{"write", "create"}},
	{"read-only", unix.EROFS, 50000, []string{"write", "create", "rename", "remove", "rmdir", "utimes", "writable", "chmod"}},
}

// Whatever two flags come together on a disk without room: what may go does, and nothing
// else. What waits for a command that works is handed on, once.
func TestEveryPairWithoutRoom(t *testing.T) { // not parallel: it forks
	const called = "called"
	options := []struct {
		name string
		set  func(fx *fixture)
	}{
		{"compress", func(fx *fixture) { fx.Compress = stored }},
		{"exec", func(fx *fixture) { fx.Exec = `echo "${1##*/}" >>` + fx.path(called) }},
		{"exec that fails", func(fx *fixture) { fx.Exec = "exit 1" }},
		{"keep-count", func(fx *fixture) { fx.KeepCount = 1 }},
		{"keep-age", func(fx *fixture) { fx.KeepAge = age(fx.t, "2d") }},
		{"keep-size", func(fx *fixture) { fx.KeepSize = 25 }},
		{"keep-free", func(fx *fixture) { fx.KeepFree = Free{Bytes: 1000} }},
		{"size", func(fx *fixture) { fx.put("2026-11-21.log.1") }},
		{"link", func(fx *fixture) { fx.put("live -> " + yesterday); fx.Link = fx.path("live") }},
		{"previous-link", func(fx *fixture) { fx.put("live -> " + yesterday); fx.PreviousLink = fx.path("live") }},
	}
	for _, shortage := range shortages {
		for i, one := range options {
			for _, other := range options[i:] {
				name := fmt.Sprintf("%s: %s, %s", shortage.name, one.name, other.name)
				has := func(option string) bool { return one.name == option || other.name == option }
				if has("exec") && has("exec that fails") || has("link") && has("previous-link") {
					continue
				}
				fx := newFixture(t, daily)
				now := noon
				fx.Now = func() time.Time { return now }
				fx.put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log", yesterday, "2026-11-21.log")
				if one.set(fx); one.name != other.name {
					other.set(fx)
				}
				for _, day := range []string{"18", "19", "20"} {
					if fx.Exec != "" {
						fx.put(".2026-11-" + day + ".log.pending")
					}
				}
				disk := scarce{&faultyDisk{at: func(_ int, op string) error {
					if slices.Contains(shortage.ops, op) {
						return shortage.err
					}
					return nil
				}}, shortage.free}
				fx.Files = disk
				before := fx.tree()
				a := NewArchiver(fx.Config, nil)
				for range 12 { // a switch, and a write that fails
					Run(fx.Config)
					now = now.Add(time.Minute)
					a.MakeRoom(shortage.err)
					now = now.Add(time.Second)
					a.MakeRoom(shortage.err)
				}
				var finished, handed []string
				for _, file := range fx.tree() {
					if strings.HasPrefix(file, "2026-11-") && !strings.HasPrefix(file, "2026-11-21") {
						finished = append(finished, file[8:10])
					}
				}
				handed = strings.Fields(readAll(t, fx.path(called)))
				linked := fx.Compress != nil && (has("link") || has("previous-link"))
				want := []string{"17", "18", "19", "20"}
				switch waits := has("exec that fails") || has("exec") && linked; {
				case shortage.err == unix.EROFS:
					if got := slices.DeleteFunc(fx.tree(), func(name string) bool { return name == called }); !slices.Equal(got, before) {
						t.Errorf("%s: there are %q", name, got)
					}
				case has("keep-free"):
					want = nil
				case has("exec that fails") && (has("keep-count") || has("keep-age") || has("keep-size")):
					want = want[1:]
				case (has("keep-count") || has("keep-size")) && has("size"): // of two files of the present
					want = nil
				case (has("keep-count") || has("keep-size")) && !waits:
					want = want[3:]
				case has("keep-age"):
					want = want[2:]
				}
				if !slices.Equal(finished, want) {
					t.Errorf("%s: there are %q, want %q; said %q", name, finished, want, fx.said)
				}
				if days := []string{"2026-11-18.log", "2026-11-19.log", yesterday}; has("exec") && shortage.err != unix.EROFS && !has("keep-free") {
					if linked {
						days = days[:2]
					}
					if got := strings.Split(strings.ReplaceAll(strings.Join(handed, " "), ".gz", ""), " "); !slices.Equal(got, days) {
						t.Errorf("%s: handed on %q, want %q; said %q", name, handed, days, fx.said)
					}
				}
			}
		}
	}
}

// A file that waits and is deleted for --keep-free is named in a warning, and only those.
func TestWaitingGoLast(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put("2026-11-18.log", "2026-11-19.log", ".2026-11-18.log.pending", yesterday)
	fx.Exec, fx.KeepFree = "true", Free{Bytes: 1500}
	disk := &freed{System: narrow{allocated{files.Disk{}}, 100000, 0}}
	fx.Files = disk
	a := NewArchiver(fx.Config, nil)
	if !a.MakeRoom(unix.ENOSPC) {
		t.Error("made no room")
	}
	fx.want("2026-11-18.log", ".2026-11-18.log.pending")
	fx.wantQuiet()
	disk.free = 0
	now := noon.Add(time.Hour)
	a.config.Now = func() time.Time { return now }
	if !a.MakeRoom(unix.ENOSPC) {
		t.Error("made no room of what waits")
	}
	fx.want(".2026-11-18.log.pending")
	fx.wantSaid("warning: deleted 2026-11-18.log (--keep-free: 0 bytes would be free, 1500 are to be; it was yet to be handed to --exec)")
}

// A file that could not be marked for want of an inode is marked when there is one.
func TestMarkedLater(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	now := noon
	disk := &full{System: files.Disk{}, times: 3}
	fx.Exec, fx.Files, fx.Now = "true", disk, func() time.Time { return now }
	a := NewArchiver(fx.Config, nil)
	fx.put("2026-11-20.log", "2026-11-21.log")
	a.Opened(fx.path("2026-11-20.log")) // fails
	a.Opened(fx.path("2026-11-21.log")) // fails
	a.Finished(fx.path("2026-11-20.log"))
	fx.want("2026-11-20.log", "2026-11-21.log", ".2026-11-21.log.pending")
	if a.Tick(now.Add(markEvery / 2)); disk.times != -1 {
		t.Error("tried again too soon")
	}
	a.made.Store(a.asked.Load())
	if got := a.Until(); !got.Equal(now.Add(markEvery)) {
		t.Errorf("until %v", got)
	}
	now = now.Add(markEvery)
	a.Tick(now)
	fx.want("2026-11-20.log", ".2026-11-20.log.pending", "2026-11-21.log", ".2026-11-21.log.pending")
	fx.wantSaid("warning: --exec: open .2026-11-20.log.pending: no space left on device; trying again every second")
}

// The writing process deletes what exceeds --keep-size as it writes, and compressing makes
// room before it writes, of older files only.
func TestCeiling(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepSize = 3500
	put := func(names ...string) {
		for _, name := range names {
			fx.write(name, strings.Repeat("123456789\n", 100))
		}
	}
	put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log", yesterday)
	a := NewArchiver(fx.Config, nil)
	a.Opened(fx.path("2026-11-21.log"))
	fx.want("2026-11-18.log", "2026-11-19.log", yesterday)
	put("2026-11-21.log")
	a.Wrote(100)
	fx.want("2026-11-18.log", "2026-11-19.log", yesterday, "2026-11-21.log")
	a.Wrote(900)
	fx.want("2026-11-19.log", yesterday, "2026-11-21.log")
	fx.Compress, fx.KeepSize = stored, 3000
	fx.run().want("2026-11-21.log", yesterday+".gz")
	fx.wantQuiet()
	fx.wantSaid("deleted 2026-11-19.log (--keep-size: ")
}

// Without room under --keep-size, a file is not compressed, and no newer one goes for that.
func TestCeilingTooLow(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.Compress, fx.KeepSize = stored, 20
	fx.put("2026-11-19.log", yesterday)
	if got, want := fx.plan(), []string{"2026-11-19.log keep", yesterday + " compress"}; !slices.Equal(got, want) {
		t.Logf("planned %q", got)
	}
	fx.run()
	names := fx.tree()
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, yesterday) }) || slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") }) {
		t.Errorf("there are %q", names)
	}
}

// A file that --link or --previous-link leads to is not compressed, nor handed on before
// it is; what one leads to at the last moment is not either.
func TestLinked(t *testing.T) { // not parallel: it forks
	for _, which := range []string{"link", "previous link"} {
		fx := newFixture(t, daily)
		fx.Compress, fx.Exec = stored, `echo "${1##*/}" >>`+fx.path("called")
		if fx.Link = fx.path("to"); which != "link" {
			fx.Link, fx.PreviousLink = "", fx.Link
		}
		fx.put("2026-11-19.log", ".2026-11-19.log.pending", yesterday, "."+yesterday+".pending", "to -> "+yesterday)
		if got, want := fx.plan(), []string{"2026-11-19.log compress", yesterday + " keep"}; !slices.Equal(got, want) {
			t.Errorf("%s: planned %q, want %q", which, got, want)
		}
		fx.run().want("2026-11-19.log.gz", yesterday, "."+yesterday+".pending", "to", "called")
		if got := readAll(t, fx.path("called")); got != "2026-11-19.log.gz" {
			t.Errorf("%s: handed on %q", which, got)
		}
		point := func(at string) {
			if err := errors.Join(os.Remove(fx.path("to")), os.Symlink(at, fx.path("to"))); err != nil {
				t.Fatal(err)
			}
		}
		point("2026-11-21.log")
		written := false
		fx.Files = &faultyDisk{at: func(_ int, op string) error {
			if op == "write" && !written {
				written = true
				point(yesterday)
			}
			return nil
		}}
		fx.run().want("2026-11-19.log.gz", yesterday, "."+yesterday+".pending", "to", "called")
		point("2026-11-21.log")
		fx.run().want("2026-11-19.log.gz", yesterday+".gz", "to", "called")
		fx.wantQuiet()
	}
}

// A compressed file that is cut off, or something else, or was made by hand beside its
// original, is left alone, and so is the original.
func TestNotAppendable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of the log, and one more\n", 20000)
	for _, format := range formats {
		compressed := func(text string) string {
			var b strings.Builder
			w, err := format.writer(&b)
			if err == nil {
				_, err = w.Write([]byte(text))
			}
			if err := errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		whole := compressed(long)
		two := whole + compressed("more\n")
		for _, test := range []struct{ about, archive, original, want string }{
			{"cut off", whole[:len(whole)-1], "late\n", "is cut off"},
			{"cut off in the middle", whole[:len(whole)/2], "late\n", "is cut off"},
			{"cut off at the beginning", whole[:3], "late\n", "is cut off"},
			{"nothing of it", "", "late\n", "is cut off"},
			{"cut off in the second part", two[:len(two)-2], "late\n", "is cut off"},
			{"something behind it", whole + "something else that is no part", "late\n", "is not in the format"},
			{"a bit wrong", whole[:len(whole)/2] + "x" + whole[len(whole)/2+1:], "late\n", "move it away"},
			{"the same lines", whole, long, "has the same lines"},
			{"the same lines, and more came", compressed("one\n"), "one\ntwo\n", "has the same lines"},
			{"other lines", compressed("one\n"), "two\n", ""},
			{"fewer lines", compressed("one\ntwo\n"), "one\n", ""},
			{"two parts", two, "late\n", ""},
			{"an empty file", compressed(""), "late\n", ""},
		} {
			fx := newFixture(t, daily)
			fx.Compress = format
			fx.write(yesterday+format.Ending, test.archive)
			fx.write(yesterday, test.original)
			plan := Plan(fx.Config)
			if fx.run(); test.want == "" {
				fx.want(yesterday + format.Ending)
				fx.wantQuiet()
				continue
			}
			fx.want(yesterday, yesterday+format.Ending)
			archive, err := os.ReadFile(fx.path(yesterday + format.Ending))
			original, errOriginal := os.ReadFile(fx.path(yesterday))
			if errors.Join(err, errOriginal) != nil || string(archive) != test.archive || string(original) != test.original {
				t.Errorf("%s, %s: a file was changed", format.Name, test.about)
			}
			fx.wantSaid("warning: compress "+yesterday+": "+yesterday+format.Ending, test.want, "it is left as it is")
			if i := slices.IndexFunc(plan, func(d Decision) bool { return d.Path == fx.path(yesterday) }); plan[i].Action != Keep || !strings.Contains(plan[i].Why, test.want) {
				t.Errorf("%s, %s: planned %+v", format.Name, test.about, plan)
			}
		}
	}
}

func compileRuns(t *testing.T, text string) *pattern.Pattern {
	t.Helper()
	p, err := pattern.New(pattern.Config{Pattern: text, Zone: time.UTC, Every: pattern.Never})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Where each run has a file of its own, its lock tells whether it is finished.
func TestRuns(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.Pattern = compileRuns(t, fx.path("run-%F_%H%M%S.log"))
	names := []string{"run-2026-11-18_000000.log", "run-2026-11-19_000000.log", "run-2026-11-20_000000.log", "run-2026-11-21_115957.log"}
	fx.put(names...)
	older, newer := fx.hold(names[0]), fx.hold(names[3])
	fx.KeepCount = 1
	if got, want := fx.plan(), []string{names[0] + " keep", names[1] + " delete", names[2] + " keep", names[3] + " keep"}; !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
	fx.run().want(names[0], names[2], names[3])
	if err := newer.Close(); err != nil {
		t.Fatal(err)
	}
	fx.run().want(names[0], names[3])
	if err := older.Close(); err != nil {
		t.Fatal(err)
	}
	fx.run().want(names[3])
	fx.KeepCount, fx.KeepAge = 0, age(t, "1s")
	fx.run().want()
	fx.wantQuiet()
}
