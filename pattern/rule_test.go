package pattern

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// rules are zones as containers and devices have them in TZ, those of the standard's
// examples, and some that go to the limits.
var rules = []string{
	"<+03>-3", "EST5EDT,M3.2.0,M11.1.0", "NZST-12NZDT,J273/2:45,J96/-167", "EET-2EEST,M3.4.4/50,M10.4.4/50", "EST5EDT,0/-167,365/167",
	// Up to here, all tests look at them.
	"CST-8", "CET-1CEST", "<-0330>+3:30", "UTC0", "GMT+3", "AAA24:59", "BBB-24:59", "<Nowhere-at-all>-5:45",
	"CET-1CEST,M3.5.0,M10.5.0/3", "AEST-10AEDT,M10.1.0,M4.1.0/3", "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
	"IST-1GMT0,M10.5.0,M3.5.0/1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
	"AAA-14BBB,350/100,J60", "<+12>-12<+13>,M11.2.0,M1.2.3/99", "WWW9:30VVV8:15,59/24:0,M2.5.6/-0:30",
}

// clocks returns what date(1) shows by a rule at each of some instants. It has no database:
// where the rule does not say when clocks change, Debian's has a file for this, posixrules,
// which the C library shifts by some hours, and comes to the end of in 2037.
func clocks(t *testing.T, zone string, instants []int64) []string {
	t.Helper()
	var input bytes.Buffer
	for _, at := range instants {
		fmt.Fprintf(&input, "@%d\n", at)
	}
	date := exec.Command("date", "-f", "-", "+%F %T %z %Z")
	date.Env = append(os.Environ(), "TZ="+zone, "TZDIR=/dev/null", "LC_ALL=C")
	date.Stdin = &input
	out, err := date.Output()
	if err != nil {
		t.Fatalf("TZ=%s date: %v", zone, err)
	}
	// Where a name begins with a minus, date prints -0000 for no offset.
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(out), " -0000 ", " +0000 "), "\n"), "\n")
}

// needGNUDate skips a test where there is no date(1) of GNU to compare with.
func needGNUDate(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("date", "-u", "-d", "@0", "+%-d").Output(); err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Skip("no GNU date here to compare with")
	}
}

// compareClocks compares a zone with that of date(1) around the changes of some years, at
// their ends, and at some instants between.
func compareClocks(t *testing.T, text string, zone *time.Location, random *rand.Rand) {
	t.Helper()
	var instants []int64
	for range 10 {
		year := time.Date(1971+random.IntN(200), 1, 1, 0, 0, 0, 0, time.UTC)
		for range 10 {
			instants = append(instants, year.Unix()+random.Int64N(366*daySeconds))
		}
		at, end := year, year.AddDate(1, 0, 1)
		for at.Before(end) {
			instants = append(instants, at.Unix()-1, at.Unix(), at.Unix()+1)
			_, at = bounds(at.In(zone))
			if at.IsZero() {
				break
			}
		}
	}
	for i, want := range clocks(t, text, instants) {
		at := time.Unix(instants[i], 0).In(zone)
		if got := at.Format("2006-01-02 15:04:05 -0700 ") + at.Format("MST"); got != want {
			t.Fatalf("TZ=%s at %d: got %s, want %s", text, instants[i], got, want)
		}
	}
}

