// One thread reads and writes, so the number of processors does not matter; the
// runtime would keep two descriptors open to watch it.
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
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/command"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/notice"
	"github.com/logreel/logreel/rotator/preview"
	"github.com/logreel/logreel/rotator/relay"
	"github.com/logreel/logreel/rotator/values"
	"github.com/logreel/logreel/rotator/version"
)

const (
	statusFailed = 1 // could not start, or had to give up
	statusUsage  = 2
)

// flags are the command line, in the groups and the order of the help.
type flags struct {
	Pattern string `arg:"" optional:"" name:"PATTERN" help:"File name with strftime fields, such as /var/log/app/%Y-%m-%d.log."`

	Every  pattern.Interval `group:"Rotation" placeholder:"INTERVAL" help:"30s 15m 6h 1d 1w 1mo 1y, or never. Default: the finest time field in PATTERN."`
	At     pattern.Offset   `group:"Rotation" placeholder:"OFFSET" help:"Shift the boundaries: --every=1d --at=03:00, --every=1w --at=sun."`
	Size   values.Size      `group:"Rotation" placeholder:"SIZE" help:"Also switch before a line would take the file past SIZE (10M); the next files of the period get .1, .2, … after the name."`
	TZ     string           `name:"tz" group:"Rotation" placeholder:"ZONE" help:"Zone of names and boundaries, such as Europe/Berlin. Default: the local one."`
	UTC    bool             `name:"utc" group:"Rotation" help:"The same as --tz=UTC."`
	Escape values.Escape    `group:"Rotation" placeholder:"CHAR" default:"%" help:"Begins the fields of PATTERN, instead of %: --escape=@ for @Y-@m-@d."`

	Link         string       `group:"Files" placeholder:"PATH" help:"Keep a symlink to the live file."`
	PreviousLink string       `group:"Files" placeholder:"PATH" help:"Keep a symlink to the file before the live one."`
	HardLink     string       `group:"Files" placeholder:"PATH" help:"Keep a second name of the live file."`
	Mode         values.Mode  `group:"Files" placeholder:"MODE" default:"0640" help:"Permissions of new files, whatever the umask (${default})."`
	DirMode      values.Mode  `group:"Files" placeholder:"MODE" default:"0755" help:"Permissions of new directories (${default})."`
	Owner        values.Owner `group:"Files" placeholder:"USER[:GROUP]" help:"Owner of new files and directories."`
	Eager        bool         `group:"Files" help:"Open the first file at start, and one for every period, even if nothing is logged."`

	Linger  values.Duration `group:"Reading" placeholder:"DURATION" default:"20ms" help:"How long to gather lines before they are written (${default})."`
	MaxLine values.Size     `group:"Reading" placeholder:"SIZE" default:"1M" help:"Pass a longer line on in pieces; they stay together (${default})."`
	Buffer  values.Size     `group:"Reading" placeholder:"SIZE" default:"16M" help:"How much is read on into memory while lines cannot be written; 0 for nothing (${default})."`
	OnFull  string          `group:"Reading" placeholder:"WHAT" enum:"wait,drop" default:"wait" help:"When that is full: wait, and the application waits, or drop lines and log how many (${default})."`
	Tee     bool            `group:"Reading" help:"Copy every line to standard output as well."`

	Stdio     string           `group:"Command" placeholder:"WHAT" enum:"socket,pipe" default:"socket" help:"What COMMAND writes to: a socket, on which each line stays whole however long, or a pipe, if it opens /dev/stderr by name (${default})."`
	Grace     *values.Duration `group:"Ending" placeholder:"DURATION" help:"After SIGTERM, or after COMMAND has ended, read on for this long at the most. Default: until the end of input."`
	Preview   values.Count     `group:"Help" placeholder:"N" help:"Print the current file and the next ones, and write nothing: 5 in all, or N with --preview=N."`
	StartTime values.Time      `group:"Help" placeholder:"TIME" help:"Pretend for --preview that it is TIME: 2026-11-21 02:00, or RFC 3339."`
	Verbose   bool             `group:"Help" short:"v" help:"Say what is done, on standard error."`
	Version   bool             `group:"Help" env:"-" help:"Print the version."`
	Help      helpFlag         `group:"Help" short:"h" help:"Print this help."`
	// command is what stands after --.
	command []string
	signals chan os.Signal
	ignored []os.Signal // of them, when we were started
}

