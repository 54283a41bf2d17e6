package filename

import "testing"

func TestCutEnding(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, plain, ending string }{
		{"app.log", "app.log", ""},
		{"app.log.gz", "app.log", ".gz"},
		{"app.log.3.zst", "app.log.3", ".zst"},
		{"app.log.3.zst.gz", "app.log.3.zst", ".gz"},
		{"app.log.3.gz.zst", "app.log.3.gz", ".zst"},
		{"app.gz.log", "app.gz.log", ""},
		{"app.log.GZ", "app.log.GZ", ""},
		{"loggz", "loggz", ""},
		{".gz", "", ".gz"},
		{"", "", ""},
	} {
		if plain, ending := CutEnding(test.name); plain != test.plain || ending != test.ending {
			t.Errorf("%q: got %q, %q, want %q, %q", test.name, plain, ending, test.plain, test.ending)
		}
	}
}

func TestCutNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, base string
		number     int
	}{
		{"app.log.1", "app.log", 1},
		{"app.log.10", "app.log", 10},
		{"app.log.1.2", "app.log.1", 2},
		{"/var/log.1/app.2", "/var/log.1/app", 2},
		{"app.999999999", "app", LastNumber},
		{".1", "", 1},
		{"app.log", "app.log", 0},
		{"app", "app", 0},
		{"", "", 0},
		{"app.", "app.", 0},
		{"/var/log.1/app", "/var/log.1/app", 0},
		{"app.0", "app.0", 0},
		{"app.07", "app.07", 0},
		{"app.+7", "app.+7", 0},
		{"app.-7", "app.-7", 0},
		{"app. 7", "app. 7", 0},
		{"app.7 ", "app.7 ", 0},
		{"app.1_0", "app.1_0", 0},
		{"app.0x1", "app.0x1", 0},
		{"app.٣", "app.٣", 0},
		{"app.1000000000", "app.1000000000", 0},
		{"app.2147483648", "app.2147483648", 0},
		{"app.9223372036854775807", "app.9223372036854775807", 0},
		{"app.18446744073709551617", "app.18446744073709551617", 0},
	} {
		base, number := CutNumber(test.name)
		if base != test.base || number != test.number {
			t.Errorf("%q: got %q, %d, want %q, %d", test.name, base, number, test.base, test.number)
		}
		if got := Numbered(base, number); got != test.name {
			t.Errorf("%q: put together again it is %q", test.name, got)
		}
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{Pending, Handed, Temporary, Done} {
		for _, name := range []string{"app.log", ".app", "app.log.gz", "a.tmp"} {
			hidden := Hidden(name, ending)
			if of, got, ok := CutHidden(hidden); !ok || of != name || got != ending {
				t.Errorf("%q: got %q, %q, %v", hidden, of, got, ok)
			}
			if got, want := Hidden("/var/log/"+name, ending), "/var/log/"+hidden; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	for _, name := range []string{"", "app.log", ".app.log", "app.log.tmp", ".app.log.tmp.gz", ".app.tmp2"} {
		if of, ending, ok := CutHidden(name); ok {
			t.Errorf("%q: got %q, %q", name, of, ending)
		}
	}
}
