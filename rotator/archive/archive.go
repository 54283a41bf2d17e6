// Package archive looks after finished files: it syncs them, compresses them, hands
// them to a command, and deletes them when they are too many, too old or too large.
//
// The names in the directory alone tell what is to be done. It is done in passes: each
// brings the directory into the state that the configuration asks for, and does nothing
// if it is in that state already. So there is nothing to remember, and a pass that is
// killed at any step is simply made again.
//
// Passes run in a process of their own; see [Archiver]. It has the lowest priority and
// gives its memory back when it ends, and the process that writes lines does not wait for
// it. That process deletes files itself only where there has to be room at once: under
// Config.KeepSize, and on a full disk.
//
// # Guarantees
//
//   - Only regular files are touched whose names [pattern.Pattern.Parse] reads, with
//     a number or an ending of compressed files behind them. Symlinks are not followed.
//   - A file is finished when its period is over, or when there is one of a higher
//     number. No writer has it open then: a live file carries a lock (fcntl(2)),
//     and whoever deletes a file holds the lock alone, or leaves the file for later. Who may
//     only read a file has no lock that counts.
//     So on a file system without locks nothing is deleted. Where each run has a file of
//     its own, the lock alone tells.
//   - A file is compressed into a temporary one, ".NAME.gz.tmp". When that is complete and
//     synced, and the original has not changed since it was read, the original becomes
//     ".NAME.gz.done", the temporary file becomes NAME.gz, and the original is removed.
//     While ".NAME.gz.done" is there, the temporary file is known to be complete, so that
//     a crash at any step loses no line and doubles none. Lines that someone writes into
//     a new file NAME later are appended to NAME.gz, if that is whole and has not the same
//     lines.
//   - A file is not compressed while a link leads to it.
//   - A file that is to be handed on has an empty file beside it, ".NAME.pending", from
//     when it is opened until the command has succeeded. Until then it is not deleted,
//     but for Config.KeepFree, when no other file is left to be deleted.
//   - If the command fails, it runs again after a minute, then two, up to an hour, and at
//     each start. The mark keeps when, so that every pass knows it. The files after one for
//     which it fails wait, so that they are handed on in order, and go on without it after
//     an hour.
//   - A file that cannot be compressed is handed on as it is. So no full disk stays full
//     while there is something that may go.
//   - All files of the pattern have no more than Config.KeepSize bytes, temporary ones
//     included, as long as there is one to delete that does not wait: there is room made
//     before a file is compressed and while it is, and looked for while lines are written.
//
// # Not guaranteed
//
// That the command runs only once for a file: it may have run when a crash comes. That a
// file is handed on that could not be marked before it was deleted, since the disk was out
// of inodes. That files are handed on in the order of their periods when one of them is
// locked.
package archive

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/messages"
)

// Config says what to do with finished files. Pattern is required.
type Config struct {
	Pattern *pattern.Pattern
	// Numbered says that a period may have several files, by size. Then all but the one
	// of the highest number are finished.
	Numbered bool
	// Stamped says that a period may have several files, each named after the time at which
	// it was begun. Then all but the newest are finished.
	Stamped bool

	// KeepCount is how many finished files are kept, KeepAge for how long after the end
	// of their periods, KeepSize how many bytes all files may have, the live one and
	// temporary ones with them, and KeepFree how much is left free on the file system.
	// Each deletes on its own, the oldest first, unless zero. Files that wait for Exec
	// are only deleted for KeepFree, when no other is left.
	KeepCount int
	KeepAge   pattern.Age
	KeepSize  int64
	KeepFree  Free
	// Compress is how to compress; nil for not at all.
	Compress *Format
	// Link and PreviousLink are symlinks, empty for none. The files that they lead to are
	// not compressed.
	Link, PreviousLink string
	// Exec is a command for each file, for sh -c; empty for none. ExecTimeout is how
	// long it may take.
	Exec        string
	ExecTimeout time.Duration
	// Environment is that of the command; nil for this process's own.
	Environment []string

	// First says that this is the first pass of a process: what has failed before is tried
	// again at once.
	First bool
	// Stop is closed when a pass is to end at once; nil for never.
	Stop <-chan struct{}
	// Messages are what the user is told; the zero Printer is silent.
	Messages messages.Printer
	// Files is the file system; nil for the real one.
	Files files.System
	// Now is the clock; nil for time.Now.
	Now func() time.Time

	// report is called with what happens to Exec; nil for a warning when it fails.
	report func(report)
}