const description = "Reads lines from standard input and writes them into files named by PATTERN.\n" +
	"Goes on to the next file when the period of its finest time field is over.\n\n" +
	"  app 2>&1 | logreel '/var/log/app/%Y-%m-%d.log'\n" +
	"  logreel '/var/log/app/%Y-%m-%d.log' -- app\n\n" +
	"After -- it starts COMMAND itself and keeps the lines of all its processes apart.\n" +
	"Every flag can be set by the environment: LOGREEL_LINK for --link.\n" +
	"The manual is logreel(1)."

func main() {
	var f flags
	f.signals, f.ignored = relay.Signals()
	printer := notice.NewPrinter()
	status, err := f.run(os.Args[1:], printer)
	if err != nil {
		printer.Error(err)
		status = cmp.Or(status, statusOf(err))
	}
	printer.Flush()
	os.Exit(status)
}

// statusOf returns the exit status that tells of an error.
func statusOf(err error) int {
	var notStarted *command.StartError
	switch {
	case errors.As(err, new(usageError)):
		return statusUsage
	case errors.As(err, &notStarted):
		return notStarted.Status
	}
	return statusFailed
}

// A usageError is a mistake in the command line.
type usageError struct{ error }

// A helpFlag prints the help before anything else can be found wrong.
type helpFlag bool

var errHelped = errors.New("helped")

// BeforeReset is called by kong before it reads the environment.
func (helpFlag) BeforeReset(c *kong.Context) error {
	return errors.Join(errHelped, c.PrintUsage(false))
}

// run does what the arguments say, and returns the exit status of the command if there
// is one.
func (f *flags) run(args []string, printer *notice.Printer) (status int, err error) {
	if i := slices.Index(args, "--"); i >= 0 {
		args, f.command = args[:i], args[i+1:]
	}
	for _, variable := range os.Environ() {
		// In the files that set the environment, an empty variable is one that is
		// not set.
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "LOGREEL_") && value == "" {
			if err := os.Unsetenv(name); err != nil {
				return 0, err
			}
		}
	}
	parser, err := kong.New(f, kong.Name("logreel"), kong.Description(description), kong.DefaultEnvars("LOGREEL"),
		kong.NoDefaultHelp(), kong.ConfigureHelp(kong.HelpOptions{NoAppDescFormat: true, WrapUpperBound: 100}),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }))
	if err != nil {
		return 0, err
	}
	_, err = parser.Parse(args)
	switch {
	case errors.Is(err, errHelped):
		return 0, nil
	case err != nil:
		if strings.HasPrefix(err.Error(), "unexpected argument") {
			err = fmt.Errorf("%w; quote a pattern that has spaces, and write -- before a command", err)
		}
		return 0, usageError{err}
	case f.Version:
		_, err := fmt.Println("logreel", version.String())
		return 0, err
	case f.Pattern == "":
		return 0, usageError{errors.New("PATTERN is missing; write for example: app 2>&1 | logreel '/var/log/app/%Y-%m-%d.log' (logreel --help tells more)")}
	case f.command != nil && len(f.command) == 0:
		return 0, usageError{errors.New("the command after -- is missing; write for example: logreel '/var/log/app/%Y-%m-%d.log' -- app --serve")}
	case f.StartTime.Given() && f.Preview == 0:
		return 0, usageError{errors.New("--start-time goes with --preview; for another zone or shifted boundaries there are --tz and --at")}
	case f.Linger > values.Duration(time.Second):
		return 0, usageError{fmt.Errorf("--linger=%v: write a duration from 0 to 1s, such as 20ms", f.Linger)}
	case f.UTC && f.TZ != "":
		return 0, usageError{fmt.Errorf("--utc and --tz=%s exclude each other; leave one out, also of LOGREEL_UTC and LOGREEL_TZ", f.TZ)}
	case f.MaxLine < intake.MinMaxLine || f.MaxLine > intake.MaxMaxLine:
		return 0, usageError{fmt.Errorf("--max-line=%v: write a size from 1K to 1G", f.MaxLine)}
	case f.Buffer > relay.MaxBuffer:
		return 0, usageError{fmt.Errorf("--buffer=%v: write a size from 0 to %v", f.Buffer, values.Size(relay.MaxBuffer))}
	}
	config, err := f.rotator(printer)
	if err != nil {
		return 0, usageError{err}
	}
	r, err := rotator.New(config)
	if err != nil {
		return 0, usageError{err}
	}
	if f.Preview > 0 {
		at := f.StartTime.In(config.Pattern.Zone())
		return 0, preview.Print(os.Stdout, r, config.Pattern, at, int(f.Preview), intake.IsTerminal(1))
	}
	return f.relay(config, r)
}

