package archive

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// planTests are files of ten bytes, and what is planned for them, the oldest first. What
// is not listed is no file of the pattern.
var planTests = []struct {
	name, pattern string
	flags         func(*testing.T, *Config)
	files, want   []string
}{
	{"nothing to do", daily, all(), []string{"2026-11-20.log"}, nil},
	{"count", daily, count(2),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log", "2026-11-18.log", "2025-11-20.log"},
		[]string{"2025-11-20.log delete", "2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"count, the live one is not there", daily, count(1),
		[]string{"2026-11-20.log", "2026-11-19.log"}, []string{"2026-11-19.log delete", "2026-11-20.log keep"}},
	{"count, the live one does not count", daily, count(1),
		[]string{"2026-11-21.log", "2026-11-20.log"}, []string{"2026-11-20.log keep", "2026-11-21.log keep"}},
	{"age, by the end of the period and not the time of the change", daily, older("2d"),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log", "2026-11-18.log", "2026-11-17.log", "2026-10-31.log.gz"},
		[]string{"2026-10-31.log.gz delete", "2026-11-17.log delete", "2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"age in hours", "%Y%m%d-%H", older("12h"),
		[]string{"20261121-11", "20261121-00", "20261120-23", "20261120-22"},
		[]string{"20261120-22 delete", "20261120-23 delete", "20261121-00 keep", "20261121-11 keep"}},
	{"age in months", "%Y-%m", older("1mo"),
		[]string{"2026-11", "2026-10", "2026-09", "2026-08"},
		[]string{"2026-08 delete", "2026-09 delete", "2026-10 keep", "2026-11 keep"}},
	{"size, with the live one", daily, size(35),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log.gz", "2026-11-18.log", "2026-11-17.log.zst"},
		[]string{"2026-11-17.log.zst delete", "2026-11-18.log delete", "2026-11-19.log.gz keep", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"size, with one in the future and the live one, which stay", daily, size(15),
		[]string{"2026-11-22.log", "2026-11-21.log", "2026-11-20.log", "2026-11-19.log"},
		[]string{"2026-11-19.log delete", "2026-11-20.log delete", "2026-11-21.log keep", "2026-11-22.log keep"}},
	{"size to the byte", daily, size(20),
		[]string{"2026-11-20.log", "2026-11-19.log", "2026-11-18.log"}, []string{"2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep"}},
	{"free bytes", daily, free(Free{Bytes: 5000}, 100000, 3500),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log", "2026-11-18.log"},
		[]string{"2026-11-18.log delete", "2026-11-19.log delete", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"free percent", daily, free(Free{Percent: 5}, 100000, 4000),
		[]string{"2026-11-21.log", "2026-11-20.log", "2026-11-19.log"}, []string{"2026-11-19.log delete", "2026-11-20.log keep", "2026-11-21.log keep"}},
	{"enough is free", daily, free(Free{Percent: 5}, 100000, 5000),
		[]string{"2026-11-20.log", "2026-11-19.log"}, []string{"2026-11-19.log keep", "2026-11-20.log keep"}},
	{"free, and nothing left to delete but the live one", daily, free(Free{Percent: 90}, 100000, 0),
		[]string{"2026-11-21.log", "2026-11-20.log"}, []string{"2026-11-20.log delete", "2026-11-21.log keep"}},
	{"free, with what the others delete", daily, all(free(Free{Bytes: 5000}, 100000, 3500), count(2)),
		[]string{"2026-11-20.log", "2026-11-19.log", "2026-11-18.log", "2026-11-17.log"},
		[]string{"2026-11-17.log delete", "2026-11-18.log delete", "2026-11-19.log keep", "2026-11-20.log keep"}},
	{"whichever says delete", daily, all(count(3), older("10d"), size(1000)),
		[]string{"2026-11-20.log", "2026-11-19.log", "2026-11-01.log"}, []string{"2026-11-01.log delete", "2026-11-19.log keep", "2026-11-20.log keep"}},
	{"numbered files are in the order of their numbers", daily, count(3),
		[]string{"2026-11-20.log", "2026-11-20.log.1", "2026-11-20.log.2.gz", "2026-11-20.log.10", "2026-11-20.log.9.zst"},
		[]string{"2026-11-20.log delete", "2026-11-20.log.1 delete", "2026-11-20.log.2.gz keep", "2026-11-20.log.9.zst keep", "2026-11-20.log.10 keep"}},
	{"of numbered files of the present, the highest is live", daily, count(1),
		[]string{"2026-11-21.log", "2026-11-21.log.1", "2026-11-21.log.2"},
		[]string{"2026-11-21.log delete", "2026-11-21.log.1 keep", "2026-11-21.log.2 keep"}},
	{"with its compressed part it is one", daily, count(1),
		[]string{"2026-11-19.log", "2026-11-20.log", "2026-11-20.log.zst"},
		[]string{"2026-11-19.log delete", "2026-11-20.log.zst keep", "2026-11-20.log keep"}},
	{"names in the future do not count", daily, all(count(1), older("1d"), size(1), free(Free{Percent: 100}, 100000, 0)),
		[]string{"2026-11-22.log", "2027-01-01.log.gz", "2026-11-22.log.1", "2026-11-20.log"},
		[]string{"2026-11-20.log delete", "2026-11-22.log keep", "2026-11-22.log.1 keep", "2027-01-01.log.gz keep"}},
	{"only names to the letter", daily, all(count(1), older("1h"), size(1)),
		[]string{"2026-11-20.log", "2026-11-2.log", "2026-11-020.log", "2026-13-01.log", "2026-02-30.log", "x2026-11-20.log",
			"2026-11-20.logs", "2026-11-20.LOG", "2026-11-20.log.0", "2026-11-20.log.01", "2026-11-20.log.-1", "2026-11-20.log.+1",
			"2026-11-20.log.1.2", "2026-11-20.log.gz.gz", "2026-11-20.log.gz.1", "2026-11-20.log.bz2", "2026-11-20.log~", "2026-11-20.log.",
			"2026-11-20.log.zst.gz", "2026-11-20.log.2.zst.gz", "2026-11-20.log.1000000000", "2026-11-20.log.9223372036854775807",
			"2026-11-20.log.99999999999999999999", "2026-11-20.log.1e3", "2026-11-20 .log", "+2026-11-20.log", "٢٠٢٦-11-20.log", "notes.txt",
			"0000-01-01.log", ".2026-11-20.log", "2026-11-20.log\n"},
		[]string{"2026-11-20.log delete"}},
	{"no symlinks, no directories", daily, all(older("1h")),
		[]string{"real", "2026-11-20.log -> real", "2026-11-19.log/", "2026-11-18.log -> nowhere", "2026-11-17.log"}, []string{"2026-11-17.log delete"}},
	{"several levels", "%Y/%m/app-%d.log", count(2),
		[]string{"2026/11/app-21.log", "2026/11/app-20.log", "2026/10/app-31.log", "2025/12/app-31.log.gz", "2026/9/app-01.log", "2026/11/app-2.log", "26/11/app-01.log", "2026/13/app-01.log", "2026/02/app-30.log", "2024"},
		[]string{"2025/12/app-31.log.gz delete", "2026/10/app-31.log keep", "2026/11/app-20.log keep", "2026/11/app-21.log keep"}},
	{"levels that do not vary", "web/%Y/logs/%m.log", count(1),
		[]string{"web/2026/logs/10.log", "web/2026/logs/09.log", "web/2025/logs/12.log", "web/2025/other/11.log", "web/2024"},
		[]string{"web/2025/logs/12.log delete", "web/2026/logs/09.log delete", "web/2026/logs/10.log keep"}},
	{"a field twice that does not agree", "%Y/%Y-%m.log", older("1d"),
		[]string{"2026/2025-10.log", "2026/2026-10.log"}, []string{"2026/2026-10.log delete"}},
	{"one name and a number", "app.log", count(1),
		[]string{"app.log", "app.log.1.gz", "app.log.2", "app.log.10", "app.log.x", "other.log"},
		[]string{"app.log delete", "app.log.1.gz delete", "app.log.2 keep", "app.log.10 keep"}},
}

// eachPlan calls f with each of planTests, and the files that are there.
func eachPlan(t *testing.T, f func(t *testing.T, fx *fixture, name string, want []string)) {
	for _, test := range planTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, test.pattern).put(test.files...)
			test.flags(t, &fx.Config)
			f(t, fx, test.name, test.want)
		})
	}
}

