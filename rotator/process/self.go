package process

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Self returns the path of this program, to start it once more.
func Self() (string, error) {
	const self = "/proc/self/exe" // which is still there after an upgrade
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}

// StartSelf starts this program once more, with nothing to read and our standard error for
// all that it prints. The descriptors become 3, 4 and so on.
func StartSelf(args []string, descriptors ...int) (pid int, err error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	defer unix.Close(null)
	files := []uintptr{uintptr(null), 2, 2}
	for _, fd := range descriptors {
		files = append(files, uintptr(fd))
	}
	program, err := Self()
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec(program, append([]string{"logreel"}, args...), &syscall.ProcAttr{Env: os.Environ(), Files: files})
	if err != nil {
		return 0, &fs.PathError{Op: "start", Path: program, Err: err}
	}
	return pid, nil
}

// MayStartSelf returns an error if this process has no right to start this program.
func MayStartSelf() error {
	self, err := Self()
	if err == nil && unix.Access(self, unix.X_OK) == unix.EACCES {
		name, _ := os.Executable() // only for the message
		return fmt.Errorf("may not run %s, which hooks and finished files need; make it executable for all", name)
	}
	return err
}
