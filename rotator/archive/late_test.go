package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/logreel/logreel/rotator/files"
)

// A late logreel has lines for a file whose period is over. It opens and locks the file
// as the rotator does.
type late struct {
	t    *testing.T
	path string
	file files.File
}

// open opens the file, if nobody has it to himself.
func (l *late) open() {
	if l.file != nil {
		return
	}
	f, err := openLog(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	lock := f.Lock(false)
	info, err := f.Info()
	at, gone := files.Disk{}.Stat(l.path, true)
	if lock != nil || err != nil || gone != nil || !at.Same(info) {
		if err := f.Close(); err != nil {
			l.t.Fatal(err)
		}
		return
	}
	l.file = f
}

// write writes a line and ends, if the file is open. It reports whether it is.
func (l *late) write(line string) bool {
	if l.file == nil {
		return false
	}
	if _, err := l.file.Write([]byte(line)); err != nil {
		l.t.Fatal(err)
	}
	if err := l.file.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.file = nil
	return true
}

const yesterday = "2026-11-20.log"

// newLate returns a fixture with yesterday's file, of which a pass that was killed had
// compressed a part, and one before it another part if withArchive is set.
func newLate(t *testing.T, withArchive bool) (*fixture, *late) {
	fx := newFixture(t, daily)
	fx.Compress = stored
	fx.write("."+yesterday+".gz.tmp", packed(t, "first\n")[:25])
	if withArchive {
		fx.write(yesterday+".gz", packed(t, "first\n"))
		fx.write(yesterday, "second\n")
	} else {
		fx.write(yesterday, "first\nsecond\n")
	}
	return fx, &late{t: t, path: fx.path(yesterday)}
}

// ended makes passes without faults and compares the lines.
func (fx *fixture) ended(what string, want ...string) {
	fx.t.Helper()
	fx.Files = &faultyDisk{at: fine}
	fx.run()
	if got := strings.Join(logged(fx.t, fx.path(yesterday+".gz")), ""); got != strings.TrimSuffix(strings.Join(want, ""), "\n") {
		fx.t.Errorf("%s: got %q, want %q; said %q", what, got, want, fx.said)
	}
	if names := fx.tree(); len(names) != 1 {
		fx.t.Errorf("%s: there are %q", what, names)
	}
}

// A logreel that opens a file at any operation of a pass, and writes to it at any other
// or when the pass has ended, loses no line.
func TestLateWriterAtEveryOperation(t *testing.T) {
	t.Parallel()
	for _, withArchive := range []bool{false, true} {
		t.Run(fmt.Sprintf("archive %v", withArchive), func(t *testing.T) {
			t.Parallel()
			try := func(opens, writes int) *faultyDisk {
				fx, writer := newLate(t, withArchive)
				done := false
				disk := &faultyDisk{at: func(n int, _ string) error {
					if n >= opens && !done {
						writer.open()
					}
					if n >= writes && !done {
						done = writer.write("third\n")
					}
					return nil
				}}
				fx.Files = disk
				fx.run()
				if !done {
					writer.open()
					if !writer.write("third\n") {
						t.Fatal("the lock was not let go")
					}
				}
				fx.ended(fmt.Sprintf("opened at %d, written to at %d", opens, writes), "first\n", "second\n", "third\n")
				return disk
			}
			everyOperation(t, func(opens int) *faultyDisk {
				disk := try(opens, 1<<30)
				for n := opens; n <= disk.count && !t.Failed(); n++ {
					if looks(disk.ops[n-1]) {
						try(opens, n)
					}
				}
				return disk
			})
		})
	}
}

// looks reports whether an operation tells whether lines were written, or makes use of
// it. To write before any other is to write before the next one that does.
func looks(op string) bool {
	return slices.Contains([]string{"list", "stat", "fstat", "open", "read", "lock", "rename", "remove"}, op)
}

// Two passes at once, of which one makes its way at any operation of the other, and
// either is killed at any operation, lose and double no line.
func TestTwoPassesAtEveryOperation(t *testing.T) {
	t.Parallel()
	for _, withArchive := range []bool{false, true} {
		for _, killed := range []string{"inner", "outer"} {
			t.Run(fmt.Sprintf("archive %v, the %s one is killed", withArchive, killed), func(t *testing.T) {
				t.Parallel()
				try := func(at, dies int) (outer, inner *faultyDisk) {
					fx, _ := newLate(t, withArchive)
					other := fx.Config
					inner = &faultyDisk{at: func(n int, _ string) error {
						if killed == "inner" && n == dies {
							return errKilled
						}
						return nil
					}}
					other.Files = inner
					outer = &faultyDisk{at: func(n int, _ string) error {
						if n == at {
							Run(other)
						}
						if killed == "outer" && n == dies {
							return errKilled
						}
						return nil
					}}
					fx.Files = outer
					fx.run().ended(fmt.Sprintf("the inner pass at %d, the %s one killed at %d", at, killed, dies), "first\n", "second\n")
					return outer, inner
				}
				everyOperation(t, func(at int) *faultyDisk {
					outer, inner := try(at, 0)
					victim, from := inner, 1
					if killed == "outer" {
						victim, from = outer, at
					}
					for dies := from; dies <= victim.count && !t.Failed(); dies++ {
						if changes(victim.ops[dies-1]) {
							try(at, dies)
						}
					}
					return outer
				})
			})
		}
	}
}

// Lines that come after a pass was killed are not lost, and those before are not doubled.
func TestLateWriterAfterKill(t *testing.T) {
	t.Parallel()
	for _, withArchive := range []bool{false, true} {
		everyOperation(t, func(n int) *faultyDisk {
			fx, writer := newLate(t, withArchive)
			disk := &faultyDisk{at: func(m int, _ string) error {
				if n == m {
					return errKilled
				}
				return nil
			}}
			fx.Files = disk
			fx.run()
			writer.open()
			if !writer.write("third\n") {
				t.Fatal("the lock was not let go")
			}
			fx.ended(fmt.Sprintf("archive %v, killed at %d", withArchive, n), "first\n", "second\n", "third\n")
			return disk
		})
	}
}

// A logreel that opens a file at any operation of a pass that hands it on, marks it as it
// does, and writes to it then or later: all lines are handed on, at the latest by the next
// pass.
func TestLateWriterAtEveryOperationOfTheHook(t *testing.T) { // not parallel: it forks
	for _, test := range []struct {
		format *Format
		show   string
	}{{nil, "cat"}, {stored, "gzip -dc"}} {
		for _, atOnce := range []bool{true, false} {
			everyOperation(t, func(n int) *faultyDisk {
				fx := newFixture(t, daily)
				fx.Compress, fx.Exec = test.format, test.show+` "$1" >`+fx.path("seen")
				fx.write(yesterday, "first\n")
				fx.write("."+yesterday+".pending", "")
				writer := &late{t: t, path: fx.path(yesterday)}
				written := false
				comes := func() {
					if writer.open(); writer.file == nil {
						return
					}
					if err := Mark(files.Disk{}, writer.path); err != nil {
						t.Fatal(err)
					}
					written = atOnce && writer.write("second\n")
				}
				disk := &faultyDisk{at: func(m int, _ string) error {
					if m >= n && !written && writer.file == nil {
						comes()
					}
					return nil
				}}
				fx.Files = disk
				fx.run()
				if !written && writer.file == nil {
					comes()
				}
				if !written && !writer.write("second\n") {
					t.Fatal("the lock was not let go")
				}
				fx.Files = &faultyDisk{at: fine}
				fx.run().run()
				if got := readAll(t, fx.path("seen")); got != "first\nsecond" {
					t.Errorf("%s, at operation %d, at once %v: the command saw %q; said %q", test.show, n, atOnce, got, fx.said)
				}
				if names := fx.tree(); len(names) != 2 {
					t.Errorf("%s, at operation %d, at once %v: there are %q", test.show, n, atOnce, names)
				}
				return disk
			})
		}
	}
}
