package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What Linux's /proc tells of processes, proc(5).

func needProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skipf("needs Linux's /proc: %v", err)
	}
}

// ofProcess returns a file of a process; empty when it has ended.
func ofProcess(pid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text)
}

// processes returns all processes.
func processes(t *testing.T) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	must(t, err)
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// awaitNumber waits for a line in a file, and returns its last word, a process.
func (d *folder) awaitNumber(name string) int {
	d.t.Helper()
	eventually(d.t, "a line in "+name, func() bool { return strings.HasSuffix(d.content(name), "\n") })
	return lastNumber(d.t, strings.TrimSpace(d.read(name)))
}

// lastNumber returns the last word of a line, a process.
func lastNumber(t *testing.T, line string) int {
	t.Helper()
	n, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1:])
	must(t, err)
	return n
}

// statOf returns what /proc/PID/stat has after the name: state, parent and so on; nil
// for a process that is gone.
func statOf(pid int) []string {
	text := ofProcess(pid, "stat")
	if text == "" {
		return nil
	}
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name may hold anything
}

// stateOf returns the letter that ps has for a process; empty for one that is gone.
func stateOf(pid int) string {
	if s := statOf(pid); s != nil {
		return s[0]
	}
	return ""
}

// parentOf returns the parent of a process.
func parentOf(t *testing.T, pid int) int {
	t.Helper()
	s := statOf(pid)
	if s == nil {
		t.Fatalf("process %d is gone", pid)
	}
	parent, err := strconv.Atoi(s[1])
	must(t, err)
	return parent
}

// childrenOf returns the children of a process, zombies too.
func childrenOf(t *testing.T, parent int) (pids []int) {
	t.Helper()
	for _, pid := range processes(t) {
		if s := statOf(pid); s != nil && s[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// children returns the running children of a process.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	for _, pid := range childrenOf(t, parent) {
		if s := stateOf(pid); s != "Z" && s != "" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// archiverOf returns the process that looks after finished files for a logreel; 0 for none.
func archiverOf(t *testing.T, parent int) int {
	t.Helper()
	for _, pid := range childrenOf(t, parent) {
		if strings.HasPrefix(ofProcess(pid, "cmdline"), "logreel\x00--archive\x00") {
			return pid
		}
	}
	return 0
}

// markEnv in the environment marks the processes that a test has started, and those which
// they start.
const markEnv = "LOGREEL_TEST_MARK"

// marked returns the processes that have the mark.
func marked(t *testing.T, mark string) (pids []int) {
	t.Helper()
	for _, pid := range processes(t) {
		if strings.Contains(ofProcess(pid, "environ"), markEnv+"="+mark+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill kills a process.
func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }

// killMarked kills the processes that have the mark.
func killMarked(t *testing.T, mark string) {
	t.Helper()
	for _, pid := range marked(t, mark) {
		if err := kill(pid); err != nil && err != syscall.ESRCH {
			t.Errorf("kill %d: %v", pid, err)
		}
	}
}

// awaitNoneMarked waits for the end of all processes that have the mark.
func awaitNoneMarked(t *testing.T, mark string) {
	t.Helper()
	eventually(t, "the end of all processes", func() bool { return len(marked(t, mark)) == 0 })
}

// awaitGone waits until a process that the test has to do with has ended.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	gone := func() bool { s := stateOf(pid); return s == "" || s == "Z" }
	defer func() {
		if !gone() {
			_ = kill(pid) // the test has failed
		}
	}()
	eventually(t, fmt.Sprintf("the end of process %d", pid), gone)
}

// anyOf reports whether one of the processes is among others.
func anyOf(pids, others []int) bool {
	return slices.ContainsFunc(pids, func(pid int) bool { return slices.Contains(others, pid) })
}

// openFiles returns where the descriptors of a process lead.
func openFiles(t *testing.T, pid int) map[int]string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	must(t, err)
	files := map[int]string{}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		must(t, err)
		// A file may have been closed meanwhile.
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil {
			files[fd] = target
		}
	}
	return files
}

// streams returns the sockets and pipes that a process has open, but for its standard
// streams.
func streams(t *testing.T, pid int) map[int]string {
	t.Helper()
	open := openFiles(t, pid)
	for fd, target := range open {
		if fd <= 2 || !strings.HasPrefix(target, "socket:") && !strings.HasPrefix(target, "pipe:") {
			delete(open, fd)
		}
	}
	return open
}

// memory returns a number of kB of /proc/PID/status, such as VmRSS; 0 when the process has
// ended. VmHWM is the most it has had: what wait4 tells after its end would count the
// test's own, of before exec.
func memory(pid int, name string) (kB int) {
	_, rest, _ := strings.Cut(ofProcess(pid, "status"), "\n"+name+":")
	fmt.Sscan(rest, &kB)
	return kB
}

// cpuTime returns what a process has taken without its children, which Wait adds.
func cpuTime(t *testing.T, pid int) (sum time.Duration) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	must(t, err)
	for _, thread := range threads {
		nanoseconds, _, _ := strings.Cut(readFile(t, thread), " ")
		n, err := strconv.ParseInt(nanoseconds, 10, 64)
		must(t, err)
		sum += time.Duration(n)
	}
	return sum
}

// nobodyIn reports whether a directory is no process's working directory.
func nobodyIn(dir string) bool {
	found, _ := filepath.Glob("/proc/[0-9]*/cwd")
	return !slices.ContainsFunc(found, func(path string) bool {
		at, err := os.Readlink(path)
		return err == nil && at == dir
	})
}
