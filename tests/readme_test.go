package tests

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A README that is read in five minutes stays within these bounds.
func TestReadmeBounds(t *testing.T) {
	t.Parallel()
	text := readFile(t, "../README.md")
	if n := strings.Count(text, "\n"); n > 130 {
		t.Errorf("%d lines, more than 130", n)
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(line)); n > 300 {
			t.Errorf("%d characters, more than 300: %s", n, line)
		}
	}
}

// readme returns a section of the README.
func readme(t *testing.T, title string) string {
	t.Helper()
	_, rest, found := strings.Cut(readFile(t, "../README.md"), "\n## "+title+"\n")
	if !found {
		t.Fatalf("the README has no section %q", title)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}

// The command with which a newcomer tries logreel does what the README says.
func TestReadmeRun(t *testing.T) {
	t.Parallel()
	input, err := os.ReadFile("/var/log/dpkg.log")
	if err != nil || len(input) == 0 {
		t.Skip("no /var/log/dpkg.log here: not Debian")
	}
	command := regexp.MustCompile(`(?m)^go run .*$`).FindString(readme(t, "Run and test"))
	if command == "" {
		t.Fatal("no command to run")
	}
	d := newFolder(t)
	if out, err := try("sh", "-c", "cd ..; "+strings.ReplaceAll(command, "/tmp/logreel-try", d.dir)); err != nil || !strings.Contains(out, "latest -> ") {
		t.Fatalf("%v: %s", err, out)
	}
	if got := d.read("latest"); !strings.HasPrefix(string(input), got[:min(len(got), len(input))]) {
		t.Error("the file is not the input")
	}
}

// The transcript of --preview in the README is what it prints.
func TestReadmePreview(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(readme(t, "Recipes"), "$ logreel --preview")
	args, rest, _ := strings.Cut(rest, "\n")
	shown, _, _ := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no transcript of --preview")
	}
	out := run(t, "sh", "-c", "logreel --preview"+args)
	_, shown, _ = strings.Cut(shown, "\n") // the heading, for a terminal
	if strings.Join(strings.Fields(out), " ") != strings.Join(strings.Fields(shown), " ") {
		t.Errorf("got\n%swant\n%s", out, shown)
	}
}

// What the README's recipes say is taken: each is tried with --preview.
func TestReadmeRecipes(t *testing.T) {
	t.Parallel()
	// As they are once the configuration file has been read.
	read := strings.NewReplacer("%%", "%", `", "`, " ", `"]`, " server", `" combined`, "")
	recipes := strings.ReplaceAll(readme(t, "Recipes"), "\\\n", " ")
	commands := regexp.MustCompile(`(?m)^[^$\n]*\blogreel((?: |", ").*/.*)$`).FindAllStringSubmatch(recipes, -1)
	if len(commands) < 14 {
		t.Fatalf("got %d recipes", len(commands))
	}
	for _, c := range commands {
		command := "logreel --preview " + read.Replace(c[1])
		if !strings.Contains(run(t, "sh", "-c", command), "/var/log") {
			t.Errorf("%s prints no file", command)
		}
	}
}

// The recipe for a file of errors takes what Django and gunicorn log.
func TestReadmeErrors(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	_, command, _ := strings.Cut(readme(t, "Recipes"), "\nlogreel --keep-age")
	command, rest, found := strings.Cut(command, "gunicorn --access-logfile=- shop.wsgi\n")
	if !found {
		t.Fatalf("no such recipe: %s", rest)
	}
	django, gunicorn, access := manualSamples["Python, date in front"], manualSamples["gunicorn"], manualSamples["its access log"]
	var all string
	for i := range 3 {
		all += django[i] + gunicorn[i] + access[i]
	}
	d.put("all", all)
	run(t, "sh", "-c", "logreel --keep-age"+strings.ReplaceAll(command, "/var/log/shop", d.dir)+"cat "+d.at("all"))
	d.expect("error-*.log", django[1]+gunicorn[1])
	d.expect("2*.log", strings.ReplaceAll(all, access[0], ""))
}

// So are the flags that stand beside those of other rotators.
func TestReadmeMoving(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^.* \\| `(--[^`]*)` \\|$").FindAllStringSubmatch(readme(t, "Moving from another rotator"), -1)
	if len(rows) < 9 {
		t.Fatalf("got %d rows", len(rows))
	}
	for _, row := range rows {
		flags := row[1]
		if !strings.Contains(flags, "FILE") {
			flags += " FILE_%F"
		}
		if !strings.Contains(run(t, "sh", "-c", "logreel --preview "+flags), "FILE") {
			t.Errorf("%s prints no file", flags)
		}
	}
}

// Who follows one name, such as tail -F, gets every line across switches, when that name is
// the hard link.
func TestReadmeTail(t *testing.T) {
	t.Parallel()
	need(t, "tail")
	p := start(t, "--size=1M", "--hard-link=app.log", "x.log")
	p.write("line 0")
	follower := p.startProgram("tail", "--lines=+1", "-F", "app.log")
	for n := range 5 {
		if n > 0 {
			p.signal(syscall.SIGALRM)
			p.says(fmt.Sprint("writing x.log.", n))
			p.write(fmt.Sprint("line ", n))
		}
		if got := follower.copies("line"); got != fmt.Sprint("line ", n) {
			t.Fatalf("tail has %q after line %d", got, n-1)
		}
	}
	p.end()
}
