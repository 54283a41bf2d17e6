// Package flags reads the command line and the environment, and turns them into the
// configurations of the program's parts.
package flags

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/intake"
	"github.com/logreel/logreel/rotator/original"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/record"
	"github.com/logreel/logreel/rotator/values"
)

// OutputFlags are the flags that each output has.
type OutputFlags struct {
	Every     pattern.Interval `group:"Rotation" placeholder:"INTERVAL" help:"30s 15m 6h 1d 1w 1mo 1y, or never. Default: the finest time field in PATTERN."`
	At        pattern.Offset   `group:"Rotation" placeholder:"OFFSET" help:"Shift the boundaries: --every=1d --at=03:00, --every=1w --at=sun. With epoch, count from 1970 on: --every=100s --at=epoch."`
	Delay     values.Duration  `group:"Rotation" placeholder:"DURATION" help:"Switch this long after the boundary, and name files as without it: --every=6h --delay=1h."`
	Same      bool             `name:"same-names" group:"Rotation" hidden:"" help:"Let a period have the name of the one before it, and go on with its file."`
	Size      values.Size      `group:"Rotation" placeholder:"SIZE" help:"Also switch before a line would take the file past SIZE (10M); the next files of the period get .1, .2, … after the name."`
	SizeNames values.SizeNames `group:"Rotation" placeholder:"WHAT" default:"number" help:"Name files that follow by size by number, or after the time at which they are begun: --size=5M --size-names=time app-%Y%m%d-%H%M%S.log, which switches by time only with --every. Default: ${default}."`
	Ring      values.Number    `group:"Rotation" placeholder:"N" help:"Use N names round and round, PATTERN, .1, .2, …, and delete what had a name before: --ring=3 --size=10M app.log."`
	TZ        string           `name:"tz" group:"Rotation" placeholder:"ZONE" help:"Zone of names and boundaries, such as Europe/Berlin. Default: the local one."`
	UTC       bool             `name:"utc" group:"Rotation" help:"The same as --tz=UTC."`
	Escape    values.Escape    `group:"Rotation" placeholder:"CHAR" default:"%" help:"Character that begins a field, instead of %: --escape=@ for @Y-@m-@d."`

	Link         string          `group:"Files" placeholder:"PATH" help:"Keep a symlink to the live file."`
	PreviousLink string          `group:"Files" placeholder:"PATH" help:"Keep a symlink to the file before the live one."`
	HardLink     string          `group:"Files" placeholder:"PATH" help:"Keep a second name of the live file."`
	Mode         values.Mode     `group:"Files" placeholder:"MODE" default:"0640" help:"Permissions of new files, whatever the umask (${default})."`
	DirMode      values.Mode     `group:"Files" placeholder:"MODE" default:"0755" help:"Permissions of new directories (${default})."`
	Owner        values.Owner    `group:"Files" placeholder:"USER[:GROUP]" help:"Owner of new files and directories."`
	Eager        bool            `group:"Files" help:"Open the first file at start, and one for every period, even if nothing is logged."`
	Sync         values.Duration `group:"Files" placeholder:"DURATION" help:"Sync the live file in the background, so that a power cut loses no more than the lines of DURATION: 1s, 100ms. Default: left to the kernel."`

	KeepCount   values.Number      `group:"Archive" placeholder:"N" help:"Keep N finished files and delete the oldest ones."`
	KeepAge     pattern.Age        `group:"Archive" placeholder:"AGE" help:"Delete finished files whose period ended longer ago than AGE: 12h 30d 8w 6mo 1y."`
	KeepSize    values.Limit       `group:"Archive" placeholder:"SIZE" help:"Delete the oldest finished files while all files together exceed SIZE."`
	KeepFree    values.Free        `group:"Archive" placeholder:"SIZE" help:"Delete the oldest finished files while less than SIZE of the disk is free: 5% or 2G."`
	Compress    values.Compression `group:"Archive" placeholder:"FORMAT" help:"Compress finished files: gzip or zstd. In the background, one at a time, at the lowest priority."`
	Exec        string             `group:"Archive" placeholder:"COMMAND" help:"Run COMMAND with sh -c for every finished file, after compressing it; the file is $$1."`
	ExecOpen    string             `group:"Archive" placeholder:"COMMAND" help:"Run COMMAND with sh -c for every file that is opened, and do not wait for it; the file is $$1, and the one before $$2."`
	ExecTimeout values.Duration    `group:"Archive" placeholder:"DURATION" default:"10m" help:"End either COMMAND after DURATION (${default})."`
}

