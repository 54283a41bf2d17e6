package process

import (
	"fmt"
	"os"

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

// MayStartSelf returns an error if this process has no right to start this program.
func MayStartSelf() error {
	self, err := Self()
	if err == nil && unix.Access(self, unix.X_OK) == unix.EACCES {
		name, _ := os.Executable() // only for the message
		return fmt.Errorf("may not run %s, which looks after finished files; make it executable for all", name)
	}
	return err
}
