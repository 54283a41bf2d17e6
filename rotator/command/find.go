package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Exit statuses of a command that could not be started, as a shell has them.
const (
	StatusNotFound      = 127
	StatusNotExecutable = 126
)

// defaultPath is where the C library looks for programs when PATH is not set.
const defaultPath = "/bin:/usr/bin"

// A StartError says why a command could not be started.
type StartError struct {
	status int
	err    error
}

func (e *StartError) Error() string { return e.err.Error() }
func (e *StartError) Unwrap() error { return e.err }

// ExitStatus returns the exit status that a shell has for it.
func (e *StartError) ExitStatus() int { return e.status }

// find returns the path of a program, as execvp(3) finds it. One that has a slash is not
// looked for: whoever starts it is told what is wrong with it.
func find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	list, set := os.LookupEnv("PATH")
	where := "PATH"
	if !set {
		list, where = defaultPath, defaultPath+", and PATH is not set"
	}
	failure := &StartError{StatusNotFound, fmt.Errorf("%s: not found in %s", spelled(name), where)}
	for _, dir := range strings.Split(list, ":") {
		path := filepath.Join(dir, name) // an empty dir is the current one
		info, err := os.Stat(path)
		if name == "" || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) == nil {
			return path, nil
		}
		failure = &StartError{StatusNotExecutable, fmt.Errorf("%s: %w", name, fs.ErrPermission)}
	}
	return "", failure
}

// spelled returns a name that can be seen.
func spelled(name string) string {
	if name == "" {
		return `""`
	}
	return name
}

// script reports whether a file that the system cannot run may be a script without a
// first line that names its interpreter: sh runs these (execvp(3)). In the first line of
// a binary there is a zero byte.
func script(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 256)
	n, _ := f.Read(start)
	line, _, _ := bytes.Cut(start[:n], newline)
	return !bytes.Contains(line, []byte{0})
}

var newline = []byte{'\n'}

// startError returns why a program with a path cannot be run.
func startError(path string, err error) error {
	status := StatusNotExecutable
	if errors.Is(err, fs.ErrNotExist) {
		status = StatusNotFound
		if _, there := os.Stat(path); there == nil {
			err = errors.New("its interpreter, which its first line names, is not found")
		}
	}
	return &StartError{status, fmt.Errorf("%s: %w", path, err)}
}
