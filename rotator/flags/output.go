package flags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/hook"
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/process"
	"github.com/logreel/logreel/rotator/record"
	"github.com/logreel/logreel/rotator/values"
)

// shortestSync is more often than disks can sync for long.
const shortestSync = 10 * time.Millisecond

// A further is an output besides that of PATTERN, as --also and --divert describe it.
type further struct {
	Pattern string `arg:"" optional:"" name:"PATTERN"`

	OutputFlags
}

// standardOutput is the PATTERN of an output that is no files.
const standardOutput = "-"

// ownFlags are those that one output has from no other.
var ownFlags = []string{"link", "previous-link", "hard-link"}

// further reads the words of a description. What they do not say is as for PATTERN.
func (f *Flags) further(words []string) (o further, err error) {
	parser, err := newParser(&o)
	if err != nil {
		return o, err
	}
	parsed, err := parser.Parse(words)
	if err != nil {
		return o, reworded(err, words)
	}
	if o.Pattern == "" {
		return o, errors.New("PATTERN is missing; write for example 'ERROR => /var/log/app/error-%Y-%m-%d.log'")
	}
	given := slices.Clone(ownFlags)
	for _, step := range parsed.Path {
		if step.Flag != nil {
			given = append(given, step.Flag.Name)
		}
	}
	if slices.Contains(given, "tz") || slices.Contains(given, "utc") {
		given = append(given, "tz", "utc")
	}
	for _, flag := range parser.Model.Flags {
		if !slices.Contains(given, flag.Name) {
			i := slices.IndexFunc(f.model.Flags, func(main *kong.Flag) bool { return main.Name == flag.Name })
			flag.Target.Set(f.model.Flags[i].Target)
		}
	}
	return o, nil
}

// Outputs are what to write where, and what to do with finished files.
type Outputs struct {
	// Main is for PATTERN, Errors for --stderr, nil without one, and Others for each --also
	// and each --divert.
	Main   output.Config
	Errors *output.Config
	Others []output.Config
	// Router says which records go where; nil if all go to Main. ErrorsRouter does so for
	// what goes to Errors.
	Router, ErrorsRouter *record.Config
	// Editor says what is written of lines; nil for lines as they are. Its stamp is that of
	// standard output.
	Editor *record.EditorConfig
}

// All returns all outputs. Their order is that of the numbers which passes are started
// with.
func (o *Outputs) All() []output.Config {
	all := append([]output.Config{o.Main}, o.Others...)
	if o.Errors != nil {
		all = append(all, *o.Errors)
	}
	return all
}

// Syncing returns how many outputs have their live files synced in the background.
func (o *Outputs) Syncing() (n int) {
	for _, c := range o.All() {
		if c.Rotator.Sync > 0 {
			n++
		}
	}
	return n
}

// Outputs returns the outputs that the flags describe.
func (f *Flags) Outputs(printer messages.Printer) (*Outputs, error) {
	all := &Outputs{}
	var err error
	if all.Main, err = f.output(f.Pattern, &f.OutputFlags, printer); err != nil {
		return nil, f.Mistake(err)
	}
	if all.Editor, err = f.editor(all.Main.Rotator.Pattern.Zone()); err != nil {
		return nil, f.Mistake(err)
	}
	router := record.Config{Start: f.RecordStart, MaxLine: int(f.MaxLine), Only: pointers(f.Only), Drop: pointers(f.Drop)}
	for _, group := range []struct {
		flag       string
		selections []values.Selection
	}{{"--also", f.Also}, {"--divert", f.Divert}} {
		for _, selection := range group.selections {
			c, err := f.described(group.flag, len(all.All()), selection.Words, printer)
			if err != nil {
				return nil, f.Mistake(fmt.Errorf("%s: %w", group.flag, err))
			}
			c.Only = group.flag == "--divert"
			all.Others = append(all.Others, c)
			router.Outputs = append(router.Outputs, record.Output{Match: selection.Match, Divert: group.flag == "--divert"})
		}
	}
	if len(all.Others)+len(f.Only)+len(f.Drop) > 0 {
		all.Router, all.ErrorsRouter = &router, &router
	}
	switch {
	case f.Tee && (f.StripANSI || f.Stamp != "") && f.Preview == 0:
		// What is copied is not what is written, so it is for another output.
		c, err := f.described("--tee", len(all.All()), []string{standardOutput}, printer)
		if err != nil {
			return nil, f.Mistake(err)
		}
		c.Name = "--tee"
		all.Others = append(all.Others, c)
		teed := router
		teed.Outputs = append(slices.Clip(router.Outputs), record.Output{Main: true})
		all.Router = &teed
	case f.Tee:
		all.Main.Tee = process.Stdout{}
	}
	if f.Stderr != nil {
		c, err := f.described("--stderr", len(all.All()), f.Stderr.Words, printer)
		if err == nil && f.Stderr.Match != nil {
			err = errors.New("takes all that COMMAND writes to standard error; leave out REGEX =>, and select with --only and --drop")
		}
		if err != nil {
			return nil, f.Mistake(fmt.Errorf("--stderr: %w", err))
		}
		all.Errors = &c
	}
	f.edit(all)
	if err := output.Check(all.All()...); err != nil {
		return nil, f.Mistake(err)
	}
	return all, nil
}

