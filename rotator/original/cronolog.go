package original

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
)

// usage returns an error with which cronolog ends with status 1.
func usage(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...), 1} }

const cronologUsage = `usage: cronolog [OPTIONS] TEMPLATE (logreel does its work; see "man logreel", BY ANOTHER'S NAME)

  -H, --hardlink NAME                    hard link to the current file
  -S, --symlink, -l, --link NAME         symlink to the current file
  -P, --prev-symlink NAME                symlink to the one before it
  -p, --period PERIOD                    such as "1 day" or "15 minutes"
  -d, --delay DELAY                      switch so long after the end of the period
  -o, --once-only                        one file for ever
  -z, --time-zone TZ                     zone of names and periods
  -x, --debug FILE, -v, --verbose        report on standard error
  -V, --version    -h, --help
`

// A span is a number of a unit of time, as cronolog reads it.
type span struct {
	count int
	unit  *spanUnit
}

type spanUnit struct {
	name    string // what the text begins with, in any case
	every   string // logreel's letter
	seconds int
	// most is the largest count, and divides what the count has to divide; 0 for nothing.
	most, divides int
	// counts says that cronolog counts such units: it switches at each one of the others.
	counts bool
	// fields are those that it infers the unit from.
	fields string
}

// spanUnits are the units, the finest first.
var spanUnits = []spanUnit{
	{"sec", "s", 1, 59, 60, false, "SscTrR"},
	{"min", "m", 60, 59, 60, true, "M"},
	{"hour", "h", 3600, 23, 24, true, "HIp"},
	{"day", "d", 86400, 31, 0, false, "aAdejwDx"},
	{"week", "w", 7 * 86400, 53, 0, false, "UW"},
	{"mon", "mo", 28 * 86400, 12, 12, false, "bhBm"},
	{"year", "y", 365 * 86400, 0, 0, false, "yY"}, // only inferred
}

var spanText = regexp.MustCompile(`^\s*(\d*)\s*([a-z]+)`)

// parseSpan reads a period or a delay. Cronolog ignores what follows the unit.
func parseSpan(text string) (span, error) {
	wrong := usage("%q is not a period of cronolog's; write a count and a unit, such as \"15 minutes\", \"6 hours\" or \"1 day\"", text)
	found := spanText.FindStringSubmatch(strings.ToLower(text))
	if found == nil {
		return span{}, wrong
	}
	count := 1
	if found[1] != "" {
		count, _ = strconv.Atoi(found[1]) // 0 is wrong as well
	}
	for i, u := range spanUnits[:len(spanUnits)-1] {
		if strings.HasPrefix(found[2], u.name) {
			if count < 1 || count > u.most || u.divides > 0 && u.divides%count != 0 {
				return span{}, wrong
			}
			return span{count, &spanUnits[i]}, nil
		}
	}
	return span{}, wrong
}

// inferred returns the period that cronolog takes from a template; nil for none.
func inferred(template string) *spanUnit {
	for i, u := range spanUnits {
		for at := 0; at+1 < len(template); at++ {
			if template[at] != '%' {
				continue
			}
			at++
			if strings.IndexByte(u.fields, template[at]) >= 0 {
				return &spanUnits[i]
			}
		}
	}
	return nil
}

// everyName switches whenever the name changes.
func (t *Translation) everyName(template string) {
	if _, err := pattern.New(pattern.Config{Pattern: clean(template)}); err != nil {
		t.add("--same-names")
	}
}

// fork refuses an option that cronolog 1.6.2 lacks, and its successor 1.7 has.
func fork(option, instead string) func(string) error {
	return func(string) error {
		return usage("%s is an option of cronolog 1.7, and not of 1.6.2; %s", option, instead)
	}
}