// rotator returns the configuration that the flags make.
func (f *flags) rotator(printer *notice.Printer) (c rotator.Config, err error) {
	zone := time.UTC
	if !f.UTC {
		if zone, err = pattern.LoadZone(f.TZ); err != nil {
			return c, err
		}
	}
	c = rotator.Config{
		Size: int64(f.Size),
		Mode: uint32(f.Mode), DirMode: uint32(f.DirMode), Owner: f.Owner.Owner,
		Link: f.Link, PreviousLink: f.PreviousLink, HardLink: f.HardLink,
		Eager: f.Eager,
		Voice: printer.Voice(f.Verbose),
	}
	c.Pattern, err = pattern.New(pattern.Config{
		Pattern: f.Pattern, Escape: byte(f.Escape), Every: f.Every, At: f.At, Zone: zone, Repeat: f.Size > 0,
	})
	return c, err
}

// relay reads standard input, or the output of the command, until it ends. It returns
// the exit status of the command.
func (f *flags) relay(c rotator.Config, r *rotator.Rotator) (status int, err error) {
	if err := r.Start(); err != nil {
		return 0, err
	}
	in := intake.Config{
		Linger: time.Duration(f.Linger), MaxLine: int(f.MaxLine),
		Boundary: func(t time.Time) time.Time { return c.Pattern.Period(t).End },
	}
	out := relay.Config{
		Rotator: r, Signals: f.signals, Buffer: int(f.Buffer), Drop: f.OnFull == "drop",
		Grace: (*time.Duration)(f.Grace), Voice: c.Voice,
	}
	var cmd *command.Command
	if f.command != nil {
		if cmd, err = command.Start(command.Config{Arguments: f.command, Pipe: f.Stdio == "pipe", Ignored: f.ignored}); err != nil {
			return 0, err
		}
		in.Input, in.Room, out.Signals = cmd.Output, cmd.Room, cmd.Signals(f.signals)
		if !command.Sockets {
			c.Voice.Detail("this system does not tell who writes to a socket, so the command writes to a pipe")
		}
	} else if out.Terminal = intake.IsTerminal(0); out.Terminal {
		c.Voice.Say("reading what you type; end with ctrl-d")
	}
	relay.CloseInherited(in.Input)
	relay.SettleRuntime()
	if out.Reader, err = intake.New(in); err != nil {
		return 0, err
	}
	if f.Tee {
		out.Tee = relay.Stdout{}
	}
	err = relay.Run(out)
	if cmd != nil {
		status = cmd.Wait()
	}
	return status, err
}
