package pattern

import (
	"path/filepath"
	"testing"
	"time"
)

// below resolves directories as if the working directory were /srv.
func below(dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join("/srv", dir)
}

var derived = Derived{Endings: []string{".gz", ".zst"}, Marks: []string{".pending"}}

func TestOverlap(t *testing.T) {
	t.Parallel()
	numbered := derived
	numbered.Numbered = true
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"%F.log", "%F.log", true},
		{"%F.log", "error-%F.log", false},
		{"%F.log", "./%F.log", true},
		{"%F.log", "/srv/%F.log", true},
		{"x/../%F.log", "%Y-%m-%d.log", true},
		{"%F.log", "/other/%F.log", false},
		{"%F.log", "%F-%H.log", false},
		{"%Y%m%d", "%y%j%H", false},
		{"%Y%m%d%H", "%y%j%H%M%-d", true},
		{"%b.log", "%a.log", false},
		{"%b.log", "May.log", true},
		{"%-d.log", "%d.log", true},
		{"%-d.log", "%j.log", false},
		{"%Y/%F.log", "%Y//%F.log", true},
		{"%Y/%F.log", "2026/app.log", false},
		{"%F.log", "2026-11-27.log.gz", true},
		{"%F.log", "2026-11-27.log.1", true},
		{"%F.log", "2026-11-27.log.1.zst", true},
		{"%F.log", "2026-11-27.log.1.old", false},
		{"%F.log", ".2026-11-27.log.pending", true},
		{"%F.log", ".2026-11-27.log.gz.pending", true},
		{"%F.log", ".2026-11-27.log", false},
		{"app.log", "app.log.%d", true},
		{"app.log", "app.log.%a", false},
		{"%s", "1234567890", true},
		{"%s", "current", false},
		{"%F%z", "2026-11-27+0100", true},
	} {
		compile := func(text string) *Paths {
			p, err := New(Config{Pattern: text, Zone: time.UTC, Repeat: true})
			if err != nil {
				t.Fatal(err)
			}
			return p.Paths(below, numbered)
		}
		a, b := compile(test.a), compile(test.b)
		if a.Overlap(b) != test.want || b.Overlap(a) != test.want {
			t.Errorf("%q and %q: got %v, %v, want %v", test.a, test.b, a.Overlap(b), b.Overlap(a), test.want)
		}
	}
	p, err := New(Config{Pattern: "app.log", Zone: time.UTC, Repeat: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Paths(below, derived).Overlap(Path("app.log.1", below)) {
		t.Error("there are numbers without a size")
	}
}

func TestAbove(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"b/cur", "b/cur/%F.log", true},
		{"b/cur", "./b//cur/x", true},
		{"b", "/srv/b/cur/%F.log", true},
		{"%Y", "%G/%F.log", true},
		{"%Y", "2026/12/app.log", true},
		{"%Y/%m", "2026/12/app.log", true},
		{"%Y", "app/2026", false},
		{"b/cur/%F.log", "b/cur", false},
		{"b/cur", "b/cur", false},
		{"b/cur", "b/current/%F.log", false},
		{"b/cur", "c/cur/%F.log", false},
	} {
		compile := func(text string) *Paths {
			p, err := New(Config{Pattern: text, Zone: time.UTC, Repeat: true})
			if err != nil {
				t.Fatal(err)
			}
			return p.Paths(below, Derived{})
		}
		if got := compile(test.a).Above(compile(test.b)); got != test.want {
			t.Errorf("%q above %q: got %v", test.a, test.b, got)
		}
	}
}

// Every name that a pattern gives is among its paths.
func TestPathsHoldNames(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"%F", "/var/%Y/%m/%e %k %l.log", "%c", "%A-%B-%p", "%s", "%Z%z-%F", "%G-W%V-%u", "%-j.%-H", "a//%D/%v.%y"} {
		for _, zone := range []string{"UTC", "Asia/Kathmandu", "America/St_Johns"} {
			where, err := LoadZone(zone)
			if err != nil {
				t.Fatal(err)
			}
			p, err := New(Config{Pattern: text, Zone: where, Every: Never})
			if err != nil {
				t.Fatal(err)
			}
			paths := p.Paths(below, Derived{})
			for at := time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2003; at = at.Add(31 * time.Hour) {
				if name := p.Name(Period{Start: at}); !paths.Overlap(Path(name, below)) {
					t.Fatalf("%q lacks %q", text, name)
				}
			}
		}
	}
}
