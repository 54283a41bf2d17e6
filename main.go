// One goroutine reads and writes, so the number of processors does not matter; to watch
// that number, the runtime would keep two descriptors open.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Logreel reads lines from standard input and writes them into files named by a
// strftime pattern. It goes on to the next file when the pattern's period is over.
//
//	gunicorn shop.wsgi 2>&1 | logreel '/var/log/shop/%Y-%m-%d.log'
//
// The manual is packaging/logreel.1.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/command"
	"github.com/logreel/logreel/rotator/flags"
	"github.com/logreel/logreel/rotator/hook"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/preview"
	"github.com/logreel/logreel/rotator/process"
	"github.com/logreel/logreel/rotator/record"
	"github.com/logreel/logreel/rotator/relay"
	"github.com/logreel/logreel/rotator/version"
)

// statusFailed is the exit status when it could not start, or had to give up.
const statusFailed = 1

func main() {
	if len(os.Args) > 1 && os.Args[1] == command.PIDFlag {
		command.Become(os.Args[2:])
		os.Exit(command.StatusNotExecutable)
	}
	p := &program{stderr: messages.NewStderr()}
	status, err := 0, process.CheckLimits() // before there are more than the runtime's own
	if err == nil {
		p.signals, p.ignored = process.Signals()
		status, err = p.run(os.Args)
	}
	if err != nil {
		p.stderr.Error(err)
		status = cmp.Or(status, statusOf(err))
	}
	p.stderr.Flush()
	if p.interrupted {
		process.Interrupt()
	}
	os.Exit(status)
}

// statusOf returns the exit status for an error.
func statusOf(err error) int {
	var special interface{ ExitStatus() int }
	if errors.As(err, &special) {
		return special.ExitStatus()
	}
	return statusFailed
}

// A program is what exists before the arguments are parsed.
type program struct {
	stderr  *messages.Stderr
	signals chan os.Signal
	ignored []os.Signal // the signals that we were started to ignore
	// interrupted says that SIGINT has ended the command.
	interrupted bool
}

// run does what the arguments say, and returns the exit status of the command if there
// is one.
func (p *program) run(args []string) (status int, err error) {
	f, err := flags.Parse(args)
	switch {
	case errors.Is(err, flags.ErrHelped):
		return 0, nil
	case err != nil:
		return 0, err
	case f.Version:
		_, err := fmt.Println("logreel", version.String())
		return 0, err
	}
	printer := p.stderr.Printer(f.Verbose)
	outputs, err := f.Outputs(printer)
	if err != nil {
		return 0, err
	}
	switch own := outputs.All()[f.OutputNumber]; {
	case f.ArchivePass:
		archive.Child(own.Archive)
		return 0, nil
	case f.RunExecOpen:
		hook.Run(own.ExecOpen, printer)
		return 0, nil
	}
	f.Remark(outputs, printer)
	if f.Preview > 0 {
		return 0, showPreviews(f, outputs.All())
	}
	if err := f.BecomeUser(outputs); err != nil {
		return 0, err
	}
	if _, err := process.OpenStdout(); f.Tee && err != nil {
		printer.Warn("--tee: %v; going on without it", err)
	}
	return p.relay(f, outputs, printer)
}

// showPreviews prints what would be written and done, for each output.
func showPreviews(f *flags.Flags, outputs []output.Config) error {
	for i, c := range outputs {
		if len(outputs) > 1 {
			if _, err := fmt.Printf("%s%s\n", map[bool]string{true: "\n"}[i > 0], c.Rotator.Pattern); err != nil {
				return err
			}
		}
		if err := showPreview(f, c); err != nil {
			return err
		}
	}
	return nil
}

func showPreview(f *flags.Flags, c output.Config) error {
	r, err := rotator.New(c.Rotator)
	if err != nil {
		return f.Mistake(err)
	}
	names := c.Rotator.Pattern
	at := f.StartTime.In(names.Zone())
	c.Archive.Now = func() time.Time { return at }
	return preview.Print(os.Stdout, r, names, archive.Plan(c.Archive), at, int(f.Preview), intake.IsTerminal(1))
}