// Plan says what is to be done with which file.
func TestPlan(t *testing.T) {
	t.Parallel()
	eachPlan(t, func(t *testing.T, fx *fixture, _ string, want []string) {
		before := fx.tree()
		if got := fx.plan(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		fx.want(before...)
	})
}

// A pass deletes what Plan says, and nothing else but directories that are empty then.
func TestKeep(t *testing.T) {
	t.Parallel()
	eachPlan(t, func(t *testing.T, fx *fixture, name string, plan []string) {
		if strings.Contains(name, "free") {
			fx.Files = &freed{System: fx.Files, free: fx.Files.(narrow).free}
		}
		notDirectory := func(name string) bool { return strings.HasSuffix(name, "/") }
		want := slices.DeleteFunc(fx.tree(), notDirectory)
		for _, line := range plan {
			if name, deleted := strings.CutSuffix(line, " delete"); deleted {
				want = slices.DeleteFunc(want, func(other string) bool { return other == name })
			}
		}
		fx.run()
		if got := slices.DeleteFunc(fx.tree(), notDirectory); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		for _, message := range fx.said {
			if strings.HasPrefix(message, "warning: ") && !strings.Contains(message, "lies in the future") {
				t.Errorf("said %q", message)
			}
		}
	})
}

// freed is a file system that has more free space with every file removed.
type freed struct {
	files.System
	free int64
}

func (f *freed) Space(path string) (size, free int64, err error) {
	size, _, err = f.System.Space(path)
	return size, f.free, err
}

func (f *freed) Remove(path string) error {
	f.free += 1000
	return f.System.Remove(path)
}

// vanished is a file system that another logreel has deleted a file of.
type vanished struct {
	files.System
	path string
}

func (v vanished) Space(path string) (size, free int64, err error) {
	if path == v.path {
		return 0, 0, &fs.PathError{Op: "statfs", Path: path, Err: fs.ErrNotExist}
	}
	return 100, 0, nil
}

// What is free is told by any file that is left.
func TestKeepFreeBesideAnother(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put(yesterday, "2026-11-19.log")
	fx.KeepFree, fx.Files = Free{Bytes: 1}, vanished{files.Disk{}, fx.path(yesterday)}
	fx.run().want(yesterday)
	fx.Files = vanished{files.Disk{}, fx.path(yesterday)}
	fx.run().want(yesterday)
	fx.wantQuiet()
}

// Files that somebody else has numbered, such as logrotate, the youngest first, are not
// deleted in that order; one that was touched changes nothing.
func TestKeepBackwards(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ages []int // in days, by number
		want int   // how many are left
	}{
		{[]int{1, 2, 3, 4, 5}, 5},
		{[]int{1, 2, 3, 4, 5, 0}, 6}, // and one of ours
		{[]int{5, 4, 3, 2, 1}, 2},
		{[]int{5, 0, 3, 2, 1}, 2},
		{[]int{1, 1, 1, 1, 1}, 2},
	} {
		fx := newFixture(t, "app.log")
		fx.KeepCount, fx.Numbered = 2, true
		for n, days := range test.ages {
			name := filename.Numbered("app.log", n)
			fx.put(name)
			at := noon.AddDate(0, 0, -days)
			if err := os.Chtimes(fx.path(name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(fx.run().tree()); got != test.want && got != test.want+1 { // the live one
			t.Errorf("%v: %d files are left, want %d", test.ages, got, test.want)
		}
		if want := test.want > 2; want {
			fx.wantSaid("is younger than", "none is deleted")
		} else {
			fx.wantQuiet()
		}
	}
}

// Files that wait for the command are not deleted, and those that are handed on are.
func TestPendingIsKept(t *testing.T) { // not parallel: it forks
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Exec = 1, "exit 0"
	fx.put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log.zst", "2026-11-20.log", ".2026-11-18.log.pending", ".2026-11-19.log.pending")
	if got, want := fx.plan(), []string{"2026-11-17.log delete", "2026-11-18.log delete", "2026-11-19.log.zst delete", "2026-11-20.log keep"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	held := fx.hold("2026-11-18.log")
	fx.run().want("2026-11-18.log", ".2026-11-18.log.pending", "2026-11-20.log")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	fx.run().want("2026-11-20.log")
}

// On a full disk, files are deleted at once as --keep-free has it. When there was nothing
// to delete, it is tried again after a while only.
func TestMakeRoom(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put("2026-11-17.log", "2026-11-18.log", "2026-11-19.log", "2026-11-21.log")
	now, full := noon, &fs.PathError{Op: "write", Path: "x", Err: unix.ENOSPC}
	fx.Now = func() time.Time { return now }
	disk := &freed{System: narrow{allocated{files.Disk{}}, 100000, 0}, free: 0}
	fx.KeepFree, fx.Files = Free{Bytes: 1000}, disk
	a := NewArchiver(fx.Config, nil)
	if a.MakeRoom(unix.EIO) {
		t.Error("EIO: made room")
	}
	if !a.MakeRoom(full) {
		t.Error("made no room")
	}
	fx.want("2026-11-18.log", "2026-11-19.log", "2026-11-21.log")
	now = noon.Add(time.Minute)
	if a.MakeRoom(full) {
		t.Error("made room, and there is enough")
	}
	disk.free = 0
	now = noon.Add(time.Minute + roomEvery - 1)
	if a.MakeRoom(full) {
		t.Error("made room too soon after there was none to make")
	}
	now = noon.Add(-time.Hour)
	if !a.MakeRoom(unix.EDQUOT) {
		t.Error("the clock set back: made no room")
	}
	fx.want("2026-11-19.log", "2026-11-21.log")
	fx.KeepFree, fx.KeepCount = Free{}, 1
	if NewArchiver(fx.Config, nil).MakeRoom(full) {
		t.Error("made room without --keep-free")
	}
}

// Where a quota or the inodes are used up, enough seems to be free. If that lasts, files go
// one by one.
func TestMakeRoomUnderQuota(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.put("2026-11-18.log", "2026-11-19.log", "2026-11-20.log", "."+"2026-11-20.log.pending", "2026-11-21.log")
	now := noon
	fx.Now = func() time.Time { return now }
	fx.KeepFree, fx.Exec, fx.Files = Free{Bytes: 1000}, "true", narrow{allocated{files.Disk{}}, 100000, 50000}
	a := NewArchiver(fx.Config, nil)
	for _, step := range []struct {
		after time.Duration
		want  bool
		left  int
	}{
		{0, false, 5}, {time.Second, true, 4}, {1100 * time.Millisecond, true, 3},
		{20 * time.Second, false, 3}, {21 * time.Second, true, 2}, {22 * time.Second, false, 2},
	} {
		now = noon.Add(step.after)
		if got := a.MakeRoom(unix.EDQUOT); got != step.want || len(fx.tree()) != step.left {
			t.Errorf("after %v: got %v, left %q", step.after, got, fx.tree())
		}
	}
	fx.wantSaid("warning: deleted 2026-11-20.log", "it was yet to be handed to --exec")
}
