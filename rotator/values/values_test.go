package values

import (
	"strings"
	"testing"
	"time"

	"github.com/logreel/logreel/rotator"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "500000": 500000, "64K": 64 << 10, "64k": 64 << 10, "10M": 10 << 20, "2G": 2 << 30, "1T": 1 << 40,
		"8388607T": 8388607 << 40,
	} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "+1", "1.5M", "10MB", "M", "1KK", " 1", "8388608T", "99999999999999999999", "0x10", "1_000"} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

// What is read is written such that it reads the same.
func FuzzSize(f *testing.F) {
	f.Add("10M")
	f.Add("1025")
	f.Fuzz(func(t *testing.T, text string) {
		var size, again Size
		if size.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(size.String())); err != nil || again != size {
			t.Fatalf("%q is %d, written %v, which is %d, %v", text, size, size, again, err)
		}
	})
}

func TestMode(t *testing.T) {
	t.Parallel()
	var got Mode
	if err := got.UnmarshalText([]byte("0640")); err != nil || got != 0o640 {
		t.Errorf("got %o, %v", got, err)
	}
	for _, text := range []string{"", "648", "rw-r-----", "10777", "-1", "0o640"} {
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %o, want an error", text, got)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rotator.Owner{
		"root": {UID: 0, GID: -1}, "0:0": {UID: 0, GID: 0}, ":12": {UID: -1, GID: 12}, "54321:54322": {UID: 54321, GID: 54322},
	} {
		var got Owner
		if err := got.UnmarshalText([]byte(text)); err != nil || *got.Owner != want {
			t.Errorf("%s: got %v, %v, want %v", text, got.Owner, err, want)
		}
	}
	for _, text := range []string{"", ":", "root:", "no such user", "-1", "1:no such group", "99999999999"} {
		var got Owner
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, got.Owner)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	for text, want := range map[string]string{
		"2026-11-21 02:00":          "2026-11-21T02:00:00+01:00",
		"2026-11-21 02:00:30":       "2026-11-21T02:00:30+01:00",
		"2026-11-21T02:00":          "2026-11-21T02:00:00+01:00",
		"2026-11-21":                "2026-11-21T00:00:00+01:00",
		"2026-11-21T02:00:00-05:00": "2026-11-21T02:00:00-05:00",
		"2026-11-21 02:00:00-05:00": "2026-11-21T02:00:00-05:00",
		"2026-11-21 02:00:00.5Z":    "2026-11-21T02:00:00Z",
		"2026-11-21t02:00:00z":      "2026-11-21T02:00:00Z",
		"2026-11-21t02:00":          "2026-11-21T02:00:00+01:00",
	} {
		var got Time
		if err := got.UnmarshalText([]byte(text)); err != nil || got.In(zone).Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v, want %s", text, got.In(zone), err, want)
		}
	}
	for text, want := range map[string]string{
		"2026-02-29":                ": the day is out of range; write",
		"2026-13-01 02:00":          ": the month is out of range; write",
		"2026-11-21 24:00":          ": the hour is out of range; write",
		"2026-11-21T02:60:00+01:00": ": the minute is out of range; write",
		"2026-11-21t02:00:60z":      ": the second is out of range; write",
		"2026-11-21 02:00 +01:00":   " is not a time; write",
		"2026-11-21x02:00":          " is not a time; write",
		"2026-11-21T":               " is not a time; write",
		"tomorrow":                  " is not a time; write",
		"":                          " is not a time; write",
	} {
		var got Time
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", text, got, err, want)
		}
	}
	var none Time
	if none.Given() || time.Since(none.In(zone)) > time.Minute {
		t.Error("no time is not now")
	}
}
