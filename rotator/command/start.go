package command

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/process"
)

// PIDFlag is the flag that starts this program as the process that becomes the command,
// where that is to find its own number in the environment. [Become] is for what follows.
const PIDFlag = "--command-pid"

// systemd names with these the process that a listening socket or a watchdog is for
// (sd_listen_fds(3), sd_watchdog_enabled(3)).
var pidVariables = []string{"LISTEN_PID", "WATCHDOG_PID"}

// start starts a program. One without a first line that names its interpreter is run by
// sh, as execvp(3) does it.
func start(path string, arguments []string, attributes *syscall.ProcAttr) (pid int, err error) {
	starter := syscall.ForkExec
	ours := strconv.Itoa(os.Getpid())
	if slices.ContainsFunc(pidVariables, func(name string) bool { return os.Getenv(name) == ours }) {
		starter = startNamed
	}
	pid, err = starter(path, arguments, attributes)
	if errors.Is(err, syscall.ENOEXEC) && script(path) {
		pid, err = starter("/bin/sh", append([]string{"sh", path}, arguments[1:]...), attributes)
	}
	return pid, err
}

// startNamed starts a program in whose environment the variables that name our process
// name its own. Only that process knows its number before the program begins, so it is
// this program first.
func startNamed(path string, arguments []string, attributes *syscall.ProcAttr) (pid int, err error) {
	self, err := process.Self()
	if err != nil {
		return 0, err
	}
	var failure [2]int // on which it says why the program cannot be run
	if err := unix.Pipe(failure[:]); err != nil {
		return 0, os.NewSyscallError("pipe", err)
	}
	unix.CloseOnExec(failure[0]) // the other end is for it, under whichever number is free
	defer unix.Close(failure[0])
	first := []string{"logreel", PIDFlag, strconv.Itoa(failure[1]), strconv.Itoa(os.Getpid()), path}
	pid, err = syscall.ForkExec(self, append(first, arguments...), attributes)
	_ = unix.Close(failure[1])
	if err != nil {
		return 0, os.NewSyscallError("start of "+self, err)
	}
	var number [16]byte
	n := 0
	for n, err = unix.Read(failure[0], number[:]); err == unix.EINTR; n, err = unix.Read(failure[0], number[:]) {
	}
	if n <= 0 {
		return pid, nil // the pipe was closed when the program began
	}
	for _, err = syscall.Wait4(pid, nil, 0, nil); err == syscall.EINTR; _, err = syscall.Wait4(pid, nil, 0, nil) {
	}
	errno, err := strconv.Atoi(string(number[:n]))
	if err != nil {
		return 0, err
	}
	return 0, syscall.Errno(errno)
}

// Become makes this process the program that startNamed is to start. It returns only if
// that fails, when there is nobody to tell but who waits in startNamed.
func Become(arguments []string) {
	if len(arguments) < 4 {
		return
	}
	failure, err := strconv.Atoi(arguments[0])
	if err != nil {
		return
	}
	unix.CloseOnExec(failure)
	path, arguments, theirs := arguments[2], arguments[3:], arguments[1]
	var environment []string
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case slices.Contains(pidVariables, name) && value == theirs:
			variable = name + "=" + strconv.Itoa(os.Getpid())
		case name == "LISTEN_PIDFDID" && os.Getenv("LISTEN_PID") == theirs:
			continue // names our process as well, and may be left out
		}
		environment = append(environment, variable)
	}
	var errno syscall.Errno
	if errors.As(syscall.Exec(path, arguments, environment), &errno) {
		_, _ = unix.Write(failure, []byte(strconv.Itoa(int(errno))))
	}
}