// relay reads standard input, or the output of the command, until it ends. It returns
// the exit status of the command.
func (p *program) relay(f *flags.Flags, outputs *flags.Outputs, printer messages.Printer) (status int, err error) {
	c := relay.Config{Signals: p.signals, Grace: (*time.Duration)(f.Grace), Messages: printer}
	for _, config := range outputs.Others {
		o, err := output.New(config)
		if err != nil {
			return 0, f.Mistake(err)
		}
		c.Others = append(c.Others, o)
	}
	main, err := newStream(outputs.Main, outputs.Router, outputs.Editor, f)
	streams := []*stream{main}
	if err == nil && outputs.Errors != nil {
		streams = append(streams, nil)
		streams[1], err = newStream(*outputs.Errors, outputs.ErrorsRouter, outputs.Editor.On("err"), f)
	}
	if err != nil {
		return 0, f.Mistake(err)
	}
	var cmd *command.Command
	if f.Command != nil {
		cmd, err = command.Start(command.Config{
			Arguments: f.Command, Environment: f.Environment(), Pipe: f.Stdio == "pipe", Apart: outputs.Errors != nil, Ignored: p.ignored,
		})
		if err != nil {
			return 0, err
		}
		c.Signals = cmd.Signals(p.signals)
		for i, o := range cmd.Outputs {
			streams[i].input.Input, streams[i].input.Room = o.Descriptor, o.Room
		}
		if !command.Sockets {
			printer.Detail("this system does not tell who writes to a socket, so the command writes to a pipe")
		}
	} else if c.Terminal = intake.IsTerminal(0); c.Terminal {
		printer.Say("reading what you type; end with ctrl-d")
	}
	streams[0].input.Nameless = func() {
		printer.Warn("the system does not tell which processes write, since they are not in this PID namespace; lines of several may be mixed")
	}
	var keep []int
	for _, s := range streams {
		keep = append(keep, s.input.Input)
	}
	process.CloseInherited(keep...)
	c.Poller = process.PrepareRuntime(len(streams)+len(c.Others), outputs.Syncing())
	for _, s := range streams {
		s.input.Poller = c.Poller
		if s.Reader, err = intake.New(s.input); err != nil {
			return 0, err
		}
		if outputs.Editor.NamesWriters() && !s.Reader.TellsWriters() {
			return 0, f.Mistake(flags.ErrNoWriters)
		}
		c.Streams = append(c.Streams, s.Stream)
	}
	process.DropStartPages()
	err = relay.Run(c)
	if cmd != nil {
		if cmd.ShutDown() {
			printer.Warn("a process of the command has shut down standard output and standard error for all of them; what they write is lost from now on (with --stdio=pipe that cannot happen)")
		}
		cmd.Abandon()
		status = cmd.Wait()
		p.interrupted = cmd.Interrupted()
		if pid, name := cmd.Background(); pid > 0 {
			printer.Warn("the command has gone into the background as process %d (%s), and what that logs does not come here; start it without --daemon, daemonize, multi or the like", pid, name)
		}
	}
	return status, err
}

// A stream is one to relay, and how its input is to be read.
type stream struct {
	relay.Stream
	input intake.Config
}

// newStream returns the stream that goes to an output, without a reader.
func newStream(c output.Config, router *record.Config, editor *record.EditorConfig, f *flags.Flags) (*stream, error) {
	names := c.Rotator.Pattern
	s := &stream{input: intake.Config{
		MaxLine:  int(f.MaxLine),
		Boundary: func(t time.Time) time.Time { return names.Period(t).End },
	}}
	s.input.Linger, s.input.Slow = f.Lingers()
	if starts := f.Starts(); starts != nil {
		s.input.LastStart = starts.Last
	}
	if router != nil {
		s.Router = record.NewRouter(*router)
	}
	if editor != nil {
		s.Editor = record.NewEditor(*editor, s.Router)
	}
	s.input.Writers = editor.WantsWriters() || f.RecordStart != nil && (router != nil || f.Stamp != "")
	var err error
	s.Output, err = output.New(c)
	return s, err
}
