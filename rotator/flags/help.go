package flags

import (
	"fmt"

	"github.com/alecthomas/kong"
)

const usage = "Usage: logreel [flags] PATTERN\n" +
	"       logreel [flags] PATTERN -- COMMAND [ARGUMENT...]"

// description stands under the usage. It has the arguments as well, which kong would
// show in brackets, since a command line with --version needs none.
const description = "Reads lines from standard input and writes them into files named by PATTERN.\n" +
	"Goes on to the next file when the period of its finest time field is over.\n\n" +
	"  app 2>&1 | logreel '/var/log/app/%Y-%m-%d.log'\n" +
	"  logreel '/var/log/app/%Y-%m-%d.log' -- app\n\n" +
	"After -- it starts COMMAND itself and keeps the lines of all its processes apart.\n" +
	"Every flag can be set by an environment variable: LOGREEL_LINK for --link.\n" +
	"The manual is logreel(1).\n\n" +
	"Arguments:\n" +
	"  PATTERN    File name with strftime fields, such as /var/log/app/%Y-%m-%d.log."

// printHelp prints kong's help, except the usage and the arguments: kong knows no --.
func printHelp(options kong.HelpOptions, c *kong.Context) error {
	if _, err := fmt.Fprintln(c.Stdout, usage); err != nil {
		return err
	}
	options.NoAppSummary = true
	c.Model.Positional = nil
	return kong.DefaultHelpPrinter(options, c)
}