// Free is how much of a file system is to be free: a part of its size in percent, or
// a number of bytes.
type Free struct {
	Percent int
	Bytes   int64
}

// Given reports whether anything is to be free.
func (f Free) Given() bool { return f != Free{} }

// of returns how many bytes that is on a file system of the given size.
func (f Free) of(size int64) int64 {
	return f.Bytes + size/100*int64(f.Percent)
}

// Idle reports whether finished files are left alone.
func (c Config) Idle() bool { return !c.keeps() && c.Compress == nil && c.Exec == "" }

// keeps reports whether files are ever deleted.
func (c Config) keeps() bool {
	return c.KeepCount > 0 || c.KeepAge.Given() || c.KeepSize > 0 || c.KeepFree.Given()
}

// Check returns an error if the names of the pattern do not tell which file is older,
// so that nothing can be done with finished files.
func (c Config) Check() error {
	if c.Idle() {
		return nil
	}
	if _, ending := filename.CutEnding(c.Pattern.String()); ending != "" {
		return fmt.Errorf("pattern %q: files that end with %s are taken to be compressed; leave that out", c.Pattern, ending)
	}
	if constant(c.Pattern) {
		if c.KeepAge.Given() {
			return fmt.Errorf("--keep-age=%v: the names of pattern %q have no date; write --keep-count or --keep-size", c.KeepAge, c.Pattern)
		}
		return nil
	}
	if c.shortAge() {
		return fmt.Errorf("--keep-age=%v: minutes are too short where a file lasts a day or longer; write 1mo for a month", c.KeepAge)
	}
	if err := c.Pattern.Ordered(); err != nil {
		return fmt.Errorf("the archive flags need names that tell their time: %w", err)
	}
	return nil
}

// warnOfLongNames tells what cannot be done with files whose names, as they are now, leave
// no room for those that are made from them.
func (c Config) warnOfLongNames() {
	if c.Exec == "" && c.Compress == nil {
		return
	}
	path := c.Pattern.Name(c.Pattern.Period(c.Now()))
	if c.Numbered {
		path = filename.Numbered(path, 1)
	}
	warn := func(flag, longest, what string) {
		if over := len(filepath.Base(longest)) - filename.Longest; over > 0 {
			c.Messages.Warn("%s: the names of pattern %q are too long by %d bytes; files are not %s", flag, c.Pattern, over, what)
		}
	}
	if c.Exec != "" {
		warn("--exec", filename.Hidden(path, filename.Pending), "handed on")
	}
	if c.Compress != nil {
		warn("--compress", filename.Hidden(path+c.Compress.Ending, filename.Done), "compressed")
	}
}

// shortAge reports whether files of days are kept for less than an hour, as with an "m"
// that was to be a month.
func (c Config) shortAge() bool {
	now := time.Now()
	p := c.Pattern.Period(now)
	return c.KeepAge.Given() && now.Sub(c.KeepAge.Before(now)) < time.Hour && p.End.Sub(p.Start) > 20*time.Hour
}

// constant reports whether all files of a pattern have one name and a number.
func constant(p *pattern.Pattern) bool {
	for _, l := range p.Levels() {
		if l.Varies() {
			return false
		}
	}
	return true
}

func (c Config) withDefaults() Config {
	c.Messages = c.Messages.OrSilent()
	if c.Files == nil {
		c.Files = files.Disk{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.report == nil {
		warn := c.Messages.Warn
		c.report = func(r report) {
			if r.what != worked && r.what != waits {
				warn("--exec: %s", r.what)
			}
		}
	}
	return c
}
