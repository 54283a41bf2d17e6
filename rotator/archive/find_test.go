package archive

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/files"
)

// Ten thousand files are no trouble.
func TestTenThousandFiles(t *testing.T) {
	t.Parallel()
	const limit = 20 * time.Second // a busy machine takes two, and what is quadratic minutes
	fx := newFixture(t, "%Y/%m/%d-%H.log")
	hour := time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)
	for n := range 10000 {
		path := fx.Pattern.Name(fx.Pattern.Period(hour.Add(-time.Duration(n) * time.Hour)))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	timed := func(what string, work func()) {
		begun := time.Now()
		work()
		took := time.Since(begun)
		if t.Logf("%s: %v", what, took); took > limit {
			t.Errorf("%s took %v, more than %v", what, took, limit)
		}
	}
	fx.KeepCount = 10000
	timed("a pass with nothing to do", func() { fx.run() })
	fx.KeepCount = 5000
	timed("plan", func() {
		if plan := fx.plan(); len(plan) != 10000 || !strings.HasSuffix(plan[4999], Delete) || !strings.HasSuffix(plan[5000], Keep) {
			t.Errorf("planned for %d files", len(plan))
		}
	})
	timed("a pass that deletes 5,000", func() { fx.run() })
	fx.KeepCount = 0
	fx.KeepAge = age(t, "1000y")
	if got := len(Plan(fx.Config)); got != 5000 {
		t.Errorf("%d files are left", got)
	}
}

// listing is a file system on which every directory holds the same names, each of them
// file and directory at once.
type listing struct {
	files.System
	names []string
}

func (l listing) Names(string) ([]string, error) { return l.names, nil }

func (l listing) Stat(string, bool) (files.Info, error) {
	return files.Info{Regular: true, Directory: true, Inode: 1, Size: 10}, nil
}

func (l listing) Read(string) (files.File, error) { return empty{}, nil }

func (l listing) ReadToLock(string) (files.File, error) { return empty{}, nil }

type empty struct{ files.File }

func (empty) Lock(alone bool) error { return nil }

func (empty) Info() (files.Info, error) { return files.Info{Regular: true, Inode: 1}, nil }

func (empty) Close() error { return nil }

// Whatever names there are, only such are to be deleted or compressed that a period has,
// with a number and an ending behind them. The same goes for those whose marks and
// temporary files are removed.
func FuzzFind(f *testing.F) {
	patterns := []string{daily, "%Y/%m/%d", "%Y%j.%H", "%y.%m.%d", "%s", "%G-W%V.gz", "%Y-%b-%e_%I%p", "app.log", ".%Y.pending", "%C%y.tmp"}
	for _, test := range planTests {
		f.Add(test.pattern, strings.Join(test.files, "\x00"))
	}
	for _, of := range patterns {
		f.Add(of, ".2026-11-20.log.pending\x00.2026-11-20.log.gz.tmp\x00.2026-11-20.log.zst.done\x002026\x0011\x0020\x0020.1.gz\x002026001.05.1\x0026.11.20.3.zst\x001700000000.1\x00.2024.pending\x002024.tmp.2")
	}
	number := regexp.MustCompile(`^(.*)\.([1-9][0-9]*)$`)
	f.Fuzz(func(t *testing.T, of, joined string) {
		if len(of) > 40 || len(joined) > 2000 {
			return
		}
		p, err := pattern.New(pattern.Config{Pattern: of, Zone: time.UTC, Repeat: true})
		if err != nil {
			return
		}
		var names []string
		for name := range strings.SplitSeq(joined, "\x00") {
			if name != "" && name != "." && name != ".." && !strings.Contains(name, "/") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) > 20 || len(p.Levels()) > 3 {
			return
		}
		c := Config{Pattern: p, KeepCount: 1, KeepAge: age(t, "1h"), KeepSize: 1, Compress: FormatNamed("gzip"), Files: listing{names: names},
			Now: func() time.Time { return noon }}
		if c.Check() != nil && !constant(p) {
			return
		}
		ours := func(path string) bool {
			period := func(base string) bool {
				if constant(p) {
					return base == p.Name(pattern.Period{})
				}
				period, err := p.Parse(base)
				return err == nil && p.Name(period) == base
			}
			plain := strings.TrimSuffix(path, ".gz")
			if plain == path {
				plain = strings.TrimSuffix(path, ".zst")
			}
			parts := number.FindStringSubmatch(plain)
			if parts != nil {
				if n, err := strconv.ParseInt(parts[2], 10, 64); err != nil || n > math.MaxInt {
					parts = nil
				}
			}
			return period(plain) || parts != nil && period(parts[1])
		}
		var planned []string
		for _, d := range Plan(c) {
			if !ours(d.Path) || slices.Contains(planned, d.Path) {
				t.Errorf("pattern %q: %s %q", of, d.Action, d.Path)
			}
			planned = append(planned, d.Path)
		}
		found := newPass(c).find()
		for _, path := range found.orphans {
			cut := strings.LastIndexByte(path, '/') + 1
			name, dotted := strings.CutPrefix(path[cut:], ".")
			name, ended := strings.CutSuffix(name, ".pending")
			if !dotted || !ended || !ours(path[:cut]+name) {
				t.Errorf("pattern %q: %q is to be removed", of, path)
			}
		}
		for _, to := range found.interrupted {
			path := to.path
			if !ours(path) || !strings.HasSuffix(path, ".gz") && !strings.HasSuffix(path, ".zst") {
				t.Errorf("pattern %q: what belongs to %q is to be removed", of, path)
			}
		}
	})
}
