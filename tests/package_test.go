package tests

import (
	"bytes"
	"debug/buildinfo"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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
	// Text that is wrapped may begin with an option as well, but further right.
	var helped []string
	for _, m := range regexp.MustCompile(`(?m)^ {2,6}(?:(-[a-zA-Z]), )?(--\S+)`).FindAllStringSubmatch(run(t, logreel, "--help"), -1) {
		for _, option := range m[1:] {
			if option != "" {
				helped = append(helped, strings.TrimSuffix(option, "[=N]"))
			}
		}
	}
	if len(helped) == 0 {
		t.Fatal("--help shows no options")
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
// "Fl -owner Ns = Ns Ar user Ns Op : Ns Ar group". The number of --preview is
// optional, which --help has no way to show.
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
	name, value, hasValue := strings.Cut(strings.TrimSuffix(option+closing, "[=n]"), "=")
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
		out, err := exec.Command(logreel, "--preview=1", "--every=never", "x"+field).CombinedOutput()
		if taken := err == nil; taken != documented {
			t.Errorf("%s: in the manual: %v, taken: %v\n%s", field, documented, taken, out)
		}
	}
}

func TestManualLint(t *testing.T) {
	t.Parallel()
	need(t, "mandoc")
	if out, err := exec.Command("mandoc", "-Tlint", "-W", "warning", manual).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

// The packages pass on the copyright of every module that is compiled in.
func TestCopyright(t *testing.T) {
	t.Parallel()
	info, err := buildinfo.ReadFile(logreel)
	if err != nil {
		t.Fatal(err)
	}
	passedOn := readFile(t, "../packaging/copyright")
	notice := regexp.MustCompile(`(?mi)^\s*copyright (?:\(c\) )?(\d.*?)\.?$`)
	for _, module := range info.Deps {
		dir := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", module.Path))
		var licence string
		for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				licence = string(text)
			}
		}
		m := notice.FindStringSubmatch(licence)
		if m == nil {
			t.Errorf("%s: no copyright found in %s", module.Path, dir)
			continue
		}
		want := "Files: vendor/" + module.Path + "/*\nCopyright: " + m[1] + "\n"
		if !strings.Contains(passedOn, want) {
			t.Errorf("packaging/copyright lacks:\n%s", want)
		}
	}
}

// packaged is what both packages install.
var packaged = []string{
	"/usr/bin/logreel",
	"/usr/share/doc/logreel/README.md",
	"/usr/share/doc/logreel/changelog.gz",
	"/usr/share/doc/logreel/copyright",
	"/usr/share/man/man1/logreel.1.gz",
}

func TestPackages(t *testing.T) {
	t.Parallel()
	need(t, "bash")
	dist := t.TempDir()
	m := regexp.MustCompile(`(?m)^## (\S+) - `).FindStringSubmatch(readFile(t, "../CHANGELOG.md"))
	if m == nil {
		t.Fatal("CHANGELOG.md names no version")
	}
	version := m[1]
	deb, rpm := buildPackages(t, dist)

	t.Run("reproducible", func(t *testing.T) {
		again, rpmAgain := buildPackages(t, t.TempDir())
		for first, second := range map[string]string{deb: again, rpm: rpmAgain} {
			if readFile(t, first) != readFile(t, second) {
				t.Errorf("%s: another build made other bytes", filepath.Base(first))
			}
		}
	})
	t.Run("deb", func(t *testing.T) {
		need(t, "dpkg", "dpkg-deb")
		for field, want := range map[string]string{"Package": "logreel", "Version": version, "Depends": ""} {
			if got := strings.TrimSpace(run(t, "dpkg-deb", "-f", deb, field)); got != want {
				t.Errorf("%s: got %q, want %q", field, got, want)
			}
		}
		root, admin := t.TempDir(), t.TempDir()
		for _, dir := range []string{"info", "updates", "triggers"} {
			if err := os.Mkdir(filepath.Join(admin, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(admin, "status"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		dpkg := func(args ...string) {
			t.Helper()
			run(t, "dpkg", append([]string{"--instdir=" + root, "--admindir=" + admin, "--log=" + filepath.Join(admin, "log"),
				"--force-not-root", "--force-bad-path", "--force-script-chrootless",
				// Images of containers leave out documentation.
				"--path-include=/usr/share/*"}, args...)...)
		}
		dpkg("-i", deb)
		checkInstalled(t, root, version, append(slices.Clone(packaged), "/usr/share/lintian/overrides/logreel"))
		dpkg("-P", "logreel")
		checkInstalled(t, root, version, nil)
	})
	t.Run("rpm", func(t *testing.T) {
		need(t, "rpm")
		if os.Geteuid() != 0 {
			t.Skip("rpm --root needs root, to change the root directory")
		}
		run(t, "rpm", "-K", "--nosignature", rpm)
		if got := run(t, "rpm", "-qp", "--nosignature", "--qf", "%{NAME} %{VERSION} %{RELEASE}", rpm); got != "logreel "+version+" 1" {
			t.Errorf("got %q", got)
		}
		root := t.TempDir()
		database := filepath.Join(root, "database")
		in := []string{"--root", root, "--dbpath", "/database"}
		if _, err := os.Stat("/etc/debian_version"); err == nil {
			in = append(in, "--force-debian") // its rpm refuses to install otherwise
		}
		if err := os.Mkdir(database, 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, "rpm", append(in, "-i", "--nodeps", "--nosignature", rpm)...)
		checkInstalled(t, root, version, packaged)
		run(t, "rpm", append(in, "-e", "--nodeps", "logreel")...)
		checkInstalled(t, root, version, nil)
	})
}

// buildPackages makes the packages of this machine's architecture.
func buildPackages(t *testing.T, dist string) (deb, rpm string) {
	t.Helper()
	build := exec.Command("../packaging/build")
	build.Env = append(os.Environ(), "DIST="+dist)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("packaging/build: %v\n%s", err, out)
	}
	one := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(dist, pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		return found[0]
	}
	return one("logreel_*.deb"), one("logreel-*.rpm")
}

// checkInstalled checks that root holds exactly these files, apart from the
// package manager's, and that the program among them works.
func checkInstalled(t *testing.T, root, version string, want []string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		switch {
		case name == "/database":
			return fs.SkipDir
		case !d.IsDir(), want == nil && d.Name() == "logreel":
			got = append(got, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Sorted(slices.Values(want))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("installed:\n got %q\nwant %q", got, want)
	}
	if len(want) == 0 {
		return
	}
	program := filepath.Join(root, "usr/bin/logreel")
	if got := run(t, program, "--version"); got != "logreel "+version+"\n" {
		t.Errorf("--version: got %q", got)
	}
	log := filepath.Join(t.TempDir(), "app.log")
	pipe := exec.Command(program, "--every=never", log)
	pipe.Stdin = strings.NewReader("a line\n")
	if out, err := pipe.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", pipe, err, out)
	}
	if got := readFile(t, log); got != "a line\n" {
		t.Errorf("the log holds %q", got)
	}
}

// need skips the test where a program is missing.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is missing", p)
		}
	}
}

// run runs a command that is to succeed, and returns what it prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", c, err, &stdout, &stderr)
	}
	return stdout.String()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
