package original

import (
	"strings"
)

// An option is one as getopt_long(3) has it.
type option struct {
	letter byte
	long   []string
	value  bool
	set    func(value string) error
}

// parse calls the options of a command line in their order, and returns the other
// arguments. Long names may be abbreviated, and options may come after arguments.
func parse(options []option, args []string) (others []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(others, args...), nil
		case strings.HasPrefix(arg, "--"):
			args, err = parseLong(options, arg, args)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args, err = parseLetters(options, arg[1:], args)
		default:
			others = append(others, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return others, nil
}

// parseFirst is parse where options come first, and have letters only.
func parseFirst(options []option, args []string) (others []string, err error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "-" {
		arg := args[0]
		if args = args[1:]; arg == "--" {
			break
		}
		if args, err = parseLetters(options, arg[1:], args); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// parseLong calls the option of a long name, and returns the arguments behind it.
func parseLong(options []option, arg string, args []string) ([]string, error) {
	name, value, joined := strings.Cut(arg[2:], "=")
	var found *option
	for i := range options {
		for _, long := range options[i].long {
			if long == name {
				return call(&options[i], arg, value, joined, args)
			}
			if strings.HasPrefix(long, name) {
				if found != nil && found != &options[i] {
					return nil, usage("--%s is short for several options; write it out", name)
				}
				found = &options[i]
			}
		}
	}
	if found == nil {
		return nil, usage("--%s is no option", name)
	}
	return call(found, arg, value, joined, args)
}

func parseLetters(options []option, letters string, args []string) ([]string, error) {
	for ; letters != ""; letters = letters[1:] {
		i := 0
		for i < len(options) && options[i].letter != letters[0] {
			i++
		}
		if i == len(options) {
			return nil, usage("-%c is no option", letters[0])
		}
		if o := &options[i]; o.value {
			return call(o, "-"+letters[:1], letters[1:], letters[1:] != "", args)
		}
		if err := options[i].set(""); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// call calls an option, whose value is joined to it or the next argument.
func call(o *option, name, value string, joined bool, args []string) ([]string, error) {
	switch {
	case joined && !o.value:
		return nil, usage("%s takes no value", name)
	case !joined && o.value && len(args) == 0:
		return nil, usage("%s wants a value", name)
	case !joined && o.value:
		value, args = args[0], args[1:]
	}
	return args, o.set(value)
}