// cronolog translates the command line of cronolog 1.6.2.
func cronolog(args []string) (*Translation, error) {
	t := &Translation{Of: "cronolog"}
	var period, delay *span
	var link, previous, zone *string
	linkFlag := "" // of cronolog's links, symbolic or hard, the last is made
	once, verbose := false, false
	keep := func(to **string) func(string) error {
		return func(value string) error { *to = &value; return nil }
	}
	keepLink := func(flag string) func(string) error {
		return func(value string) error { link, linkFlag = &value, flag; return nil }
	}
	keepSpan := func(to **span) func(string) error {
		return func(value string) error {
			s, err := parseSpan(value)
			*to, once = &s, once && to != &period // of -o and -p the last wins
			return err
		}
	}
	yes := func(to *bool) func(string) error { return func(string) error { *to = true; return nil } }
	nothing := func(string) error { return nil }
	others, err := parse([]option{
		{'H', []string{"hardlink"}, true, keepLink("--hard-link")},
		{'S', []string{"symlink"}, true, keepLink("--link")},
		{'l', []string{"link"}, true, keepLink("--link")},
		{'P', []string{"prev-symlink"}, true, func(value string) error {
			if previous = &value; link == nil {
				return usage("-P comes after -l, -S or -H: the previous link is what the link was before")
			}
			return nil
		}},
		{'p', []string{"period"}, true, keepSpan(&period)},
		{'d', []string{"delay"}, true, keepSpan(&delay)},
		{'o', []string{"once-only"}, false, func(string) error { once, period = true, nil; return nil }},
		{'x', []string{"debug"}, true, func(string) error { verbose = true; return nil }},
		{'v', []string{"verbose"}, false, yes(&verbose)},
		{'z', []string{"time-zone"}, true, keep(&zone)},
		{'a', []string{"american"}, false, nothing}, // these two are about -s
		{'e', []string{"european"}, false, nothing},
		{'s', []string{"start-time"}, true, func(string) error {
			return usage("-s is not done here; to see what files there will be: logreel --preview --start-time='2026-11-21 02:00' TEMPLATE")
		}},
		{'r', []string{"helper"}, true, fork("-r", `logreel --exec='SCRIPT "$1"'`)},
		{'G', []string{"helper-arg"}, true, fork("-G", `logreel --exec='SCRIPT ARG "$1"'`)},
		{'u', []string{"set-uid"}, true, fork("-u", "logreel --user=USER:GROUP")},
		{'g', []string{"set-gid"}, true, fork("-g", "logreel --user=USER:GROUP")},
		{'M', []string{"file-mode"}, true, fork("-M", "logreel --mode=0640")},
		{'D', []string{"dir-mode"}, true, fork("-D", "logreel --dir-mode=0755")},
		{'n', []string{"no-alarm"}, false, fork("-n", "leave it out: no file is made before a line comes")},
		{'L', []string{"lock"}, false, fork("-L", "leave it out: several logreels may write one file")},
		{'V', []string{"version"}, false, func(string) error {
			t.Text = "logreel in the place of cronolog 1.6.2\n"
			return nil
		}},
		{'h', []string{"help"}, false, func(string) error {
			t.Text = cronologUsage
			return nil
		}},
	}, args)
	switch {
	case t.Text != "":
		return t, nil
	case err != nil:
		return nil, fmt.Errorf("cronolog: %w; see cronolog -h, and for what else logreel can do, logreel --help", err)
	case len(others) != 1:
		return nil, usage("cronolog: write one TEMPLATE, such as /var/log/app/%%Y-%%m-%%d.log; there are %d", len(others))
	}
	template := others[0]
	if err := t.schedule(template, period, delay, once); err != nil {
		return nil, err
	}
	for _, given := range []struct {
		flag  string
		value *string
	}{{"--tz", zone}, {linkFlag, link}, {"--previous-link", previous}} {
		if given.value != nil {
			t.add("%s=%s", given.flag, *given.value)
		}
	}
	umask := unix.Umask(0)
	unix.Umask(umask)
	t.add("--mode=%#o", 0o664&^umask)
	t.add("--dir-mode=%#o", 0o775&^umask)
	if verbose {
		t.add("--verbose")
	}
	if template = clean(template); strings.HasPrefix(template, "-") {
		template = "./" + template
	}
	t.add("%s", template)
	return t, nil
}

func (t *Translation) add(format string, args ...any) {
	t.Arguments = append(t.Arguments, fmt.Sprintf(format, args...))
}

func (t *Translation) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// schedule sets when to switch. A period that the names cannot tell apart only makes cronolog
// open the same file again.
func (t *Translation) schedule(template string, period, delay *span, once bool) error {
	unit, count := inferred(template), 1
	if period != nil {
		if unit = period.unit; unit.counts {
			count = period.count
		} else if period.count > 1 {
			t.note("cronolog switches each %s, not each %d: --every=%d%s does the latter", unitName(unit), period.count, period.count, unit.every)
		}
	}
	names, err := pattern.New(pattern.Config{Pattern: clean(template), Every: pattern.Never})
	varies := err == nil && names.Runs()
	switch never := once || unit == nil || !varies; {
	case never && delay != nil && varies:
		// Cronolog adds the delay to the end of time, which is past then: it looks for a new
		// name at each line.
		t.everyName(template)
		return nil
	case never:
		if unit == nil && !once && varies {
			t.note("cronolog takes no period from the template %q, so its file is never switched; with logreel, leave out --every=never", template)
		}
		t.add("--every=never")
		return nil
	}
	every := fmt.Sprintf("%d%s", count, unit.every)
	interval, err := pattern.ParseInterval(every)
	if err != nil {
		return usage("cronolog: %q %v", every, err)
	}
	t.add("--every=%s", every)
	if unit.name == "week" && (period != nil || strings.Contains(template, "%U")) {
		t.add("--at=sun")
	}
	if _, err := pattern.New(pattern.Config{Pattern: clean(template), Every: interval}); err != nil {
		t.add("--same-names")
	}
	if delay == nil {
		return nil
	}
	if delay.unit.name == "mon" || delay.count*delay.unit.seconds >= count*unit.seconds {
		return usage("cronolog: a delay is shorter than the period")
	}
	number, letter := delay.count, delay.unit.every
	if delay.unit.seconds > 3600 {
		number, letter = number*delay.unit.seconds/3600, "h"
	}
	t.add("--delay=%d%s", number, letter)
	return nil
}

// modified are fields with a modifier that changes nothing in cronolog's locale, and unknown
// what the C library leaves as it is.
var (
	modified = regexp.MustCompile(`^%(?:E([cCxXyY])|O([deHImMSuUVwWy])|0([CdHIjmMSUVWyY]))`)
	unknown  = regexp.MustCompile(`^%([fioqvJKLNQ+!@]|[EO]?$)`)
)

// clean returns a template in the fields that logreel has, as far as it has them.
func clean(template string) string {
	var cleaned strings.Builder
	for at := 0; at < len(template); {
		rest := template[at:]
		if m := modified.FindStringSubmatch(rest); m != nil {
			cleaned.WriteString("%" + m[1] + m[2] + m[3])
			at += len(m[0])
			continue
		}
		length := 1
		if rest[0] == '%' && len(rest) > 1 {
			length = 2
		}
		if unknown.MatchString(rest) {
			cleaned.WriteByte('%')
		}
		cleaned.WriteString(rest[:length])
		at += length
	}
	return cleaned.String()
}

// unitName returns the name of a unit in full.
func unitName(u *spanUnit) string {
	return map[string]string{"sec": "second", "min": "minute", "mon": "month"}[u.name] + map[bool]string{true: u.name}[len(u.name) > 3 || u.name == "day"]
}
