//go:build linux

package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/flags"
	"github.com/logreel/logreel/rotator/messages"
)

// Of what command lines of cronolog are made here: its own fields, counts, units and zones, and
// instants about which calendars are wrong.
var (
	cronologTemplates = []string{"%Y", "%y%m", "%Y-%m-%d", "%Y/%m/%d", "%Y%j", "%Y-%U", "%Y-%W", "%Y-%m-%d-%H", "%Y%m%d%I%p", "%Y%m%d-%H%M",
		"%Y%m%d-%H%M%S", "%s", "%b%d", "%a", "%A", "%Y%m%e", "%x", "%T", "%H", "%M", "%d%H", "x%R", "%Y-%m-%d %H:%M", "%B %Y", "%w", "%c", "%D%H"}
	cronologPeriods = []string{"", "", "", "sec", "1 second", "3 seconds", "minute", "5 minutes", "15min", "30 MINUTES", "1hours", "2 hours", "6 hours", "12 hour",
		"day", "1 days", "30 days", "week", "2 weeks", "month", "3 months", "12 mon"}
	cronologDelays = []string{"", "", "", "1 second", "30 sec", "1 minute", "10 minutes", "1 hour", "3 hours", "1 day"}
	cronologZones  = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "CST-8", "EST5EDT,M3.2.0,M11.1.0"}
	cronologTimes  = []string{"2026-03-28 23:59:58", "2026-03-29 00:59:59", "2026-03-29 12:00:00", "2026-10-24 23:10:00", "2026-10-25 00:30:00", "2026-10-25 01:30:00",
		"2026-11-01 05:30:00", "2026-11-01 06:30:00", "2026-12-31 23:59:59", "2027-01-01 00:00:00", "2028-02-28 23:00:00", "2028-02-29 12:00:00", "2028-02-29 23:59:59",
		"2026-11-27 14:13:55", "2026-01-31 06:00:00", "2026-11-29 00:00:00", "2027-01-03 04:00:00", "2027-01-04 00:00:01"}
)

var (
	cronologUses = regexp.MustCompile(`using log file "(.*)" from .* until .* \((-?\d+)\)`)
)

// cronologFile has cronolog itself write a line at an instant. It returns the file, and when
// that would have been followed by another.
func cronologFile(t *testing.T, dir string, at time.Time, args []string) (name string, until int64) {
	t.Helper()
	cmd := exec.Command("faketime", append([]string{fmt.Sprintf("@%d", at.Unix()), "cronolog", "-x", "-"}, args...)...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("a line\n")
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	out, _ := cmd.CombinedOutput() // its exit status is always 3
	found := cronologUses.FindStringSubmatch(string(out))
	if found == nil {
		t.Fatalf("cronolog %q: %s", args, out)
	}
	until, err := strconv.ParseInt(found[2], 10, 64)
	must(t, err)
	return found[1], until
}

// In the place of cronolog, the file of any instant has the same name, and is followed by the
// next one at the same instant. LOGREEL_ORACLE is how many command lines to try.
func TestCronologOracle(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"cronolog": "cronolog", "faketime": "faketime"})
	random := rand.New(rand.NewPCG(1, 6))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	lines := oracleTries(t)
	dir := newFolder(t).dir
	for tried := 0; tried < lines; {
		args := []string{"-z", pick(cronologZones)}
		period, delay, template := pick(cronologPeriods), pick(cronologDelays), "f-"+pick(cronologTemplates)
		if period != "" {
			args = append(args, "-p", period)
		}
		if delay != "" {
			args = append(args, "-d", delay)
		}
		args = append(args, template)
		at, err := time.Parse(time.DateTime, pick(cronologTimes))
		must(t, err)
		f, err := flags.Parse(append([]string{"cronolog"}, args...))
		if err != nil {
			continue // TestCronologRefuses looks at those
		}
		outputs, err := f.Outputs(messages.Printer{})
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		tried++
		p := outputs.Main.Rotator.Pattern
		name, until := cronologFile(t, dir, at, args)
		// Its clock goes on while it starts.
		if !agrees(p, f, at, name, until) && !agrees(p, f, at.Add(time.Second), name, until) {
			ours := p.Period(at)
			t.Errorf("cronolog %q at %v: %s until %v, want %s until %v", args, at, p.Name(ours), ours.End.UTC(), name, time.Unix(until, 0).UTC())
		}
	}
}

// agrees reports whether the file of an instant has a name, and ends at a time, as far as it
// is to.
func agrees(p *pattern.Pattern, f *flags.Flags, at time.Time, name string, until int64) bool {
	// Around a change of the clocks cronolog's days have 24 hours, and ours those of the
	// calendar.
	if clocksChange(p.Zone(), at) {
		return true
	}
	ours := p.Period(at)
	// Started in a delay, it has the name of the next period already; here the file of the
	// one before is gone on with, as by whoever was not started anew.
	if late := time.Duration(f.Delay); !at.Before(ours.End.Add(-late)) {
		ours = p.Period(ours.End)
	}
	return p.Name(ours) == name && ours.End.Unix() == until
}

