package pattern

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLevels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		want    []string // "%" for a level with fields
	}{
		{"%Y.log", []string{"%"}},
		{"/var/log/shop/%Y-%m-%d.log", []string{"", "var", "log", "shop", "%"}},
		{"logs//app-%Y/x/%m.log", []string{"logs", "", "%", "x", "%"}},
		{"../%D.log", []string{"..", "%", "%", "%"}},
		{"a%%b/%Y", []string{"a%b", "%"}},
	} {
		p, err := New(Config{Pattern: test.pattern, Zone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		var got, path []string
		name := strings.Split(p.Name(p.Period(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))), "/")
		for i, l := range p.Levels() {
			text := l.Text
			if l.Varies() {
				text = "%"
				if !l.Matches(name[i]) || l.Matches(name[i]+"x") || l.Matches("") {
					t.Errorf("%s: level %d does not match %q alone", test.pattern, i, name[i])
				}
			} else if text != name[i] {
				t.Errorf("%s: level %d is %q, want %q", test.pattern, i, text, name[i])
			}
			got, path = append(got, text), append(path, name[i])
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.pattern, got, test.want)
		}
		if _, err := p.Parse(strings.Join(path, "/")); err != nil {
			t.Errorf("%s: %v", test.pattern, err)
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	berlin, err := LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 26, 12, 0, 0, 0, berlin) // clocks went back the day before
	for text, want := range map[string]string{
		"90s": "2026-10-26 11:58:30 +0100", "12h": "2026-10-26 00:00:00 +0100", "36h": "2026-10-25 01:00:00 +0200",
		"2d": "2026-10-24 12:00:00 +0200", "8w": "2026-08-31 12:00:00 +0200",
		"6mo": "2026-04-26 12:00:00 +0200", "1y": "2025-10-26 12:00:00 +0100",
	} {
		var a Age
		if err := a.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := a.Before(now).Format("2006-01-02 15:04:05 -0700"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "never", "0d", "-1d", "1", "d", "1001y", "1.5h"} {
		var a Age
		if err := a.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "such as 12h 30d") {
			t.Errorf("%q: got %v, want what to write", text, err)
		}
	}
}
