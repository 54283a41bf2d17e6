// Package tests holds what needs the built program: scripts, real servers, faults
// and packages.
package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// logreel is the path of the program under test: what LOGREEL in the environment
// names, else built by TestMain.
var logreel string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if logreel = os.Getenv("LOGREEL"); logreel != "" {
		return runWith(m, filepath.Dir(logreel))
	}
	dir, err := os.MkdirTemp("", "logreel-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Users that tests switch to must be able to run it.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	logreel = filepath.Join(dir, "logreel")
	build := exec.Command("go", "build", "-o", logreel, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the packages have it
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building logreel:", err)
		return 1
	}
	return runWith(m, dir)
}

// runWith runs the tests with the program's directory on PATH.
func runWith(m *testing.M, dir string) int {
	if err := os.Setenv("PATH", dir+":"+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
