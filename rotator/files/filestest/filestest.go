// Package filestest gives tests a place for their files.
package filestest

import (
	"os"
	"testing"
)

// Dir returns a temporary directory, in memory where there is a file system for it: some
// on disk are slow with thousands of files that are made and removed.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "logreel-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
