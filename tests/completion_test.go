package tests

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const completions = "../packaging/completions"

// An option is a flag as --help shows it.
type option struct {
	short, long string // with their dashes; short may be empty
	value       string // PATH or SIZE; empty for an option without one
}

// options reads --help. Text that is wrapped may begin with an option as well, but
// further right.
func options(t *testing.T) []option {
	t.Helper()
	var all []option
	for _, m := range regexp.MustCompile(`(?m)^ {2,6}(?:(-[a-zA-Z]), )?(--[a-z-]+)(?:=(\S+))?`).FindAllStringSubmatch(run(t, logreel, "--help"), -1) {
		all = append(all, option{m[1], m[2], m[3]})
	}
	if len(all) == 0 {
		t.Fatal("--help shows no options")
	}
	return all
}

// words asks the program which words an option takes, by one that none does: none if
// it takes numbers, times or names.
func words(t *testing.T, o option) []string {
	t.Helper()
	out, err := try(logreel, "--preview=1", o.long+"=?", "%Y")
	if err == nil {
		return nil
	}
	if m := regexp.MustCompile(`; write ([a-z]+) or ([a-z]+)\n`).FindStringSubmatch(out); m != nil {
		return m[1:]
	}
	return nil
}

// What the files say, whether there is a shell to read them or not.
func TestCompletionOptions(t *testing.T) {
	t.Parallel()
	var want []string
	for _, o := range options(t) {
		value := ""
		if o.value != "" {
			value = "="
		}
		want = append(want, o.long+value)
		if o.short != "" {
			want = append(want, o.short)
		}
	}
	slices.Sort(want)
	for file, find := range map[string]func(text string) []string{
		"logreel.bash": func(text string) (found []string) {
			for _, m := range regexp.MustCompile(`(valued|plain)='([^']*)'`).FindAllStringSubmatch(text, -1) {
				for word := range strings.FieldsSeq(m[2]) {
					if m[1] == "valued" {
						word += "="
					}
					found = append(found, word)
				}
			}
			return found
		},
		"_logreel": func(text string) (found []string) {
			for _, m := range regexp.MustCompile(`(?m)^\s+'?\*?(?:\([^)]*\))?'?(?:\{(-\w),)?(--[a-z-]+)\}?(=?)(-?)`).FindAllStringSubmatch(text, -1) {
				if m[1] != "" {
					found = append(found, m[1])
				}
				if m[4] == "-" {
					m[3] = "" // the value is optional
				}
				found = append(found, m[2]+m[3])
			}
			return found
		},
		"logreel.fish": func(text string) (found []string) {
			for _, m := range regexp.MustCompile(`(?m)^__logreel_option (?:-s (\w) )?-l (\S+) (-[xr])?`).FindAllStringSubmatch(text, -1) {
				if m[1] != "" {
					found = append(found, "-"+m[1])
				}
				if m[3] != "" {
					m[2] += "="
				}
				found = append(found, "--"+m[2])
			}
			return found
		},
	} {
		got := find(readFile(t, filepath.Join(completions, file)))
		slices.Sort(got)
		for _, o := range want {
			if !slices.Contains(got, o) {
				t.Errorf("%s lacks %s", file, o)
			}
		}
		for _, o := range got {
			if !slices.Contains(want, o) {
				t.Errorf("--help lacks %s, which %s has", o, file)
			}
		}
		if len(got) != len(slices.Compact(slices.Clone(got))) {
			t.Errorf("%s has an option twice: %q", file, got)
		}
	}
}

// What the shells offer, asked for real.
func TestCompletion(t *testing.T) {
	t.Parallel()
	type completer func(d *folder, lines []string) [][]string
	for _, s := range []struct {
		name, shell, file string
		complete          completer
	}{
		{"bash", "bash", "logreel.bash", completeBash(true)},
		{"bash alone", "bash", "logreel.bash", completeBash(false)},
		{"zsh", "zsh", "_logreel", completeZsh},
		{"fish", "fish", "logreel.fish", completeFish},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			need(t, s.shell)
			if _, err := os.Stat(bashCompletion); err != nil && s.name == "bash" {
				t.Skip("the package bash-completion is missing")
			}
			file := filepath.Join(completions, s.file)
			if out, err := try(s.shell, "-n", file); err != nil || len(out) > 0 {
				t.Fatalf("%s -n %s: %v\n%s", s.shell, s.file, err, out)
			}
			lines, want := completionTable(t)
			if s.name == "bash alone" {
				// Then nothing is known of the command's options.
				lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "logreel x -- logreel --") })
			}
			d := newFolder(t)
			d.put("logreel-probe", "#!/bin/sh\n")
			d.put("live.log", "")
			d.chmod("live.log", 0o644)
			got := s.complete(d, lines)
			if len(got) != len(lines) {
				t.Fatalf("%d answers to %d lines", len(got), len(lines))
			}
			for i, line := range lines {
				// fish repeats the option before its value, and the user before the
				// group; bash ends an option with a =, and zsh leaves out directories.
				var offers []string
				for _, offer := range got[i] {
					offer, _, _ = strings.Cut(offer, "\t")
					if name, value, ok := strings.Cut(offer, "="); ok {
						offer = cmp.Or(value, name)
					}
					offer = offer[strings.LastIndexAny(offer, ":/")+1:]
					if offer != "" && offer != "--" {
						offers = append(offers, offer)
					}
				}
				slices.Sort(offers)
				if offers = slices.Compact(offers); !slices.Equal(offers, want[line]) {
					t.Errorf("%q:\n got %q\nwant %q", line, offers, want[line])
				}
			}
		})
	}
}

