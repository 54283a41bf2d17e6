// Package preview prints which files a rotator would write and when, and what would be
// done with those that are there, without doing anything.
package preview

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
)

// Print writes a line for each of n files, the current one first: from when, until
// when, and its path. Times are as in RFC 3339, in the pattern's zone; "-" stands for
// the end of a period without end. The columns are separated by tabs, or aligned
// under a heading for a person. Then there is a line for each file that is there: what
// the archive flags would do with it, its path, and why.
func Print(w io.Writer, r *rotator.Rotator, p *pattern.Pattern, plan []archive.Decision, at time.Time, n int, person bool) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	out := w
	if person {
		out = table
		if _, err := fmt.Fprintln(out, "FROM\tUNTIL\tFILE"); err != nil {
			return err
		}
	}
	for range n {
		period, path, err := r.Place(at)
		if err != nil {
			return err
		}
		until := "-"
		if !period.End.IsZero() {
			until = period.End.In(p.Zone()).Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\n", period.Start.In(p.Zone()).Format(time.RFC3339), until, path); err != nil {
			return err
		}
		if at = period.End; at.IsZero() {
			break
		}
	}
	if len(plan) == 0 {
		return table.Flush()
	}
	heading := "\n"
	if person {
		heading = "\nACTION\tFILE\tWHY\n"
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(out, heading); err != nil {
		return err
	}
	for _, d := range plan {
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\n", d.Action, d.Path, d.Why); err != nil {
			return err
		}
	}
	return table.Flush()
}