// Rules at random mean what they mean to date(1), which uses the C library.
func TestRulesAgainstDate(t *testing.T) {
	t.Parallel()
	needGNUDate(t)
	random := rand.New(rand.NewPCG(7, 8))
	for _, text := range rules {
		zone, ok := ruleZone(text)
		if !ok {
			t.Fatalf("%s is no rule", text)
		}
		compareClocks(t, text, zone, random)
	}
	one := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	number := func(format string, from, to int) string { return fmt.Sprintf(format, from+random.IntN(to-from+1)) }
	minutes := func() string {
		return one("", "", number(":%02d", 0, 59), number(":%d", 0, 59)+number(":%02d", 0, 59))
	}
	offset := func() string { return one("", "-", "+") + one(number("%d", 0, 24), number("%02d", 0, 24)) + minutes() }
	name := func() string { return one("EST", "Zulu", "<+03>", "<-0330>", "<A1-b+2>", "WinterTime") }
	change := func() string {
		day := one(number("J%d", 1, 365), number("J%03d", 1, 365), number("%d", 0, 365), number("%03d", 0, 365),
			number("M%d", 1, 12)+number(".%d", 1, 5)+number(".%d", 0, 6), number("M%02d", 1, 12)+number(".%d", 1, 5)+number(".%d", 0, 6))
		return "," + day + one("", "/"+one("", "-", "+")+number("%d", 0, 167)+minutes())
	}
	compared := 0
	for range 300 {
		text := name() + offset()
		if random.IntN(4) > 0 {
			text += name() + one("", offset()) + one("", change()+change(), change()+change())
		}
		if !rule.MatchString(text) {
			t.Fatalf("%s is no rule", text)
		}
		if zone, ok := ruleZone(text); ok { // else clocks change at New Year
			compareClocks(t, text, zone, random)
			compared++
		}
	}
	if compared < 200 {
		t.Errorf("%d of 300 rules compared", compared)
	}
}

// What is cut short, out of bounds or of another form is no rule, though the C library
// makes something of most of it.
func TestNoRules(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "CST", "CS-8", "CST-", "CST--8", "CST-25", "CST-8:60", "CST-8 ", " CST-8", "CST-8\n", "CST-8:", "<+3>-3", "<+03-3", "<+0 >-3",
		"Mars/Phobos", "Europe", "8", "+8", "UTC+", "C5T-8", "EST5EDT,", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,", "EST5EDT,M3.2.0,M11.1.0,", "EST5,M3.2.0,M11.1.0",
		"EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.0.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J365", "EST5EDT,J366,J1",
		"EST5EDT,366,1", "XXX3EDT4,0/0,J365/23", "XXX-10YYY,J1,J180", "XXX0YYY,J180,M12.5.0/167", "EST5EDT,M3.2.0/168,M11.1.0", "EST5EDT,M3.2.0/,M11.1.0", "EST5EDT;M3.2.0,M11.1.0", "EST5EDT,M3.2.0,M11.1.0/2:60",
		strings.Repeat("A", longestZone+1) + "3",
	} {
		if zone, ok := ruleZone(text); ok {
			t.Errorf("%q is %v", text, zone)
		}
	}
}

// What is taken for a rule is one to date(1) as well.
func FuzzRule(f *testing.F) {
	needGNUDate(f)
	for _, text := range rules {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if zone, ok := ruleZone(text); ok {
			compareClocks(t, text, zone, rand.New(rand.NewPCG(9, uint64(len(text)))))
		}
	})
}

// A zone is looked for where the C library looks: in the database, and then among rules.
func TestLoadZone(t *testing.T) {
	t.Parallel()
	noon := time.Date(1999, 4, 1, 12, 0, 0, 0, time.UTC) // before the United States changed their rule
	for name, want := range map[string]string{
		"EST5EDT":                "07:00 EST",
		":EST5EDT":               "07:00 EST",
		"EST5EDT,M3.2.0,M11.1.0": "08:00 EDT",
		":CST-8":                 "20:00 CST",
		"Asia/Tokyo":             "21:00 JST",
		":Asia/Tokyo":            "21:00 JST",
		"UTC":                    "12:00 UTC",
	} {
		zone, err := LoadZone(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := noon.In(zone).Format("15:04 MST"); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{":", "Local", "Europe", "/", "/dev/null", "../UTC", "Mars/Phobos"} {
		if zone, err := LoadZone(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, %v, want an error in one line", name, zone, err)
		}
	}
}