// Flags are the command line, in the groups and the order of the help.
type Flags struct {
	Pattern string `arg:"" optional:"" name:"PATTERN"`

	OutputFlags

	User values.User `group:"Files" placeholder:"USER[:GROUP]" help:"Give up root before the first file is opened; logreel, its hooks and COMMAND run as USER."`

	RecordStart *record.Expression  `group:"Records" placeholder:"REGEX" help:"A line that matches begins a record; those up to the next that does belong to it, such as a traceback. A record is in one file."`
	Also        []values.Selection  `group:"Records" sep:"none" placeholder:"OUTPUT" help:"Copy the records that match REGEX into files of their own: --also='REGEX => [FLAGS] PATTERN'. Without REGEX =>, all."`
	Divert      []values.Selection  `group:"Records" sep:"none" placeholder:"OUTPUT" help:"The same, but they are in no other --divert and not in the files of PATTERN."`
	Only        []record.Expression `group:"Records" sep:"none" placeholder:"REGEX" help:"Write only the records that match into the files of PATTERN."`
	Drop        []record.Expression `group:"Records" sep:"none" placeholder:"REGEX" help:"Leave the records that match out of the files of PATTERN."`

	Redact    []record.Redaction `group:"Records" sep:"none" placeholder:"REGEX" help:"What the groups of REGEX match, or all that it matches if it has none, becomes ***, before anything is selected or written."`
	StripANSI bool               `name:"strip-ansi" group:"Records" help:"Leave colours and other control sequences of terminals out of the files."`
	Stamp     values.Format      `group:"Records" placeholder:"FORMAT" help:"Put the time before each line in the files, or before each record: ${stamp}, or --stamp=FORMAT, of the time fields of PATTERN, %L milliseconds, %f microseconds, %{pid} and %{stream}."`

	Linger  *values.Duration `group:"Reading" placeholder:"DURATION" help:"How long to gather lines before they are written (${linger}, or less with --stamp)."`
	MaxLine values.Size      `group:"Reading" placeholder:"SIZE" default:"1M" help:"Write longer lines in pieces, which stay together (${default})."`
	Buffer  values.Size      `group:"Reading" placeholder:"SIZE" default:"16M" help:"Memory for lines that cannot be written yet; 0 for none (${default})."`
	OnFull  values.OnFull    `group:"Reading" placeholder:"WHAT" default:"wait" help:"When the buffer is full: wait (the application blocks) or drop (lines are lost, and their number logged). Default: ${default}."`
	Tee     bool             `group:"Reading" help:"Copy every line to standard output as well."`

	Stderr    *values.Selection `group:"Command" placeholder:"OUTPUT" help:"What COMMAND writes to standard error goes into files of its own: --stderr='[FLAGS] PATTERN'."`
	Stdio     values.Stdio      `group:"Command" placeholder:"WHAT" default:"socket" help:"What COMMAND writes to: a socket, on which each line stays whole however long, or a pipe, if it opens /dev/stderr by name (${default})."`
	Grace     *values.Duration  `group:"Ending" placeholder:"DURATION" help:"Keep reading for at most this long after SIGTERM, or after COMMAND has ended. Default: until the end of input."`
	Preview   values.Count      `group:"Help" placeholder:"N" help:"Print the current file and the next ones, and write nothing: 5 in all, or N with --preview=N."`
	StartTime values.Time       `group:"Help" placeholder:"TIME" help:"With --preview, pretend that it is TIME: 2026-11-21, 2026-11-21 02:00, or RFC 3339."`
	Verbose   bool              `group:"Help" short:"v" help:"Report on standard error what is done."`
	Version   bool              `group:"Help" env:"-" help:"Print the version."`
	Help      helpFlag          `group:"Help" short:"h" help:"Print this help."`

	// Command is what stands after --; nil without one.
	Command []string `kong:"-"`
	// as is whose command line it was.
	as *original.Translation
	// Arguments are those before it.
	Arguments []string `kong:"-"`
	// inherited is the environment, and environment the variables in it that set flags.
	inherited   []string
	environment []variable

	ArchivePass  bool `name:"archive" hidden:"" env:"-"`
	ArchiveFirst bool `name:"archive-first" hidden:"" env:"-"`
	RunExecOpen  bool `hidden:"" env:"-"`
	// OutputNumber says which of [Flags.Outputs] such a process is for.
	OutputNumber int `hidden:"" env:"-"`
	// model is what kong knows of the flags.
	model *kong.Application
}

// The lingers if none is given. Stamps are as late as lines are gathered. At 20,000 lines/s
// and 40ms they cost 1.2 times the processor time of lines without, at 30ms 1.5 times and at
// 25ms 1.7 times, for that many more wake-ups; 35ms stays below 1.5 on a noisy machine. At
// 1,000 lines/s 10ms costs 0.3 % of a processor more, and a third more than 40ms in all.
const (
	linger      = 40 * time.Millisecond
	stampLinger = 35 * time.Millisecond
	slowStamp   = 10 * time.Millisecond
)

