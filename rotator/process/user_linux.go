package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// giveUpCapabilities empties the sets of capabilities of all threads, which the change of
// user leaves as they are where securebits say so (capabilities(7)), and looks at what
// each thread has then.
func (u *User) giveUpCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	// Where the program is linked with C this is refused, and what counts is what is left.
	_, _, _ = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	tasks, err := os.ReadDir("/proc/self/task")
	if errors.Is(err, os.ErrNotExist) { // without /proc the kernel has to be believed
		return nil
	}
	if err != nil {
		return err
	}
	for _, task := range tasks {
		if err := u.checkThread("/proc/self/task/" + task.Name() + "/status"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkThread returns an error if a thread is still more than the user.
func (u *User) checkThread(path string) error {
	status, err := os.Open(path)
	if err != nil {
		return err
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		others := func(ids ...int) bool {
			return slices.ContainsFunc(fields, func(field string) bool {
				id, err := strconv.Atoi(field)
				return err != nil || !slices.Contains(ids, id)
			})
		}
		left := false
		switch name {
		case "Uid":
			left = others(u.UID)
		case "Gid":
			left = others(u.GID)
		case "Groups":
			left = others(u.Groups...)
		case "CapInh", "CapPrm", "CapEff", "CapAmb":
			left = strings.Trim(value, "\t 0") != ""
		}
		if left {
			return fmt.Errorf("the system has left %s of root: %s (capabilities(7)); a logreel built with CGO_ENABLED=0 gives all up", name, strings.TrimSpace(value))
		}
	}
	return lines.Err()
}
