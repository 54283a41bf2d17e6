package tests

import (
	"fmt"
	"testing"
)

// The apk is what Alpine's apk takes, as far as a reader of our own can tell that has
// nothing in common with what wrote it.
func TestPackageAlpine(t *testing.T) {
	t.Parallel()
	need(t, python)
	first, _, _ := packages(t)
	want := fmt.Sprintln(len(first.files(t, "site-functions")), "files")
	for _, a := range architectures {
		if got := run(t, python, "python/apk.py", first.apk(a.rpm), "logreel", first.version, a.rpm); got != want {
			t.Errorf("%s: got\n%swant\n%s", a.rpm, got, want)
		}
	}
}
