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

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/command"
	"github.com/logreel/logreel/rotator/flags"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/preview"
	"github.com/logreel/logreel/rotator/process"
	"github.com/logreel/logreel/rotator/record"
	"github.com/logreel/logreel/rotator/relay"
	"github.com/logreel/logreel/rotator/version"
)

const (
	statusFailed = 1 // could not start, or had to give up
	statusUsage  = 2
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == command.PIDFlag {
		command.Become(os.Args[2:])
		os.Exit(command.StatusNotExecutable)
	}
	p := &program{stderr: messages.NewStderr()}
	p.signals, p.ignored = process.Signals()
	status, err := p.run(os.Args[1:])
	if err != nil {
		p.stderr.Error(err)
		status = cmp.Or(status, statusOf(err))
	}
	p.stderr.Flush()
	os.Exit(status)
}

// statusOf returns the exit status for an error.
func statusOf(err error) int {
	var notStarted *command.StartError
	switch {
	case errors.As(err, new(flags.UsageError)):
		return statusUsage
	case errors.As(err, &notStarted):
		return notStarted.Status
	}
	return statusFailed
}

// A program is what exists before the arguments are parsed.
type program struct {
	stderr  *messages.Stderr
	signals chan os.Signal
	ignored []os.Signal // the signals that we were started to ignore
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
	outputs, routes, err := f.Outputs(printer)
	switch {
	case err != nil:
		return 0, err
	case f.ArchivePass:
		archive.Child(outputs[f.OutputNumber].Archive)
		return 0, nil
	}
	for _, c := range outputs {
		if warning := c.Rotator.Pattern.Warning(); warning != "" {
			printer.Warn("%s", warning)
		}
	}
	if f.Preview > 0 {
		return 0, showPreviews(f, outputs)
	}
	if f.Tee {
		if outputs[0].Tee, err = process.OpenStdout(); err != nil {
			printer.Warn("--tee: %v; going on without it", err)
		}
	}
	c := relay.Config{Signals: p.signals, Grace: (*time.Duration)(f.Grace), Messages: printer}
	for i, config := range outputs {
		o, err := output.New(config)
		if err != nil {
			return 0, f.Mistake(err)
		}
		if i == 0 {
			c.Output = o
		} else {
			c.Others = append(c.Others, o)
		}
	}
	if len(outputs) > 1 || len(routes.Only) > 0 || len(routes.Drop) > 0 {
		c.Router = record.NewRouter(routes)
	}
	return p.relay(f, outputs[0].Rotator.Pattern, c)
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
func (p *program) relay(f *flags.Flags, names *pattern.Pattern, c relay.Config) (status int, err error) {
	in := intake.Config{
		Linger: time.Duration(f.Linger), MaxLine: int(f.MaxLine),
		Boundary: func(t time.Time) time.Time { return names.Period(t).End },
	}
	var cmd *command.Command
	if f.Command != nil {
		if cmd, err = command.Start(command.Config{Arguments: f.Command, Environment: f.Environment(), Pipe: f.Stdio == "pipe", Ignored: p.ignored}); err != nil {
			return 0, err
		}
		in.Input, in.Room, c.Signals = cmd.Output, cmd.Room, cmd.Signals(p.signals)
		if !command.Sockets {
			c.Messages.Detail("this system does not tell who writes to a socket, so the command writes to a pipe")
		}
	} else if c.Terminal = intake.IsTerminal(0); c.Terminal {
		c.Messages.Say("reading what you type; end with ctrl-d")
	}
	process.CloseInherited(in.Input)
	in.Poller = process.PrepareRuntime(len(c.Others))
	c.Poller = in.Poller
	if c.Reader, err = intake.New(in); err != nil {
		return 0, err
	}
	process.DropStartPages()
	err = relay.Run(c)
	if cmd != nil {
		if cmd.ShutDown() {
			c.Messages.Warn("a process of the command has shut down standard output and standard error for all of them; what they write is lost from now on (with --stdio=pipe that cannot happen)")
		}
		cmd.Abandon()
		status = cmd.Wait()
	}
	return status, err
}
