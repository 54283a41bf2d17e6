package process

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ownThreads is how many threads this process has when all is started. So many were
// needed in 2026, with Go 1.26.
const ownThreads = 10

// leastSpace is how much address space the runtime has to be able to reserve, of which it
// uses little, on a processor of 64 bits: with less it may end at any time, and before
// anything of ours runs. So much was needed in 2026, with Go 1.26.
const leastSpace = 7 << 28

// CheckLimits returns an error if a limit of this process is so small that the runtime would
// end it, in a way that nobody understands.
func CheckLimits() error {
	if err := checkSpace(); err != nil {
		return err
	}
	return checkThreads()
}

// checkSpace returns an error if the limit on address space is too small.
func checkSpace() error {
	var limit unix.Rlimit
	if strconv.IntSize < 64 || unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil || limit.Cur >= leastSpace {
		return nil
	}
	return fmt.Errorf("the limit on address space (ulimit -v, LimitAS=) is %d KiB; logreel needs %d, of which it uses little", limit.Cur>>10, leastSpace>>10)
}

// checkThreads returns an error if the limit on the user's processes, which counts threads,
// leaves too few for this process: the runtime ends a process that cannot have a thread, in
// a way that nobody understands. A limit that is hardly ever reached is not looked at.
func checkThreads() error {
	const small = 1000
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NPROC, &limit) != nil || limit.Cur > small || os.Getuid() == 0 {
		return nil // root has no such limit (setrlimit(2))
	}
	if others := otherThreads(); others+ownThreads > int(min(limit.Cur, math.MaxInt32)) {
		return fmt.Errorf("the limit on processes (ulimit -u, LimitNPROC=) is %d; logreel needs %d beside the %d of this user", limit.Cur, ownThreads, others)
	}
	return nil
}

// otherThreads returns how many threads count for the limit of this user besides our own:
// those of the user's processes that are in our user namespace, as far as they can be seen.
func otherThreads() (threads int) {
	paths, _ := filepath.Glob("/proc/[0-9]*") // there are none without /proc
	ours, _ := os.Readlink("/proc/self/ns/user")
	for _, path := range paths {
		if path == "/proc/"+strconv.Itoa(os.Getpid()) {
			continue
		}
		if namespace, err := os.Readlink(path + "/ns/user"); err == nil && namespace == ours {
			threads += threadsOf(path)
		}
	}
	return threads
}

// threadsOf returns how many threads a process has, if it is of our user.
func threadsOf(path string) (threads int) {
	status, err := os.Open(path + "/status")
	if err != nil {
		return 0
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		switch {
		case len(fields) == 0:
		case name == "Uid" && fields[0] != strconv.Itoa(os.Getuid()):
			return 0
		case name == "Threads":
			threads, _ = strconv.Atoi(fields[0])
		}
	}
	return threads
}
