package record

import (
	"strings"
	"testing"
	"time"
)

// A line without a beginning goes on with the record of its own process, or else has a
// stamp of its own.
func TestEditorStampsRecordsOfWriters(t *testing.T) {
	t.Parallel()
	e := NewEditor(EditorConfig{Stamp: newStamp("%S "), Start: compile(t, `^R`), MaxLine: 100}, nil)
	const text = "R one\nR two\nof two\nprinted\nof one\nof 3\n"
	writers := []Writer{{1, 1, false}, {2, 2, false}, {3, 1, false}, {1, 1, false}, {3, 1, false}}
	const want = "00 R one\n00 R two\nof two\n00 printed\nof one\nof 3\n"
	if got := string(e.Route([]byte(text), at, writers, nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, step := range []struct {
		after time.Duration
		pid   int32
		want  string
	}{
		{MaxQuiet / 2, 3, "x\n"},
		{MaxQuiet, 2, "01 x\n"},   // quiet, while another was not
		{10 * MaxQuiet, 2, "x\n"}, // nobody has looked
	} {
		if got := string(e.Route([]byte("x\n"), at.Add(step.after), []Writer{{step.pid, 1, false}}, nil)); got != step.want {
			t.Errorf("after %v: got %q, want %q", step.after, got, step.want)
		}
	}
	e.End()
	if got, want := string(e.Route([]byte("x\n"), at.Add(10*MaxQuiet), []Writer{{2, 1, false}}, nil)), "10 x\n"; got != want {
		t.Errorf("after the end: got %q, want %q", got, want)
	}
}

// Clocks that change change the stamp, and nothing else does.
func TestStampWhenClocksChange(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	s, err := NewStamp("%FT%T.%L%z %Z|", '%', berlin)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ at, want string }{
		{"2026-10-25T00:59:59.999999999Z", "2026-10-25T02:59:59.999+0200 CEST|"},
		{"2026-10-25T01:00:00Z", "2026-10-25T02:00:00.000+0100 CET|"},
		{"2026-03-29T00:59:59.9Z", "2026-03-29T01:59:59.900+0100 CET|"},
		{"2026-03-29T01:00:00.001Z", "2026-03-29T03:00:00.001+0200 CEST|"},
		{"2026-12-31T23:00:00.0009Z", "2027-01-01T00:00:00.000+0100 CET|"},
	} {
		at, err := time.Parse(time.RFC3339Nano, test.at)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEditor(EditorConfig{Stamp: s, MaxLine: 100}, nil)
		if got := string(e.Route([]byte("x\n"), at, nil, nil)); got != test.want+"x\n" {
			t.Errorf("%s: %q, want %q", test.at, got, test.want)
		}
	}
}

// Downstream the lines that have a stamp begin a record, if what is behind it does.
func TestStartsStamped(t *testing.T) {
	t.Parallel()
	stamp := newStamp("%a %e %b %Y %-H:%M:%S.%L %z %Z %p %s %{pid} %{stream}> ")
	starts := NewStarts(compile(t, `^\d{4}-`), 5).Stamped(stamp)
	for hour := range 24 {
		text := "first\n"
		want := len(text)
		text += string(stamp.append(nil, at.Add(time.Duration(hour)*401*time.Hour), int32(hour*1000))) + "2026-11 x\n"
		end := len(text)
		text += "2026- no stamp\n" + string(stamp.append(nil, at, 1)) + "no start\n"
		if got := starts.First([]byte(text)); got != want {
			t.Fatalf("First(%q) = %d, want %d", text, got, want)
		}
		if got := starts.Last([]byte(text)); got != want {
			t.Fatalf("Last(%q) = %d, want %d", text, got, want)
		}
		if got := starts.First([]byte(text[end:])); got != -1 {
			t.Fatalf("First(%q) = %d, want none", text[end:], got)
		}
	}
	plain := NewStarts(compile(t, `^ERROR`), 100).Plain()
	if got := plain.Last([]byte("x\n\x1b[31mERROR\x1b[0m\n ERROR\n")); got != 2 {
		t.Errorf("Last = %d, want 2", got)
	}
}

func TestStampMistakes(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"%F %Q ":                        `format "%F %Q ": %Q at character 4 is not a time field; write %% for the character itself`,
		"%{host} ":                      `format "%{host} ": %{host} is not a field; write %{pid} or %{stream}`,
		"%{pid":                         `format "%{pid": %{pid is not a field; write %{pid} or %{stream}`,
		"on ":                           `format "on " has no field; write one such as '%F %T ' (a configuration file may want the % doubled)`,
		"%F\n":                          `the format has a newline in it, and a stamp is a part of a line`,
		"%F %":                          `format "%F %": % at character 4 is cut short; write %% for the character itself`,
		"%F" + strings.Repeat("x", 600): `the format makes 610 bytes before each line; write one of 512 at the most`,
		"%L %-L":                        `format "%L %-L": %-L at character 4 is not a time field; write %S`,
	} {
		if _, err := NewStamp(format, '%', time.UTC); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", format, err, want)
		}
	}
	s, err := NewStamp("@T@@%F.@L.@f@{stream}", '@', time.FixedZone("", 3600))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(s.On("err").append(nil, at, 1)), "11:00:00@%F.123.123456err"; got != want {
		t.Errorf("stamp %q, want %q", got, want)
	}
}
