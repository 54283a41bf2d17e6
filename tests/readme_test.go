package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The first command of the README does what the README says.
func TestReadmeTry(t *testing.T) {
	t.Parallel()
	input, err := os.ReadFile("/var/log/dpkg.log")
	if err != nil || len(input) == 0 {
		t.Skip("no /var/log/dpkg.log here: not Debian")
	}
	_, rest, _ := strings.Cut(readFile(t, "../README.md"), "## Try it")
	_, rest, _ = strings.Cut(rest, "```sh\n")
	command, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no command under \"Try it\"")
	}
	dir := t.TempDir()
	command = strings.ReplaceAll(command, "/tmp/logreel-try", dir)
	sh := exec.Command("sh", "-c", command)
	sh.Dir = ".."
	if out, err := sh.CombinedOutput(); err != nil || !strings.Contains(string(out), "latest -> ") {
		t.Fatalf("%v: %s", err, out)
	}
	if got := readFile(t, filepath.Join(dir, "latest")); !strings.HasPrefix(string(input), got[:min(len(got), len(input))]) {
		t.Error("the file is not the input")
	}
}

// The transcript of --preview in the README is what it prints.
func TestReadmePreview(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(readFile(t, "../README.md"), "$ logreel --preview")
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
	_, rest, _ := strings.Cut(readFile(t, "../README.md"), "## Recipes")
	recipes, _, _ := strings.Cut(rest, "In uWSGI,")
	commands := regexp.MustCompile("logreel ([^`]*)`").FindAllStringSubmatch(recipes, -1)
	if len(commands) < 15 {
		t.Fatalf("got %d recipes", len(commands))
	}
	for _, c := range commands {
		command := "logreel --preview " + strings.ReplaceAll(c[1], "%%", "%")
		if command, _, _ = strings.Cut(command, `" combined`); strings.Contains(run(t, "sh", "-c", command), "/var/log") {
			continue
		}
		t.Errorf("%s prints no file", command)
	}
}
