package flags

import (
	"errors"
	"fmt"
	"time"

	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/record"
)

// editor returns what is to be written of lines; nil for lines as they are.
func (f *Flags) editor(zone *time.Location) (*record.EditorConfig, error) {
	if len(f.Redact) == 0 && !f.StripANSI && f.Stamp == "" {
		return nil, nil
	}
	c := &record.EditorConfig{Strip: f.StripANSI, Start: f.RecordStart, MaxLine: int(f.MaxLine)}
	for i := range f.Redact {
		c.Redact = append(c.Redact, &f.Redact[i])
	}
	if f.Stamp == "" {
		return c, nil
	}
	stamp, err := record.NewStamp(string(f.Stamp), byte(f.Escape), zone)
	if f.Stamp == record.DefaultStamp {
		stamp, err = record.NewStamp(string(f.Stamp), '%', zone)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("--stamp: %w", err)
	case f.ArchivePass: // which is started without the command
	case stamp.Needs("stream") && f.Stderr == nil:
		return nil, errors.New("--stamp: which stream a line is from is told only where there are two; add --stderr, or leave out %{stream}")
	case stamp.Needs("pid") && f.Command != nil && f.Stdio == "pipe":
		return nil, errors.New("--stamp: which process wrote a line is not told by --stdio=pipe; leave that out, or %{pid}")
	}
	c.Stamp = stamp.On("out")
	return c, nil
}

// ErrNoWriters is the mistake of a stamp with a process that the input does not tell.
var ErrNoWriters = errors.New("--stamp: which process wrote a line is told by Unix sockets on Linux, not by this input; " +
	"have logreel start the command, as in logreel PATTERN -- COMMAND, or leave out %{pid}")

// edit says for each output which lines it gets: edited, or as they were read.
func (f *Flags) edit(all *Outputs) {
	edited := f.starts()
	if all.Editor != nil && all.Editor.Stamp != nil && edited != nil {
		edited = edited.Stamped(all.Editor.Stamp)
	}
	for i := range all.Others {
		c := &all.Others[i]
		f.setRecords(c, edited)
		c.Batch = max(int(f.MaxLine), 1<<20)
		if e := all.Editor; e != nil {
			asRead := c.Stdout != nil && (e.Strip || e.Stamp != nil)
			if e.AsRead = append(e.AsRead, asRead); asRead {
				f.setRecords(c, f.Starts())
			}
			c.Batch = e.MaxBatch(c.Batch)
		}
	}
	f.setRecords(&all.Main, edited)
	if all.Errors != nil {
		f.setRecords(all.Errors, edited)
	}
}

// setRecords says where in the lines of an output records begin.
func (f *Flags) setRecords(c *output.Config, starts *record.Starts) {
	if starts != nil {
		c.Rotator.Records = starts
	}
}

// starts finds where records begin in lines that are edited, but for their stamps; nil if
// every line is a record.
func (f *Flags) starts() *record.Starts {
	if f.RecordStart == nil {
		return nil
	}
	return record.NewStarts(f.RecordStart, int(f.MaxLine))
}

// Starts finds where records begin in lines as they are read; nil if every line is one. It
// is for one goroutine at a time.
func (f *Flags) Starts() *record.Starts {
	starts := f.starts()
	if starts != nil && f.StripANSI {
		return starts.Plain()
	}
	return starts
}
