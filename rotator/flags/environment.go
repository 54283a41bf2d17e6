package flags

import (
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// A variable of the environment sets a flag that is not on the command line.
type variable struct{ flag, name string }

// variables returns those that are set.
func (f *Flags) variables(model *kong.Application) (set []variable) {
	for _, flag := range model.Flags {
		given := slices.ContainsFunc(f.Arguments, func(argument string) bool {
			name, _, _ := strings.Cut(argument, "=")
			return name == "--"+flag.Name
		})
		for _, name := range flag.Envs {
			if os.Getenv(name) != "" && !given {
				set = append(set, variable{"--" + flag.Name, name})
			}
		}
	}
	return set
}

// Environment returns the environment that this process was started with, without what
// sets flags: those are for this logreel, and not for one that the command runs, or a hook.
func (f *Flags) Environment() []string {
	return slices.DeleteFunc(slices.Clone(f.inherited), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(f.model.Flags, func(flag *kong.Flag) bool {
			return slices.Contains(flag.Envs, name)
		})
	})
}
