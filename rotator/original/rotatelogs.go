package original

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const rotatelogsUsage = `usage: rotatelogs [-lfDtTvec] [-L LINK] [-p PROGRAM] [-n N] FILE TIME|SIZE [TIME|SIZE] [OFFSET] (logreel does its work; see "man logreel", BY ANOTHER'S NAME)

  FILE      with fields of strftime, or else the seconds since 1970 are appended
  TIME      seconds between two files
  SIZE      of a file, such as 100M (B, K, M or G)
  OFFSET    minutes from UTC, such as +60

  -l        local time    -f, -c  open files at once, for every period
  -L LINK   hard link     -D      make directories (always done)
  -p PROGRAM    is run for each file, with its name and that of the one before
  -n N      use N names round and round: FILE, FILE.1, ...
  -t        one file, begun anew each time
  -e        copy to standard output          -v  report on standard error
`

// rotatelogs translates the command line of Apache's rotatelogs 2.4.
func rotatelogs(args []string) (*Translation, error) {
	t := &Translation{Of: "rotatelogs"}
	local, truncate := false, false
	ring := 0
	var flags []string
	flag := func(text string) func(string) error {
		return func(string) error { flags = append(flags, text); return nil }
	}
	words, err := parseFirst([]option{
		{'l', nil, false, func(string) error { local = true; return nil }},
		{'f', nil, false, flag("--eager")},
		{'c', nil, false, flag("--eager")},
		{'D', nil, false, func(string) error { return nil }},
		{'v', nil, false, flag("--verbose")},
		{'e', nil, false, flag("--tee")},
		{'L', nil, true, func(value string) error { flags = append(flags, "--hard-link="+value); return nil }},
		{'t', nil, false, func(string) error { truncate = true; return nil }},
		{'T', nil, false, func(string) error { return nil }},
		{'n', nil, true, func(count string) error {
			if ring = leading(count); ring <= 0 {
				return usage("-n %s: write how many files there are to be, such as 5", count)
			}
			return nil
		}},
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
	var when rotation
	if err == nil {
		when, err = t.rotation(words, local)
	}
	if err != nil {
		return nil, fmt.Errorf("rotatelogs: %w; see rotatelogs -h, and for what else logreel can do, logreel --help", err)
	}
	name := words[0]
	switch varies := strings.Contains(name, "%"); {
	case varies && ring > 0:
		return nil, usage("rotatelogs: -n %d: %q has time fields, so no name comes again; leave -n out, and set LOGREEL_KEEP_COUNT=%d", ring, name, max(ring-1, 1))
	case varies:
	case ring == 0 && truncate:
		ring = 1
	case ring == 0:
		name += ".%Es"
	}
	if ring > 0 {
		t.add("--ring=%d", ring)
	}
	if when.seconds > 0 {
		t.add("--every=%ds", when.seconds)
		t.add("--at=epoch")
	}
	if when.bytes > 0 {
		t.add("--size=%d", when.bytes)
	}
	if when.bytes > 0 && ring == 0 {
		t.add("--size-names=time")
	}
	switch {
	case local:
	case when.minutes == 0:
		t.add("--utc")
	default:
		t.add("--tz=%s", fixedZone(when.minutes))
	}
	t.Arguments = append(t.Arguments, flags...)
	umask := unix.Umask(0)
	unix.Umask(umask)
	t.add("--mode=%#o", 0o666&^umask)
	t.add("%s", name)
	return t, nil
}

// A rotation is when to switch: each so many seconds, and at so many bytes, 0 for not. Times
// are so many minutes from UTC.
type rotation struct{ seconds, bytes, minutes int }

// rotation reads the words behind the name of the file.
func (t *Translation) rotation(words []string, local bool) (r rotation, err error) {
	if len(words) < 2 {
		return r, usage("write FILE and the seconds between two files, or the size of one, such as: rotatelogs /var/log/app.log 86400 100M")
	}
	for i, word := range words[1:] {
		number := leading(word)
		switch unit := sizeUnit(word); {
		case unit > 0 && (r.bytes > 0 || number <= 0 || strings.IndexAny(word, "BKMG") < len(word)-1 && !strings.HasSuffix(word, "B")):
			return r, usage("%q: write one size, such as 100M", word)
		case unit > 0:
			if r.bytes = number * unit; strconv.Itoa(number) != word[:len(word)-1] {
				t.note("rotatelogs takes %q for %d bytes", word, r.bytes)
			}
		case i > 0 && i == len(words)-2:
			if r.minutes = number; local {
				return r, usage("an offset does not go with -l")
			}
			if number < -24*60 || number > 24*60 {
				return r, usage("%q: the last number is an offset in minutes; for a time and a size write the time first, such as: rotatelogs FILE 86400 5M", word)
			}
		case r.seconds > 0 || number <= 0:
			return r, usage("%q is no number of seconds", word)
		default:
			if r.seconds = number; strings.TrimLeft(word, "+0") != strconv.Itoa(number) {
				t.note("rotatelogs takes %q for %d seconds", word, number)
			}
		}
	}
	return r, nil
}

// sizeUnit returns how many bytes the unit of a size has; 0 if a word is no size.
func sizeUnit(word string) int {
	for i, letter := range []string{"B", "K", "M", "G"} {
		if strings.Contains(word, letter) {
			return 1 << (10 * i)
		}
	}
	return 0
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
