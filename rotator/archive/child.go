package archive

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Flag is the flag of the command line that makes a process the one of a pass. Beside it
// there is the attendant's own command line.
const Flag = "--archive"

// parent is the descriptor of that process that leads to the attendant. When the one has
// ended, the other sees the end of input.
const parent = 3

// lastLine is what it sends when it comes to its end by itself, rather than by a signal.
const lastLine = ""

// Child makes one pass for an attendant and returns. It is the whole work of a process:
// it takes the lowest priority, and ends early when the attendant has ended.
func Child(c Config) {
	unix.CloseOnExec(parent)
	yield()
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, descriptor(parent))
		close(stop)
	}()
	c.Stop = stop
	c.Voice.Say, c.Voice.Detail, c.Voice.Warn = speak(""), speak(""), speak("warning: ")
	Run(c)
	speak("")(lastLine)
}

// yield has this process run when no other wants to, on one processor.
func yield() {
	runtime.GOMAXPROCS(1)
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks { // threads to come are like those that start them
		var thread int
		if _, err := fmt.Sscan(task.Name(), &thread); err == nil {
			lowest(thread)
		}
	}
	lowest(0)
}

// speak returns a function that sends a message to the attendant.
func speak(kind string) func(format string, args ...any) {
	return func(format string, args ...any) {
		line := kind + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ") + "\n"
		// Without an attendant there is nobody to tell.
		_, _ = unix.Write(parent, []byte(line))
	}
}
