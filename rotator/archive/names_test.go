package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/logreel/logreel/rotator/files"
)

// Names of any length are deleted as --preview says. Where those that are made from them
// would be too long, files are neither compressed nor handed on, and that is said once.
func TestLongNames(t *testing.T) { // not parallel: it forks
	for length := 235; length <= 255; length++ {
		for _, format := range []*Format{nil, stored, FormatNamed("zstd")} {
			fx := newFixture(t, strings.Repeat("n", length-len("2026-11-21"))+"%Y-%m-%d")
			fx.Numbered = false
			fx.KeepCount, fx.Compress = 1, format
			fx.Exec = "echo >>" + fx.path("called")
			name := func(day int) string { return fmt.Sprintf("%s2026-11-%d", strings.Repeat("n", length-10), day) }
			fx.put(name(18), name(19), name(20), name(21))
			a := NewArchiver(fx.Config, nil)
			a.config.warnOfLongNames()
			told := strings.Join(fx.said, "\n")
			if err := Mark(files.Disk{}, fx.path(name(20))); (err == nil) != (length <= 246) || strings.Contains(told, "--exec") != (err != nil) {
				t.Errorf("%d bytes: marking: %v; told %q", length, err, told)
			}
			a.Opened(fx.path(name(20)))
			compresses := format != nil && length+len(format.Ending)+len(".done")+1 <= 255
			if strings.Contains(told, "--compress") != (format != nil && !compresses) {
				t.Errorf("%d bytes, %v: told %q", length, format, told)
			}
			var want []string
			for _, d := range Plan(fx.Config) {
				switch d.Action {
				case Keep:
					want = append(want, strings.TrimPrefix(d.Path, fx.dir+"/"))
				case Compress:
					want = append(want, strings.TrimPrefix(d.Path, fx.dir+"/")+format.Ending)
				}
			}
			last := name(20)
			if compresses {
				last += format.Ending
			}
			slices.Sort(want)
			if all := []string{last, name(21)}; !slices.Equal(want, all) {
				t.Errorf("%d bytes: the plan is %q, want %q", length, want, all)
			}
			fx.said = nil
			if fx.run(); length <= 246 {
				want = append(want, "called")
			}
			fx.want(want...)
			fx.wantQuiet()
		}
	}
}
