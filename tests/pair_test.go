//go:build linux

package tests

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A pair is two programs that get the same lines at the same instants.
type pair struct {
	folders [2]*folder
	running [2]*process
	sent    int
}

// startPair starts the original and logreel in its place, under a umask.
func startPair(t *testing.T, program, umask string, args func(original bool) []string) *pair {
	t.Helper()
	w := &pair{}
	for i, command := range [][]string{{program}, {logreel, "--as=" + program}} {
		d := newFolder(t)
		d.makeDir("d")
		command = append([]string{"-c", "umask " + umask + ` && exec "$0" "$@"`}, append(command, args(i == 0)...)...)
		w.folders[i], w.running[i] = d, d.launch(exec.Command("sh", command...))
	}
	return w
}

// send gives both of them a line in the midst of a second, and waits until it is in the
// files. It reports whether that has taken no longer than the second.
func (w *pair) send() bool {
	now := time.Now()
	at := now.Truncate(time.Second).Add(1200 * time.Millisecond)
	time.Sleep(time.Until(at))
	w.sent++
	line := fmt.Sprintf("line %04d", w.sent)
	for _, p := range w.running {
		p.send(line)
	}
	for _, d := range w.folders {
		eventually(d.t, "the line", func() bool {
			for _, text := range w.texts(d) {
				if strings.Contains(text, line+"\n") {
					return true
				}
			}
			return false
		})
	}
	return time.Since(at) < 700*time.Millisecond
}

// texts returns the files, without further names of them.
func (w *pair) texts(d *folder) map[string]string {
	texts := map[string]string{}
	must(d.t, filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !slices.Contains([]string{"link", "other", "previous"}, entry.Name()) {
			name, _ := filepath.Rel(d.dir, path)
			texts[name] = d.read(name)
		}
		return err
	}))
	return texts
}
