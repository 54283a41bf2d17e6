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
	"github.com/logreel/logreel/rotator/messages"
	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/process"
	"github.com/logreel/logreel/rotator/record"
	"github.com/logreel/logreel/rotator/values"
)

// A further is an output besides that of PATTERN, as --also and --divert describe it.
type further struct {
	Pattern string `arg:"" optional:"" name:"PATTERN"`

	Each
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

// Outputs returns what to write where, and what to do with finished files: for PATTERN
// first, then for each --also and each --divert. It also returns which records go where.
func (f *Flags) Outputs(printer messages.Printer) ([]output.Config, record.Config, error) {
	router := record.Config{Start: f.RecordStart, MaxLine: int(f.MaxLine), Only: pointers(f.Only), Drop: pointers(f.Drop)}
	main, err := f.output(f.Pattern, &f.Each, printer)
	if err != nil {
		return nil, router, f.Mistake(err)
	}
	all := []output.Config{main}
	for _, group := range []struct {
		flag       string
		selections []values.Selection
	}{{"--also", f.Also}, {"--divert", f.Divert}} {
		for _, selection := range group.selections {
			o, err := f.further(selection.Words)
			if err == nil && o.Pattern == standardOutput {
				o.Each = Each{Every: pattern.Never, ExecTimeout: o.ExecTimeout}
			}
			var c output.Config
			if err == nil {
				c, err = f.output(o.Pattern, &o.Each, printer)
			}
			if err != nil {
				return nil, router, f.Mistake(fmt.Errorf("%s: %w", group.flag, err))
			}
			if o.Pattern == standardOutput {
				c.Stdout, c.Only = process.Stdout{}, group.flag == "--divert"
			}
			c.Name = group.flag + " " + c.Name
			c.Batch = max(int(f.MaxLine), 1<<20)
			c.Arguments = append([]string{"--output-number=" + strconv.Itoa(len(all))}, c.Arguments...)
			all = append(all, c)
			router.Outputs = append(router.Outputs, record.Output{Match: selection.Match, Divert: group.flag == "--divert"})
		}
	}
	if err := output.Check(all...); err != nil {
		return nil, router, f.Mistake(err)
	}
	return all, router, nil
}

func pointers(expressions []record.Expression) (all []*record.Expression) {
	for i := range expressions {
		all = append(all, &expressions[i])
	}
	return all
}

// output returns the configuration of one output.
func (f *Flags) output(text string, e *Each, printer messages.Printer) (c output.Config, err error) {
	zone := time.UTC
	switch {
	case e.UTC && e.TZ != "":
		return c, fmt.Errorf("--utc and --tz=%s exclude each other; leave one out", e.TZ)
	case e.ExecTimeout == 0:
		return c, fmt.Errorf("--exec-timeout=%v: write for how long the command may run, such as 10m", e.ExecTimeout)
	case !e.UTC:
		if zone, err = pattern.LoadZone(e.TZ); err != nil {
			return c, err
		}
	}
	names, err := pattern.New(pattern.Config{
		Pattern: text, Escape: byte(e.Escape), Every: e.Every, At: e.At, Zone: zone, Repeat: e.Size > 0,
	})
	if err != nil {
		return c, err
	}
	c = output.Config{Name: fmt.Sprintf("pattern %q", text), Arguments: f.Arguments, Buffer: int(f.Buffer), Drop: f.OnFull == "drop", Messages: printer}
	c.Rotator = rotator.Config{
		Pattern: names,
		Size:    int64(e.Size),
		Mode:    uint32(e.Mode), DirMode: uint32(e.DirMode), Owner: e.Owner.Owner,
		Link: e.Link, PreviousLink: e.PreviousLink, HardLink: e.HardLink,
		Eager:    e.Eager,
		Messages: printer,
	}
	if f.RecordStart != nil {
		c.Rotator.Records = record.NewStarts(f.RecordStart, int(f.MaxLine))
	}
	c.Archive = archive.Config{
		Pattern:   names,
		Numbered:  e.Size > 0,
		KeepCount: int(e.KeepCount), KeepAge: e.KeepAge, KeepSize: int64(e.KeepSize), KeepFree: e.KeepFree.Free,
		Compress: e.Compress.Format, Link: e.Link, PreviousLink: e.PreviousLink,
		Exec: e.Exec, ExecTimeout: time.Duration(e.ExecTimeout), Environment: f.Environment(), First: f.ArchiveFirst,
		Messages: printer,
	}
	return c, c.Archive.Check()
}
