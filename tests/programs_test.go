package tests

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// python is Debian's, which has Django; PATH may lead to another one.
const python = "/usr/bin/python3"

// need skips the test where a program is missing.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is missing", p)
		}
	}
}

// needs is need for programs of which it says in what package of Debian's they are. They
// may lie where only root's PATH leads.
func needs(t *testing.T, packages map[string]string) {
	t.Helper()
	for program, name := range packages {
		if _, err := os.Stat("/usr/sbin/" + program); err == nil {
			continue
		}
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v; install %s (Debian)", err, name)
		}
	}
}

// needDjango skips the test if Debian's Python has no Django.
func needDjango(t *testing.T) {
	t.Helper()
	needs(t, map[string]string{python: "python3"})
	if out, err := try(python, "-c", "import django"); err != nil {
		t.Skipf("%v %s; install python3-django (Debian)", err, out)
	}
}

// pythonPath returns the directory of the Python programs.
func pythonPath(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("python")
	must(t, err)
	return dir
}

// testEnv is the environment of what the tests start.
func testEnv(pythonPath string) []string {
	return append(os.Environ(), "TZ=UTC", "PYTHONPATH="+pythonPath, "PYTHONDONTWRITEBYTECODE=1")
}

// try runs a command, and returns all that it says.
func try(name string, args ...string) (said string, err error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
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
