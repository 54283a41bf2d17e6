package archive

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Flag is the flag that starts this program as the process of a pass. After it comes the
// archiver's own command line.
const Flag = "--archive"

// FlagFirst says that the pass is the first one of the archiver.
const FlagFirst = "--archive-first"

// parent is the descriptor that leads from that process to the archiver. When either of
// the two has ended, the other sees the end of input.
const parent = 3

// lastLine is what that process sends before it ends by itself, rather than by a signal.
const lastLine = ""

// Child makes one pass for an archiver and returns. It is the whole work of a process:
// it takes the lowest priority, and ends early when the archiver has ended.
func Child(c Config) {
	unix.CloseOnExec(parent)
	lowerPriority()
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, descriptor(parent))
		close(stop)
	}()
	c.Stop = stop
	tell := toParent("")
	c.Messages.Say, c.Messages.Detail, c.Messages.Warn = tell, tell, toParent("warning: ")
	c.report = func(r report) { tell("%v", r) }
	Run(c)
	tell(lastLine)
}

// lowerPriority makes this process run only when no other wants to, and on one processor.
func lowerPriority() {
	runtime.GOMAXPROCS(1)
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks { // new threads inherit it from those that start them
		var thread int
		if _, err := fmt.Sscan(task.Name(), &thread); err == nil {
			lowestPriority(thread)
		}
	}
	lowestPriority(0)
}

// toParent returns a function that sends a message to the archiver.
func toParent(kind string) func(format string, args ...any) {
	return func(format string, args ...any) {
		line := kind + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ") + "\n"
		// Without an archiver there is nobody to tell.
		_, _ = unix.Write(parent, []byte(line))
	}
}