// described returns the configuration of an output that a flag describes. Its number is that
// among all outputs, which its passes are started with.
func (f *Flags) described(flag string, number int, words []string, printer messages.Printer) (c output.Config, err error) {
	o, err := f.further(words)
	if err != nil {
		return c, err
	}
	if o.Pattern == standardOutput {
		o.OutputFlags = OutputFlags{Every: pattern.Never, ExecTimeout: o.ExecTimeout}
	}
	if c, err = f.output(o.Pattern, &o.OutputFlags, printer); err != nil {
		return c, err
	}
	if o.Pattern == standardOutput {
		c.Stdout = process.Stdout{}
	}
	c.Name = flag + " " + c.Name
	c.Arguments = append([]string{"--output-number=" + strconv.Itoa(number)}, c.Arguments...)
	return c, nil
}

func pointers(expressions []record.Expression) (all []*record.Expression) {
	for i := range expressions {
		all = append(all, &expressions[i])
	}
	return all
}

// checkRing returns an error if names cannot be used round and round.
func (e *OutputFlags) checkRing(names *pattern.Pattern) error {
	switch {
	case e.Ring == 0:
		return nil
	case names.Varies():
		return fmt.Errorf("--ring=%d: pattern %q has time fields, so no name comes again; leave them out, or write --keep-count=%d instead", e.Ring, names, max(e.Ring-1, 1))
	case e.Size == 0 && names.Every() == pattern.Never:
		return fmt.Errorf("--ring=%d: write when to go on to the next file, such as --every=1d or --size=100M", e.Ring)
	case e.SizeNames == "time":
		return fmt.Errorf("--ring=%d and --size-names=time exclude each other; leave one out", e.Ring)
	case e.KeepCount > 0 || e.KeepAge.Given() || e.KeepSize > 0 || e.KeepFree.Given() || e.Compress.Format != nil || e.Exec != "":
		return fmt.Errorf("--ring=%d deletes files by itself, and goes with no other flag of the archive but --exec-open; leave those out, or --ring", e.Ring)
	}
	return nil
}

// output returns the configuration of one output.
func (f *Flags) output(text string, e *OutputFlags, printer messages.Printer) (c output.Config, err error) {
	zone := time.UTC
	switch {
	case e.UTC && e.TZ != "":
		return c, fmt.Errorf("--utc and --tz=%s exclude each other; leave one out", e.TZ)
	case e.Sync > 0 && e.Sync < values.Duration(shortestSync):
		return c, fmt.Errorf("--sync=%v: write a duration of %v or more, such as 1s", e.Sync, shortestSync)
	case e.SizeNames == "time" && e.Size == 0:
		return c, errors.New("--size-names=time: write the size as well, such as --size=100M")
	case e.ExecTimeout == 0:
		return c, fmt.Errorf("--exec-timeout=%v: write for how long the command may run, such as 10m", e.ExecTimeout)
	case !e.UTC:
		if zone, err = pattern.LoadZone(e.TZ); err != nil {
			return c, err
		}
	}
	if err := e.checkPaths(text); err != nil {
		return c, err
	}
	names, err := pattern.New(pattern.Config{
		Pattern: text, Escape: byte(e.Escape), Every: e.Every, At: e.At, Delay: time.Duration(e.Delay), Same: e.Same || e.Ring > 0, Zone: zone, Repeat: e.Size > 0, Instants: e.SizeNames == "time",
	})
	if err != nil {
		return c, err
	}
	c = output.Config{Name: fmt.Sprintf("pattern %q", text), Arguments: f.Arguments, Buffer: int(f.Buffer), Drop: f.OnFull == "drop", Messages: printer}
	c.Rotator = rotator.Config{
		Pattern: names,
		Size:    int64(e.Size), Stamps: e.SizeNames == "time", Ring: int(e.Ring),
		Mode: uint32(e.Mode), DirMode: uint32(e.DirMode), Owner: e.Owner.Owner,
		Link: e.Link, PreviousLink: e.PreviousLink, HardLink: e.HardLink,
		Eager: e.Eager, Sync: time.Duration(e.Sync),
		Messages: printer,
	}
	c.ExecOpen = hook.Command{Text: e.ExecOpen, Timeout: time.Duration(e.ExecTimeout), Environment: f.Environment()}
	if err := e.checkRing(names); err != nil {
		return c, err
	}
	c.Archive = archive.Config{
		Pattern:  names,
		Numbered: e.Size > 0 && e.SizeNames != "time", Stamped: e.SizeNames == "time",
		KeepCount: int(e.KeepCount), KeepAge: e.KeepAge, KeepSize: int64(e.KeepSize), KeepFree: e.KeepFree.Free,
		Compress: e.Compress.Format, Link: e.Link, PreviousLink: e.PreviousLink,
		Exec: e.Exec, ExecTimeout: time.Duration(e.ExecTimeout), Environment: f.Environment(), First: f.ArchiveFirst,
		Messages: printer,
	}
	return c, c.Archive.Check()
}
