//go:build linux

package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/flags"
	"github.com/logreel/logreel/rotator/messages"
)

var (
	rotatelogsFiles   = []string{"f", "f-%Y%m%d%H%M%S.log", "f.%Y-%m-%d", "f%H", "f_%Y%m%d-%H%M", "f-%j-%U", "f%b%d"}
	rotatelogsSeconds = []string{"86400", "3600", "604800", "100", "7200", "43200", "600", "25200", "100000", "5", "900", "2592000", "100k", "1000x"}
	rotatelogsOffsets = []string{"", "", "+60", "540", "-300", "+345", "-210", "0", "+1440"}
)

// In the place of rotatelogs, a file that is begun at any instant has the same name.
// LOGREEL_ORACLE is how many command lines to try.
func TestRotatelogsOracle(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"rotatelogs": "apache2-utils", "faketime": "faketime"})
	random := rand.New(rand.NewPCG(2, 4))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	tries := oracleTries(t)
	for range tries {
		args := []string{pick(rotatelogsFiles), pick(rotatelogsSeconds)}
		zone := pick(cronologZones)
		if random.IntN(2) == 0 {
			args = append([]string{"-l"}, args...)
		} else if offset := pick(rotatelogsOffsets); offset != "" {
			args = append(args, offset)
		}
		at, err := time.Parse(time.DateTime, pick(cronologTimes))
		must(t, err)
		d := newFolder(t)
		cmd := exec.Command("faketime", append([]string{fmt.Sprintf("@%d", at.Unix()), "env", "TZ=" + zone, "rotatelogs"}, args...)...)
		cmd.Dir, cmd.Stdin, cmd.Env = d.dir, strings.NewReader("a line\n"), append(os.Environ(), "TZ=UTC", "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("rotatelogs %q: %v, %s", args, err, out)
		}
		want := d.names(".")
		f, err := flags.Parse(append([]string{"rotatelogs"}, args...))
		must(t, err)
		if f.TZ == "" {
			f.TZ = zone
		}
		if f.UTC {
			f.TZ = ""
		}
		outputs, err := f.Outputs(messages.Printer{})
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		p := outputs.Main.Rotator.Pattern
		agree := false
		for late := range 2 { // its clock goes on while it starts
			agree = agree || p.Name(p.Period(at.Add(time.Duration(late)*time.Second))) == want[0]
		}
		// With -l it takes the offset of now for the time at which the period began.
		if !agree && !clocksChange(p.Zone(), at) && offsetOf(p.Period(at).Start.In(p.Zone())) == offsetOf(at.In(p.Zone())) {
			t.Errorf("rotatelogs %q in %s at %v: %s, want %s", args, zone, at, p.Name(p.Period(at)), want[0])
		}
	}
}

// oracleTries returns how many command lines to try.
func oracleTries(t *testing.T) int {
	t.Helper()
	tries, err := strconv.Atoi(os.Getenv("LOGREEL_ORACLE"))
	if err != nil {
		return 40
	}
	return tries
}

// clocksChange reports whether clocks change on a day or beside it.
func clocksChange(zone *time.Location, at time.Time) bool {
	return offsetOf(at.AddDate(0, 0, -1).In(zone)) != offsetOf(at.AddDate(0, 0, 1).In(zone))
}

func offsetOf(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

func TestRotatelogsRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"f", "write FILE and the seconds between two files"},
		{"f x", `"x" is no number of seconds`},
		{"f 5M 1K", `"1K": write one size`},
		{"f 0M", `"0M": write one size`},
		{"f 10KM", `"10KM": write one size`},
		{"f 5M 86400", "write the time first, such as: rotatelogs FILE 86400 5M"},
		{"f%H%M%S 5M", "--size-names=time needs names that tell their time"},
		{"-l f 86400 540", "an offset does not go with -l"},
		{"-n 5 f%H 86400", `-n 5: "f%H" has time fields, so no name comes again`},
		{"-n 0 f 86400", "-n 0: write how many files there are to be"},
		{"-q f 86400", "-q is no option"},
	} {
		out, err := exec.Command(logreel, append([]string{"--as=rotatelogs"}, strings.Fields(test.args)...)...).CombinedOutput()
		if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: %v, said %q, want %q", test.args, err, out, test.want)
		}
	}
}