// cronologCommands are command lines as they stand in configurations, and what is said about
// them.
var cronologCommands = []struct {
	args []string
	said string
}{
	{[]string{"-S", "current", "app.%F"}, `cronolog takes no period from the template "app.%F", so its file is never switched; with logreel, leave out --every=never`},
	{[]string{"--period=1minute", "access_log"}, ""},
	{[]string{"-p", "1hours", "logs/x%H_shop.log"}, ""},
	{[]string{"-p", "30days", "-l", "link", "x.%Y-%m-%d"}, "cronolog switches each day, not each 30: --every=30d does the latter"},
	{[]string{"-H", "current.mp3", "-p", "2 hours", "%Y-%m-%d/%s.mp3"}, ""},
	{[]string{"--hardlink=x.log", "%Y-%m-%d-x.log"}, ""},
	{[]string{"log/x-%Y-%m-%d.out"}, ""},
	{[]string{"--symlink", "access_log", "-P", "access_log.prev", "logs/%Y/%m/access_log.%d"}, ""},
	{[]string{"-l", "a", "-S", "b", "%Y-%m-%d"}, ""},
	{[]string{"-o", "once-%Y%m%d"}, ""},
	{[]string{"-p", "day", "-o", "once-%Y%m%d"}, ""},
	{[]string{"%Y-%m-%d.log", "--hardl", "h"}, ""},
	{[]string{"-z", "CST-8", "%Y-%m-%d-%H.log"}, ""},
	{[]string{"-aed", "1 hour", "-p", "12 hours", "%Y-%m-%d.log"}, ""},
	{[]string{"--", "-x%Y%m"}, ""},
}

// In the place of cronolog the same files are there, with the same permissions and links, and
// with logreel's own words the same again.
func TestCronologCommands(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"cronolog": "cronolog"})
	for _, c := range cronologCommands {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			for hour := -1; hour != time.Now().Hour(); { // not across the end of a period
				hour = time.Now().Hour()
				original, ours := newFolder(t), newFolder(t)
				write(t, original, 3, "cronolog", c.args...)
				link := newFolder(t).at("cronolog")
				must(t, os.Symlink(logreel, link))
				said := write(t, ours, 0, link, c.args...)
				want := original.listing()
				if got := ours.listing(); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				if said = strings.TrimSpace(strings.TrimPrefix(said, "logreel: warning: ")); said != c.said {
					t.Errorf("said %q, want %q", said, c.said)
				}
				again := newFolder(t)
				said = write(t, newFolder(t), 0, logreel, append([]string{"--as=cronolog", "-v"}, c.args...)...)
				_, command, _ := strings.Cut(said, "the same is: logreel ")
				command, _, _ = strings.Cut(command, "\n")
				write(t, again, 0, "sh", "-c", logreel+" "+command)
				if got := again.listing(); got != want {
					t.Errorf("by %s: got\n%s\nwant\n%s", command, got, want)
				}
			}
		})
	}
}

// write has a program write a line, and returns what it said.
func write(t *testing.T, d *folder, status int, name string, args ...string) (said string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = d.dir, strings.NewReader("a line\n")
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%s %q: exit status %d (%v), want %d: %s", name, args, got, err, status, out)
	}
	return string(out)
}

// listing returns the names below a folder, with modes, how many names a file has, and what
// symlinks lead to.
func (d *folder) listing() string {
	d.t.Helper()
	return run(d.t, "find", d.dir, "-mindepth", "1", "-type", "d", "-printf", "%P %M\n", "-o", "-mindepth", "1", "-printf", "%P %M %n %s %l\n")
}

func TestCronologRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "write one TEMPLATE, such as /var/log/app/%Y-%m-%d.log; there are 0"},
		{[]string{"a", "b"}, "there are 2"},
		{[]string{"-p", "7 minutes", "%M"}, `"7 minutes" is not a period of cronolog's; write a count and a unit, such as "15 minutes", "6 hours" or "1 day"`},
		{[]string{"-p", "0 hours", "%M"}, `"0 hours" is not a period`},
		{[]string{"-p", "1 year", "%Y"}, `"1 year" is not a period`},
		{[]string{"-d", "2 hours", "%Y%m%d%H"}, "a delay is shorter than the period"},
		{[]string{"-P", "a", "-l", "b", "%Y"}, "-P comes after -l, -S or -H"},
		{[]string{"-s", "1 January 2026", "%Y"}, "logreel --preview --start-time="},
		{[]string{"-r", "x.sh", "%Y"}, `-r is an option of cronolog 1.7, and not of 1.6.2; logreel --exec='SCRIPT "$1"'`},
		{[]string{"--set-uid=shop", "%Y"}, "logreel --user=USER:GROUP"},
		{[]string{"-q", "5", "%Y"}, "-q is no option"},
		{[]string{"%P"}, "%P at character 1 is not a time field; write %p"},
		{[]string{"x%n"}, "elsewhere it is a newline"},
		{[]string{"-p", "30 days", "-d", "1 day", "%d"}, "a delay is shorter than the period"},
		{[]string{"--p", "day", "%Y"}, "--p is short for several options"},
		{[]string{"--once-only=3", "%Y"}, "--once-only=3 takes no value"},
		{[]string{"%Y", "-p"}, "-p wants a value"},
		{[]string{"-z", "Nowhere/City", "%Y"}, "Nowhere/City"},
	} {
		out, status := exec.Command(logreel, append([]string{"--as=cronolog"}, test.args...)...).CombinedOutput()
		if status == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: %v, said %q, want %q", test.args, status, out, test.want)
		}
	}
}