// completionTable returns what is to be offered after which lines, in a directory that
// holds live.log and, on PATH too, the program logreel-probe.
func completionTable(t *testing.T) (lines []string, want map[string][]string) {
	t.Helper()
	want = map[string][]string{
		"logreel li":                       {"live.log"},
		"logreel --eager li":               {"live.log"},
		"logreel --preview li":             {"live.log"},
		"logreel --compress=zstd li":       {"live.log"},
		"logreel --compress zstd li":       {"live.log"},
		"logreel --compress=z":             {"zstd"},
		"logreel --size ":                  nil,
		"logreel --size=":                  nil,
		"logreel --owner=root:nogr":        {"nogroup"},
		"logreel --owner=roo":              {"root"},
		"logreel x -- logreel-pro":         {"logreel-probe"},
		"logreel --eager x -- logreel-pro": {"logreel-probe"},
		"logreel x -- logreel-probe li":    {"live.log"},
		// The command has options of its own.
		"logreel x -- logreel-probe --compr": nil,
		"logreel x -- logreel --on-full=":    {"drop", "wait"},
	}
	if _, err := os.Stat("/usr/share/zoneinfo/zone.tab"); err == nil {
		want["logreel --tz=Europe/Berl"] = []string{"Berlin"}
	}
	listed := 0
	for _, o := range options(t) {
		want["logreel --"] = append(want["logreel --"], o.long)
		if w := words(t, o); w != nil {
			listed++
			slices.Sort(w)
			want["logreel "+o.long+"="] = w
			want["logreel x "+o.long+" "] = w
		}
		if o.value == "PATH" {
			listed++
			want["logreel "+o.long+"=li"] = []string{"live.log"}
			want["logreel "+o.long+" li"] = []string{"live.log"}
		}
	}
	// --compress, --on-full, --stdio, and three links.
	if listed < 6 {
		t.Fatalf("the program tells of %d options that take certain words or paths", listed)
	}
	slices.Sort(want["logreel --"])
	for line := range want {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines, want
}

// runShell runs a script in a folder, which is on PATH, and returns the answers: each is
// one offer a line, and ends with a line "end".
func (d *folder) runShell(args ...string) (answers [][]string) {
	d.t.Helper()
	c := exec.Command(args[0], args[1:]...)
	c.Dir = d.dir
	c.Env = append(c.Environ(), "PATH="+d.dir+":"+os.Getenv("PATH"), "HOME="+d.dir, "XDG_CONFIG_HOME="+d.at(".config"),
		"XDG_DATA_HOME="+d.at(".data"), "TERM=vt100", "LC_ALL=C.UTF-8")
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil || stderr.Len() > 0 {
		d.t.Fatalf("%s: %v\n%s%s", args[0], err, &stderr, out)
	}
	var answer []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSuffix(line, "\n"); line == "end" {
			answers, answer = append(answers, answer), nil
		} else {
			answer = append(answer, line)
		}
	}
	return answers
}

// absolute returns the path of a file of completions for a shell that runs elsewhere.
func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(completions, name))
	must(t, err)
	return path
}

const bashCompletion = "/usr/share/bash-completion/bash_completion"

// completeBash calls the function as readline does: the line is divided at = and :. The
// package bash-completion is there, or not.
func completeBash(library bool) func(d *folder, lines []string) [][]string {
	return func(d *folder, lines []string) [][]string {
		var script strings.Builder
		if library {
			script.WriteString("source " + bashCompletion + "\n")
		}
		fmt.Fprintf(&script, "source '%s'\ncompopt() { :; }\n", absolute(d.t, "logreel.bash"))
		divide := regexp.MustCompile(`[=:]|[^ =:]+`)
		for _, line := range lines {
			words := "'" + strings.Join(divide.FindAllString(line, -1), "' '") + "'"
			if strings.HasSuffix(line, " ") {
				words += " ''"
			}
			fmt.Fprintf(&script, "COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE='%s' COMP_POINT=%d COMPREPLY=()\n",
				words, line, len(line))
			script.WriteString("_logreel\n((${#COMPREPLY[@]} == 0)) || printf '%s\\n' \"${COMPREPLY[@]}\"\necho end\n")
		}
		return d.runShell("bash", "--norc", "-c", script.String())
	}
}

// completeZsh types into a zsh on a terminal of its own. Its compadd is wrapped, to
// write down what it is given and finds to match.
func completeZsh(d *folder, lines []string) [][]string {
	const script = `
zmodload zsh/zpty || exit
exec {answers}>answers
zpty -b shell "exec zsh -f -i"
type() {
	zpty -w -n shell "$1"
	# The terminal is to be read, or it fills up.
	while (( $(grep -cx end answers) < $2 )); do
		zpty -r -t shell output || sleep 0.01
	done
}
type "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000
compadd() {
	if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)(|' ')* ]]; then
		builtin compadd \"\$@\"
		return
	fi
	local -a hits
	builtin compadd -A hits \"\$@\"
	(( ! \$#hits )) || print -rl -- \$hits >>answers
	builtin compadd \"\$@\"
}
tell() { print end >>answers }
zle -N tell; bindkey '^G' tell; bindkey '^I' list-choices
tell
" 1
: >answers
integer told
for line in "${@[2,-1]}"; do
	type $'\x15'"$line"$'\t\x07' $((++told))
done
zpty -d shell
cat answers
`
	return d.runShell(append([]string{"timeout", "180", "zsh", "-f", "-c", script, "zsh", filepath.Dir(absolute(d.t, "_logreel"))}, lines...)...)
}

func completeFish(d *folder, lines []string) [][]string {
	return d.runShell(append([]string{"fish", "--no-config", "-c",
		"source $argv[1]; for line in $argv[2..]; complete \"-C$line\"; echo end; end", absolute(d.t, "logreel.fish")}, lines...)...)
}
