// Package version tells which version of the program this is.
package version

import (
	"runtime/debug"
	"strings"
)

// packaged is set by packaging/build; otherwise the build information tells.
var packaged string

// String returns the version of the package, of the module, or of the commit.
func String() string {
	if packaged != "" {
		return packaged
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	parts := []string{info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(info.Main.Version, s.Value[:12]) {
			parts = append(parts, s.Value)
		}
	}
	return strings.Join(parts, " ")
}
