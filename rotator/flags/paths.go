package flags

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// unexpanded matches what a shell would have replaced, had it not been quoted.
var unexpanded = regexp.MustCompile(`^~[\w-]*/|\$(\w+|\{\w+\})`)

// checkPath finds what nobody means in a path: something that a shell was to replace. A
// path that begins with ./ is meant as it is.
func (e *OutputFlags) checkPath(path string) error {
	at := unexpanded.FindStringIndex(path)
	if at == nil || path[at[0]] == byte(e.Escape) || strings.HasPrefix(path, "./") {
		return nil
	}
	found := strings.TrimSuffix(path[at[0]:at[1]], "/")
	_, set := os.LookupEnv(strings.Trim(found, "${}"))
	switch {
	case strings.HasPrefix(found, "~"):
		return fmt.Errorf("%q begins with %s, which no shell has replaced; write \"$HOME%s\", in double quotes, or ./%s if that is the name", path, found, path[len(found):], path)
	case at[0] == 0:
		return fmt.Errorf("%q begins with %s, which no shell has replaced; write it in double quotes, or ./%[1]s if that is the name", path, found)
	case set:
		return fmt.Errorf("%q has %s in it, which no shell has replaced; write it in double quotes", path, found)
	}
	return nil
}

// checkLink finds what nobody means in the name of a link, besides: time fields.
func (e *OutputFlags) checkLink(path string) error {
	if i := strings.IndexByte(path, byte(e.Escape)); i >= 0 && i+1 < len(path) && 'A' <= path[i+1]&^0x20 && path[i+1]&^0x20 <= 'Z' {
		return fmt.Errorf("%q has the time field %s, but a link has one name, whatever the time; write for example current.log", path, path[i:i+2])
	}
	return e.checkPath(path)
}

// checkPaths finds the mistakes in what a user types as the names of files.
func (e *OutputFlags) checkPaths(pattern string) error {
	if err := e.checkPath(pattern); err != nil {
		return fmt.Errorf("pattern %w", err)
	}
	for _, link := range []struct{ flag, path string }{{"--link", e.Link}, {"--previous-link", e.PreviousLink}, {"--hard-link", e.HardLink}} {
		if err := e.checkLink(link.path); err != nil {
			return fmt.Errorf("%s: %w", link.flag, err)
		}
	}
	return nil
}
