package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// aStart is how long a server takes at the most to go into the background.
const aStart = 10 * time.Second

// Background returns a process that the command has left behind as servers do that go into
// the background: in a session of its own, which began after the command, and handed on to
// who takes orphans. It is 0 if there is none, or if the command has failed or has run
// for longer than that takes. Nothing tells for sure whose child an orphan was, so it has to
// resemble the command.
func (c *Command) Background() (pid int, name string) {
	self, err := readProcess(os.Getpid())
	if err != nil || c.Wait() != 0 || time.Since(c.began) > aStart {
		return 0, ""
	}
	reapers := []int{self.pid, 1} // and a user's systemd
	for p, err := readProcess(self.parent); err == nil && p.parent > 0; p, err = readProcess(p.parent) {
		if p.name == "systemd" {
			reapers = append(reapers, p.pid)
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, ""
	}
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		p, err := readProcess(number)
		if err != nil || p.ending || p.session == c.session || p.session == self.session ||
			p.started < self.started || !slices.Contains(reapers, p.parent) {
			continue
		}
		if c.resembles(p) {
			return p.pid, p.name
		}
	}
	return 0, ""
}

// resembles reports whether a process has the environment of the command, but for what
// shells set; or is in our directory, if it shows its title in the place of that.
func (c *Command) resembles(p processStat) bool {
	theirs, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	if err != nil {
		return false
	}
	variables := strings.Split(string(theirs), "\x00")
	if !slices.ContainsFunc(variables, func(v string) bool { return strings.HasPrefix(v, "PATH=") }) {
		here, failed := os.Getwd()
		there, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.pid))
		return errors.Join(failed, err) == nil && here == there
	}
	return !slices.ContainsFunc(c.environment, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return !slices.Contains([]string{"_", "OLDPWD", "PWD", "SHLVL"}, name) && !slices.Contains(variables, v)
	})
}

// A processStat is what /proc/PID/stat says of a process (proc(5)).
type processStat struct {
	pid, parent, session int
	started              uint64 // in ticks since the system was booted
	name                 string
	ending               bool // it has no memory any more
}

func readProcess(pid int) (p processStat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if err != nil || open < 0 || end < open {
		return p, errors.Join(err, errors.ErrUnsupported)
	}
	p.pid, p.name = pid, string(text[open+1:end])
	fields := bytes.Fields(text[end+1:])
	const parent, session, started, memory = 1, 3, 19, 20
	if len(fields) <= memory {
		return p, errors.ErrUnsupported
	}
	p.ending = string(fields[memory]) == "0"
	p.parent, err = strconv.Atoi(string(fields[parent]))
	if err == nil {
		p.session, err = strconv.Atoi(string(fields[session]))
	}
	if err == nil {
		p.started, err = strconv.ParseUint(string(fields[started]), 10, 64)
	}
	return p, err
}
