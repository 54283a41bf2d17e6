package output

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
)

// What could lead one output to another's file is refused, and what could not is not.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(".", filepath.Join(dir, "same")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("2026-11-26", filepath.Join(dir, "led")); err != nil {
		t.Fatal(err)
	}
	config := func(text string, size int64, link, hard string) Config {
		t.Helper()
		p, err := pattern.New(pattern.Config{Pattern: filepath.Join(dir, text), Zone: time.UTC, Repeat: true})
		if err != nil {
			t.Fatal(err)
		}
		c := rotator.Config{Pattern: p, Size: size}
		for to, path := range map[*string]string{&c.Link: link, &c.HardLink: hard} {
			if path != "" {
				*to = filepath.Join(dir, path)
			}
		}
		return Config{Name: "pattern " + text, Rotator: c}
	}
	for _, test := range []struct {
		about   string
		outputs []Config
		want    string
	}{
		{"one", []Config{config("%F", 0, "", "")}, ""},
		{"two", []Config{config("%F", 0, "", ""), config("error-%F", 0, "error", "")}, ""},
		{"one name", []Config{config("%F", 0, "", ""), config("%Y-%m-%d", 0, "", "")}, "same name"},
		{"one by its number", []Config{config("app", 10, "", ""), config("app.%d", 0, "", "")}, "same name"},
		{"a number that is not given", []Config{config("app", 0, "", ""), config("app.%d", 0, "", "")}, ""},
		{"one directory", []Config{config("%F", 0, "", ""), config("same/%F", 0, "", "")}, "same name"},
		{"a new directory", []Config{config("new/%F", 0, "", ""), config("same/new/%F", 0, "", "")}, "same name"},
		{"a link of a number", []Config{config("app.log", 500, "", "app.log.1")}, "--hard-link=" + dir + "/app.log.1: pattern"},
		{"a link of a period", []Config{config("%H%M%S", 0, "120000", "")}, "--link=" + dir + "/120000: pattern"},
		{"a link of a compressed file", []Config{config("%F", 0, "2026-11-27.gz", "")}, "--link"},
		{"a link of a mark", []Config{config("%F", 0, ".2026-11-27.pending", "")}, "--link"},
		{"a link of no file", []Config{config("%F", 0, "current", "")}, ""},
		{"a link of another's file", []Config{config("%F", 0, "error-2026-11-27", ""), config("error-%F", 0, "", "")}, "--link"},
		{"two links", []Config{config("%F", 0, "current", "./current")}, "--hard-link=" + dir + "/current: is already the path of --link"},
		{"two outputs' links", []Config{config("%F", 0, "current", ""), config("error-%F", 0, "same/current", "")}, "is already the path of --link"},
		{"a link that is a directory of another's", []Config{config("a/%F", 0, "b/cur", ""), config("b/cur/%F", 0, "", "")}, "--link=" + dir + "/b/cur: would be a directory of pattern b/cur/%F"},
		{"a link of before that is a directory", []Config{config("%F", 0, "led", ""), config("led/%F", 0, "", "")}, "--link=" + dir + "/led: would be a directory of pattern led/%F"},
		{"a link that is a directory of another link", []Config{config("%F", 0, "cur", "cur/x")}, "--link=" + dir + "/cur: would be a directory of --hard-link="},
		{"a file that is a directory", []Config{config("%Y", 0, "", ""), config("2026/%F", 0, "", "")}, "pattern %Y: would be a directory of pattern 2026/%F"},
		{"a link in a directory of another's", []Config{config("a/%F", 0, "b/cur", ""), config("b/%F", 0, "", "")}, ""},
	} {
		err := Check(test.outputs...)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.about, err, test.want)
		}
	}
}
