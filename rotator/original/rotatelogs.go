package original

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const rotatelogsUsage = `usage: rotatelogs [-lfDvec] [-L LINK] FILE TIME [OFFSET] (logreel does its work; see "man logreel", BY ANOTHER'S NAME)

  FILE      with fields of strftime, or else the seconds since 1970 are appended
  TIME      seconds between two files
  OFFSET    minutes from UTC, such as +60

  -l        local time    -f, -c  open files at once, for every period
  -L LINK   hard link     -D      make directories (always done)
  -e        copy to standard output          -v  report on standard error
`

// rotatelogs translates the command line of Apache's rotatelogs 2.4.
func rotatelogs(args []string) (*Translation, error) {
	t := &Translation{Of: "rotatelogs"}
	local := false
	var flags []string
	flag := func(text string) func(string) error {
		return func(string) error { flags = append(flags, text); return nil }
	}
	instead := func(what string) func(string) error {
		return func(string) error { return usage("%s", what) }
	}
	words, err := parseFirst([]option{
		{'l', nil, false, func(string) error { local = true; return nil }},
		{'f', nil, false, flag("--eager")},
		{'c', nil, false, flag("--eager")},
		{'D', nil, false, func(string) error { return nil }},
		{'v', nil, false, flag("--verbose")},
		{'e', nil, false, flag("--tee")},
		{'L', nil, true, func(value string) error { flags = append(flags, "--hard-link="+value); return nil }},
		{'t', nil, false, instead("-t empties a file that somebody may still read; write logreel --every=TIME --keep-count=1 FILE-%F")},
		{'T', nil, false, instead("-T empties a file that somebody may still read; write logreel --every=TIME --keep-count=1 FILE-%F")},
		{'n', nil, true, instead("-n empties a file that somebody may still read; write logreel --keep-count=N FILE-%F, which deletes the oldest")},
		{'p', nil, true, func(program string) error {
			if !strings.Contains(program, "/") {
				program = "./" + program // which is not looked for in PATH
			}
			return flag("--exec-open=exec " + quoted(program) + ` "$@"`)("")
		}},
		{'h', nil, false, func(string) error { t.Text = rotatelogsUsage; return nil }},
	}, args)
	if t.Text != "" {
		return t, nil
	}
	var every, minutes int
	if err == nil {
		every, minutes, err = t.when(words, local)
	}
	if err != nil {
		return nil, fmt.Errorf("rotatelogs: %w; see rotatelogs -h, and for what else logreel can do, logreel --help", err)
	}
	name := words[0]
	if !strings.Contains(name, "%") {
		name += ".%Es"
	}
	t.add("--every=%ds", every)
	t.add("--at=epoch")
	switch {
	case local:
	case minutes == 0:
		t.add("--utc")
	default:
		t.add("--tz=%s", fixedZone(minutes))
	}
	t.Arguments = append(t.Arguments, flags...)
	umask := unix.Umask(0)
	unix.Umask(umask)
	t.add("--mode=%#o", 0o666&^umask)
	t.add("%s", name)
	return t, nil
}

// when reads the words behind the name of the file: when to switch, and how many minutes the
// time is from UTC.
func (t *Translation) when(words []string, local bool) (every, minutes int, err error) {
	if len(words) < 2 {
		return 0, 0, usage("write FILE and the seconds between two files, such as: rotatelogs /var/log/app.log 86400")
	}
	for i, word := range words[1:] {
		if at := strings.IndexAny(word, "BKMG"); at >= 0 {
			return 0, 0, usage("%q is a size; of that logreel makes files .1, .2 and so on: logreel --size=%s FILE", word, word)
		}
		number := leading(word)
		switch {
		case every == 0 && number > 0:
			every = number
			if digits := strconv.Itoa(number); strings.TrimLeft(word, "+0") != digits {
				t.note("rotatelogs takes %q for %d seconds", word, number)
			}
		case every > 0 && i == len(words)-2 && !local:
			minutes = number
		case every > 0 && local:
			return 0, 0, usage("an offset does not go with -l")
		default:
			return 0, 0, usage("%q is no number of seconds", word)
		}
	}
	if every == 0 {
		return 0, 0, usage("write the seconds between two files")
	}
	return every, minutes, nil
}

// leading returns the number that a text begins with, as atoi(3) does.
func leading(text string) int {
	end := 0
	for end < len(text) && ('0' <= text[end] && text[end] <= '9' || end == 0 && strings.ContainsRune("+-", rune(text[0]))) {
		end++
	}
	number, _ := strconv.Atoi(text[:end]) // nothing is 0
	return number
}

// fixedZone returns a zone so many minutes east of UTC, as TZ has it.
func fixedZone(minutes int) string {
	sign, opposite := "+", "-"
	if minutes < 0 {
		sign, opposite, minutes = "-", "+", -minutes
	}
	return fmt.Sprintf("<%s%02d%02d>%s%d:%02d", sign, minutes/60, minutes%60, opposite, minutes/60, minutes%60)
}
