package hook

import (
	"bufio"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/messages"
)

// most is how many commands run at once. Those for more files wait for one of them to end.
const most = 16

// order returns the line that asks for a run of the command.
func order(path, before string) string {
	line := strconv.Quote(path)
	if before != "" {
		line += " " + strconv.Quote(before)
	}
	return line + "\n"
}

// parseOrder returns the files of such a line.
func parseOrder(line string) (files []string) {
	for {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return files
		}
		file, _ := strconv.Unquote(quoted)
		files = append(files, file)
		if len(line) == len(quoted) {
			return files
		}
		line = line[len(quoted)+1:]
	}
}

// Run runs the command for files, as an [Opener] asks for them, and returns when that has
// ended and all commands have. It is the whole work of a process.
func Run(c Command, printer messages.Printer) {
	unix.CloseOnExec(parent)
	orders := make(chan []string)
	go func() {
		for lines := bufio.NewScanner(os.NewFile(parent, "parent")); lines.Scan(); {
			orders <- parseOrder(lines.Text())
		}
		close(orders)
	}()
	r := &runner{command: c, messages: printer, ended: make(chan result), fault: messages.Fault{Printer: printer}}
	for orders != nil || r.running > 0 {
		select {
		case files, more := <-orders:
			if !more {
				orders = nil
				continue
			}
			r.waiting = append(r.waiting, files)
		case result := <-r.ended:
			r.running--
			r.note(result)
		}
		r.start()
	}
}

// A runner runs the command for files.
type runner struct {
	command  Command
	messages messages.Printer
	// waiting are the files for which the command is yet to be run.
	waiting [][]string
	running int
	ended   chan result
	fault   messages.Fault
	// begun is how many were begun, and failed the number of the last that failed.
	begun, failed int
}

// A result is how the command ended for a file.
type result struct {
	file   string
	number int // in the order in which they were begun
	err    error
}

// start starts the command for files that wait, the oldest first.
func (r *runner) start() {
	for ; len(r.waiting) > 0 && r.running < most; r.waiting = r.waiting[1:] {
		files := r.waiting[0]
		r.messages.Detail("--exec-open: %s", files[0])
		r.begun++
		result := result{file: files[0], number: r.begun}
		var process *Process
		if process, result.err = r.command.Start([]string{"LOGREEL_FILE=" + files[0]}, files...); result.err != nil {
			r.note(result)
			continue
		}
		r.running++
		go func() {
			result.err = process.Wait(nil)
			r.ended <- result
		}()
	}
}

// note reports that the command has failed, once until it works again.
func (r *runner) note(result result) {
	if result.err == nil {
		if result.number > r.failed {
			r.fault.End(time.Now(), "")
		}
		return
	}
	r.failed = max(r.failed, result.number)
	r.fault.Begin(time.Now(), &fs.PathError{Op: "--exec-open:", Path: result.file, Err: result.err}, "it is not run again for that file")
}