// Lingers returns how long to gather lines before they are written, and how long those of a
// slow stream.
func (f *Flags) Lingers() (most, slow time.Duration) {
	switch {
	case f.Linger != nil:
		return time.Duration(*f.Linger), 0
	case f.Stamp != "":
		return stampLinger, slowStamp
	}
	return linger, 0
}

// A helpFlag prints the help before anything else can be found wrong.
type helpFlag bool

// ErrHelped is what Parse returns when the help was asked for, and printed.
var ErrHelped = errors.New("helped")

// BeforeReset is called by kong before it reads the environment.
func (helpFlag) BeforeReset(c *kong.Context) error {
	return errors.Join(ErrHelped, c.PrintUsage(false))
}

// Parse reads the command line, with the program's name, and the environment. What is
// wrong with them is a [UsageError], or an [original.Error].
func Parse(args []string) (*Flags, error) {
	as, err := original.Parse(args)
	if err != nil {
		return nil, err
	}
	if as.Text != "" {
		_, err := fmt.Print(as.Text)
		return nil, cmp.Or(err, ErrHelped)
	}
	args = as.Arguments
	f := &Flags{Arguments: args, as: as, inherited: os.Environ()}
	if i := slices.Index(args, "--"); i >= 0 {
		f.Arguments, f.Command = args[:i], args[i+1:]
	}
	for _, variable := range f.inherited {
		// In the files that set the environment, an empty variable is one that is
		// not set.
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "LOGREEL_") && value == "" {
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
	}
	parser, err := newParser(f, kong.Description(description), kong.Vars{"stamp": strings.TrimSpace(record.DefaultStamp), "linger": linger.String()}, kong.DefaultEnvars("LOGREEL"),
		kong.Help(printHelp), kong.ConfigureHelp(kong.HelpOptions{NoAppDescFormat: true, WrapUpperBound: 100}),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }))
	if err != nil {
		return nil, err
	}
	f.model = parser.Model
	f.environment = f.variables(parser.Model)
	_, err = parser.Parse(f.Arguments)
	switch {
	case errors.Is(err, ErrHelped):
		return nil, ErrHelped
	case err != nil:
		err = reworded(err, f.Arguments)
	default:
		err = f.check()
	}
	if err != nil {
		return nil, f.Mistake(err)
	}
	return f, nil
}

// newParser returns a parser for the flags of a struct.
func newParser(target any, options ...kong.Option) (*kong.Kong, error) {
	options = append(options, kong.Name("logreel"), kong.NoDefaultHelp(), kong.KindMapper(reflect.String, values.Text))
	for _, t := range []reflect.Type{reflect.TypeFor[record.Expression](), reflect.TypeFor[record.Redaction](), reflect.TypeFor[values.Selection]()} {
		options = append(options, kong.TypeMapper(t, values.Unmarshaled), kong.TypeMapper(reflect.PointerTo(t), values.Unmarshaled))
	}
	parser, err := kong.New(target, options...)
	if err != nil {
		return nil, err
	}
	for _, flag := range parser.Model.Flags {
		if !flag.IsBool() || flag.Target.Kind() == reflect.Bool {
			flag.Mapper = mapper{flag.Mapper}
		}
	}
	return parser, nil
}

// check finds mistakes that a single flag cannot find.
func (f *Flags) check() error {
	switch {
	case f.Version:
		return nil
	case f.Pattern == standardOutput:
		return fmt.Errorf("PATTERN is missing; - is standard output, which --also and --divert can write to")
	case f.Pattern == "":
		return f.missing()
	case f.Command != nil && len(f.Command) == 0:
		return fmt.Errorf("the command after -- is missing; write for example: logreel '/var/log/app/%%Y-%%m-%%d.log' -- app --serve")
	case f.Stderr != nil && f.Command == nil && !f.ArchivePass: // which is started without the command
		return fmt.Errorf("--stderr is about a command after --; in a shell write: app 2> >(logreel '/var/log/app/error-%%F.log') | logreel '/var/log/app/%%F.log'")
	case f.StartTime.Given() && f.Preview == 0:
		return fmt.Errorf("--start-time goes with --preview; for another zone or shifted boundaries there are --tz and --at")
	case f.Linger != nil && *f.Linger > values.Duration(time.Second):
		return fmt.Errorf("--linger=%v: write a duration from 0 to 1s, such as 20ms", *f.Linger)
	case f.MaxLine < intake.MinMaxLine || f.MaxLine > intake.MaxMaxLine:
		return fmt.Errorf("--max-line=%v: write a size from 1K to 1G", f.MaxLine)
	case f.Buffer > output.MaxBuffer:
		return fmt.Errorf("--buffer=%v: write a size from 0 to %v", f.Buffer, values.Size(output.MaxBuffer))
	}
	return nil
}
