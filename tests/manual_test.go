package tests

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const manual = "../packaging/logreel.1"

func TestManualOptions(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^\.It (Fl .*)`).FindAllStringSubmatch(readFile(t, manual), -1) {
		for option := range strings.SplitSeq(m[1], " , ") {
			documented = append(documented, plainOption(option))
		}
	}
	var helped []string
	for _, o := range options(t) {
		if o.short != "" {
			helped = append(helped, o.short)
		}
		if o.value != "" {
			o.long += "=" + o.value
		}
		helped = append(helped, o.long)
	}
	for _, option := range helped {
		if !slices.Contains(documented, option) {
			t.Errorf("the manual lacks %s", option)
		}
	}
	for _, option := range documented {
		if !slices.Contains(helped, option) {
			t.Errorf("--help lacks %s", option)
		}
	}
}

// plainOption returns an option as --help writes it, from a line of mdoc such as
// "Fl -owner Ns = Ns Ar user Ns Op : Ns Ar group". The values of --preview and
// --stamp are optional, which --help has no way to show.
func plainOption(mdoc string) string {
	var option, closing string
	for word := range strings.FieldsSeq(mdoc) {
		switch word {
		case "Fl":
			option += "-"
		case "Op":
			option, closing = option+"[", "]"
		case "Ns", "Ar":
		default:
			option += word
		}
	}
	option, _, _ = strings.Cut(option+closing, "[=")
	name, value, hasValue := strings.Cut(option, "=")
	if hasValue {
		name += "=" + strings.ToUpper(value)
	}
	return name
}

// The fields of the manual are those that the program takes.
func TestManualFields(t *testing.T) {
	t.Parallel()
	text := readFile(t, manual)
	for c := byte('!'); c <= '~'; c++ {
		if c == '-' {
			continue // leaves out the padding of the field behind it
		}
		field := "%" + string(c)
		documented := strings.Contains(text, "\n.It Cm \\&"+field+"\n")
		out, err := try(logreel, "--preview=1", "--every=never", "x"+field)
		if taken := err == nil; taken != documented {
			t.Errorf("%s: in the manual: %v, taken: %v\n%s", field, documented, taken, out)
		}
	}
}

func TestManualLint(t *testing.T) {
	t.Parallel()
	need(t, "mandoc")
	if out, err := try("mandoc", "-Tlint", "-W", "warning", manual, "../packaging/cronolog.1"); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

// checkManual checks that man, as Debian has it, shows the manual and warns of nothing.
func checkManual(t *testing.T, zipped []byte) {
	t.Helper()
	if _, err := exec.LookPath("man"); err != nil {
		return
	}
	d := newFolder(t)
	d.put("logreel.1.gz", string(zipped))
	c := exec.Command("man", "--warnings", "--encoding=UTF-8", "--local-file", d.at("logreel.1.gz"))
	c.Env = append(c.Environ(), "LC_ALL=C.UTF-8", "MANROFFSEQ=", "MANWIDTH=80")
	c.Stdout, c.Stderr = d.create("shown"), d.create("said")
	if err := c.Run(); err != nil || d.read("said") != "" || !strings.Contains(d.read("shown"), "--preview") {
		t.Errorf("man: %v, %d bytes\n%s", err, len(d.read("shown")), d.read("said"))
	}
}
