package archive

import (
	"os"
	"strings"
	"testing"

	"github.com/logreel/logreel/rotator/files"
)

// A late directory is read so that some names which were made a moment ago are not in it
// yet, as may be while somebody else makes files.
type lateDirectory struct {
	files.System
	late func(name string) bool
}

func (d lateDirectory) Names(path string) ([]string, error) {
	names, err := d.System.Names(path)
	var all []string
	for _, name := range names {
		if !d.late(name) {
			all = append(all, name)
		}
	}
	return all, err
}

// A file whose mark was not seen, but is there, waits for its hook like any other.
func TestMarkThatWasNotSeen(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, "app.log").put("app.log", "app.log.1", "app.log.2", "app.log.3")
	for _, name := range []string{"app.log", "app.log.1", "app.log.2"} {
		if err := Mark(files.Disk{}, fx.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	for about, late := range map[string]func(name string) bool{
		"a mark": func(name string) bool { return strings.HasSuffix(name, ".pending") },
		"a file": func(name string) bool { return name == "app.log.2" },
	} {
		c := fx.Config
		c.Exec, c.KeepCount, c.KeepSize, c.Files = "false", 1, 1, lateDirectory{files.Disk{}, late}
		Run(c)
		NewArchiver(c, nil).keepCeiling()
		for _, name := range []string{"app.log", "app.log.1", "app.log.2", ".app.log.2.pending"} {
			if _, err := os.Stat(fx.path(name)); err != nil {
				t.Errorf("%s was not seen: %v; it was not handed on", about, err)
			}
		}
	}
}
