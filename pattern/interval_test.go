package pattern

import (
	"strings"
	"testing"
)

func TestParseInterval(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"30s": "30s", "90s": "90s", "60m": "1h", "24h": "1d", "7d": "1w", "12mo": "1y", "never": "never",
		"15m": "15m", "3mo": "3mo", "2w": "2w", "10d": "10d", "90m": "90m",
	} {
		if got, err := ParseInterval(text); err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": intervalForm, "d": intervalForm, "1": intervalForm, "1D": intervalForm, "0d": intervalForm, "-1d": intervalForm,
		"+1d": intervalForm, "1.5h": intervalForm, "1 d": intervalForm, "2000y": "1000 years", "9999999999999d": intervalForm,
	} {
		if got, err := ParseInterval(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestParseOffset(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "3", "25:00", "03:60", "3:00", "someday", "sun mon", "-3h", "03:00am"} {
		if got, err := ParseOffset(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
	got, err := ParseOffset("Sunday 03:00:30 2d")
	if want := (Offset{text: "Sunday 03:00:30 2d", weekday: 7, seconds: 3*3600 + 30 + 2*daySeconds}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
