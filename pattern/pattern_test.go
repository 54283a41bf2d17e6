package pattern

import (
	"strings"
	"testing"
	"time"
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustNew(t testing.TB, text, every, at string, zone *time.Location) *Pattern {
	t.Helper()
	c := Config{Pattern: text, Zone: zone}
	var err error
	if every != "" {
		if c.Every, err = ParseInterval(every); err != nil {
			t.Fatal(err)
		}
	}
	if at != "" {
		if c.At, err = ParseOffset(at); err != nil {
			t.Fatal(err)
		}
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	tests := []struct {
		about                     string
		pattern, every, at, zone  string
		now, start, end, fileName string
	}{
		{"a day", "%Y-%m-%d", "", "", "UTC",
			"2026-11-21T10:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-21"},
		{"a day of 25 hours", "%Y-%m-%d", "", "", "America/New_York",
			"2026-11-01T12:00:00-05:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "2026-11-01"},
		{"a day of 23 hours", "%Y-%m-%d", "", "", "America/New_York",
			"2026-03-08T12:00:00-04:00", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00", "2026-03-08"},
		{"a midnight that the clocks skip", "%Y-%m-%d", "", "", "Africa/Cairo",
			"2026-04-24T12:00:00+03:00", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00", "2026-04-24"},
		{"a day that no clock showed", "%Y-%m-%d", "", "", "Pacific/Apia",
			"2011-12-31T12:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00", "2011-12-31"},
		{"a repeated hour", "%Y-%m-%d-%H", "", "", "America/New_York",
			"2026-11-01T01:30:00-05:00", "2026-11-01T01:00:00-04:00", "2026-11-01T02:00:00-05:00", "2026-11-01-01"},
		{"a repeated hour told apart", "%Y-%m-%dT%H%z", "", "", "America/New_York",
			"2026-11-01T01:30:00-05:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00", "2026-11-01T01-0500"},
		{"its first occurrence", "%Y-%m-%dT%H%z", "", "", "America/New_York",
			"2026-11-01T01:30:00-04:00", "2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T01-0400"},
		{"a repeated quarter", "%Y-%m-%d-%H%M", "15m", "", "America/New_York",
			"2026-11-01T01:20:00-05:00", "2026-11-01T01:15:00-05:00", "2026-11-01T01:30:00-05:00", "2026-11-01-0115"},
		{"a boundary within the repeated hour", "%F-%H%M", "2h", "30m", "Europe/Berlin",
			"2026-10-25T02:10:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25-0030"},
		{"what follows it", "%F-%H%M", "2h", "30m", "Europe/Berlin",
			"2026-10-25T02:40:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T04:30:00+01:00", "2026-10-25-0230"},
		{"the same of days", "%F", "1d", "02:30", "Europe/Berlin",
			"2026-10-25T02:10:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-24"},
		{"the same told apart", "%F-%H%M%z", "2h", "30m", "Europe/Berlin",
			"2026-10-25T02:10:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25-0030+0100"},
		{"a boundary in a gap", "%F-%H", "1h", "30m", "Europe/Berlin",
			"2026-03-29T03:10:00+02:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-29-03"},
		{"half an hour repeated", "%H", "", "", "Australia/Lord_Howe",
			"2026-04-05T01:45:00+10:30", "2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30", "01"},
		{"an hour that begins in a gap", "%H", "", "", "Australia/Lord_Howe",
			"2026-10-04T02:45:00+11:00", "2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00", "02"},
		{"a day with %z stays whole when clocks change", "%Y-%m-%d%z", "", "", "America/New_York",
			"2026-11-01T12:00:00-05:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "2026-11-01-0400"},
		{"a day with %z stays whole when its last hour repeats", "%Y-%m-%d%z", "", "", "Africa/Cairo",
			"2026-10-29T23:30:00+02:00", "2026-10-29T00:00:00+03:00", "2026-10-30T00:00:00+02:00", "2026-10-29+0300"},
		{"shifted days", "%Y-%m-%d", "1d", "03:00", "UTC",
			"2026-11-21T02:59:59Z", "2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z", "2026-11-20"},
		{"shifted hours", "%Y-%m-%d-%H", "6h", "03:00", "UTC",
			"2026-11-21T02:00:00Z", "2026-11-20T21:00:00Z", "2026-11-21T03:00:00Z", "2026-11-20-21"},
		{"a week", "%Y-%m-%d", "1w", "", "UTC",
			"2026-11-22T12:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-16"},
		{"seven days are a week", "%Y-%m-%d", "7d", "", "UTC",
			"2026-11-22T12:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-16"},
		{"a week from Sunday", "%Y-%m-%d", "1w", "sun", "UTC",
			"2026-11-22T12:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z", "2026-11-22"},
		{"a week from Wednesday morning", "%Y-%m-%d", "1w", "wed 06:00", "UTC",
			"2026-11-25T05:00:00Z", "2026-11-18T06:00:00Z", "2026-11-25T06:00:00Z", "2026-11-18"},
		{"weeks of %U begin on Sunday", "%Y-%U", "", "", "UTC",
			"2026-11-22T12:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z", "2026-47"},
		{"weeks of %U begin on Monday when told", "%Y-%U", "", "mon", "UTC",
			"2026-11-22T12:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", "2026-46"},
		{"ISO weeks across New Year", "%G-W%V", "", "", "UTC",
			"2027-01-01T12:00:00Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z", "2026-W53"},
		{"ISO years", "%G", "", "", "UTC",
			"2027-01-01T12:00:00Z", "2025-12-29T00:00:00Z", "2027-01-04T00:00:00Z", "2026"},
		{"a month", "%Y-%m", "", "", "Europe/Berlin",
			"2026-03-31T23:59:59+02:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", "2026-03"},
		{"a month from the 15th", "%Y-%m", "1mo", "14d", "UTC",
			"2026-03-14T12:00:00Z", "2026-02-15T00:00:00Z", "2026-03-15T00:00:00Z", "2026-02"},
		{"a quarter of a year", "%Y-%m", "3mo", "", "UTC",
			"2026-12-31T12:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-10"},
		{"a year from April", "%Y", "1y", "3mo", "UTC",
			"2026-03-31T12:00:00Z", "2025-04-01T00:00:00Z", "2026-04-01T00:00:00Z", "2025"},
		{"a decade", "%Y", "10y", "", "UTC",
			"2026-03-31T12:00:00Z", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2020"},
		{"the last day of a leap year, for which ZoneBounds errs", "%Y-%m-%d", "", "", "America/New_York",
			"2040-12-31T12:00:00-05:00", "2040-12-31T00:00:00-05:00", "2041-01-01T00:00:00-05:00", "2040-12-31"},
		{"the last year before a century", "%C", "", "", "Europe/Berlin",
			"2096-12-31T12:00:00+01:00", "2000-01-01T00:00:00+01:00", "2100-01-01T00:00:00+01:00", "20"},
		{"half a day", "%F-%p", "", "", "UTC",
			"2026-11-21T13:00:00Z", "2026-11-21T12:00:00Z", "2026-11-22T00:00:00Z", "2026-11-21-PM"},
		{"two days", "%F", "2d", "", "UTC",
			"1970-01-02T13:00:00Z", "1970-01-01T00:00:00Z", "1970-01-03T00:00:00Z", "1970-01-01"},
		{"before 1970", "%F-%H", "12h", "", "UTC",
			"1969-12-31T13:00:00Z", "1969-12-31T12:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31-12"},
		{"ninety minutes", "%F-%H%M", "90m", "", "UTC",
			"2026-11-21T13:00:00Z", "2026-11-21T12:00:00Z", "2026-11-21T13:30:00Z", "2026-11-21-1200"},
		{"a second", "%s", "", "", "UTC",
			"2026-11-21T13:00:00.9Z", "2026-11-21T13:00:00Z", "2026-11-21T13:00:01Z", "1795266000"},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			p := mustNew(t, test.pattern, test.every, test.at, mustZone(t, test.zone))
			now, err := time.Parse(time.RFC3339, test.now)
			if err != nil {
				t.Fatal(err)
			}
			period := p.Period(now)
			if got := period.Start.Format(time.RFC3339); got != test.start {
				t.Errorf("start: got %s, want %s", got, test.start)
			}
			if got := period.End.Format(time.RFC3339); got != test.end {
				t.Errorf("end: got %s, want %s", got, test.end)
			}
			if got := p.Name(period); got != test.fileName {
				t.Errorf("name: got %s, want %s", got, test.fileName)
			}
			if again := p.Period(period.Start); again != period {
				t.Errorf("period of its start: got %v, want %v", again, period)
			}
			if period.Over(period.End.Add(-1)) || !period.Over(period.End) {
				t.Error("Over does not change at the end")
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, every, at string
		want               string // part of the error; empty for none
	}{
		{"app-%Y-%m-%d.log", "", "", ""},
		{"app.log", "never", "", ""},
		{"%Y.log", "never", "", ""},
		{"%Y%m%d", "1w", "", ""},
		{"%Y-%m", "31d", "", ""},
		{"%Y-%m-%d_100%%", "", "", ""},
		{"app.log", "", "", "no time field"},
		{"app-%z.log", "", "", "no time field"},
		{"", "", "", "empty"},
		{"logs/%Y/", "", "", "directory"},
		{"a\x00%Y", "", "", "NUL"},
		{"größe-%Q", "", "", "%Q at character 7 is not a time field; write %%"},
		{"celery/%n-%Y.log", "", "", "%n at character 8 is not a time field; elsewhere it is a newline, or stands for a name: type that itself"},
		{"%t-%Y.log", "", "", "%t at character 1 is not a time field; elsewhere it is a tab, or the time: type a tab itself, or %s"},
		{"%Y-%N", "", "", "%N at character 4 is not a time field; write %S"},
		{"%Ey", "", "", "%E at character 1"},
		{"%-Od", "", "", "%-O at character 1"},
		{"%ü", "", "", "%ü at character 1"},
		{"%\n", "", "", `"%\n" at character 1`},
		{"%#d", "", "", "%# at character 1"},
		{"%-F", "", "", "no padding to leave out; write %F"},
		{"%Y%", "", "", "% at character 3 is cut short"},
		{"%Y%-", "", "", "%- at character 3 is cut short"},
		{"%Y-%m-%d", "1h", "", "no hour, so the files could not be told apart; add %H"},
		{"%Y-%m-%d-%H", "15m", "", "no minute"},
		{"%Y-%m-%d-%H%M", "30s", "", "no second"},
		{"%Y-%m", "1d", "", "no day"},
		{"%Y-%m", "1w", "", "add %d"},
		{"%Y-%m", "30d", "", "no day"},
		{"%Y", "1mo", "", "no month"},
		{"%Y", "365d", "", "no month"},
		{"%C", "10y", "", "no year"},
		{"%C", "1d", "", "no year, no month and no day, so the files could not be told apart; add %y%m%d"},
		{"%G-%V", "1d", "", "no day of the week, so the files could not be told apart; add %u"},
		{"%F-%H", "30s", "", "no minute and no second, so the files could not be told apart; add %M%S"},
		{"%F-%H%S", "30s", "", "no minute, so the files could not be told apart; add %M"},
		{"%G", "1w", "", "no week, so the files could not be told apart; add %V"},
		{"%G", "1d", "", "add %V%u"},
		{"%G-%d", "1w", "", "no calendar year and no month, so the files could not be told apart; add %Y%m"},
		{"%Y", "1h", "", "add %m%d%H"},
		{"%p", "6h", "", "add %I"},
		// A gap in the middle.
		{"%H%S", "", "", "no minute, so the files could not be told apart; add %M"},
		{"%Y-%d", "", "", "no month"},
		{"%Y%H", "", "", "add %m%d"},
		{"%m-%a", "", "", "no day, so"},
		{"%a-%M", "", "", "no hour"},
		{"%Y-%a", "", "", "add %m%d"},
		{"%F-%I", "", "", "no AM or PM, so the files could not be told apart; add %p"},
		{"%F-%I", "12h", "", "add %p"},
		{"%F-%p-%M", "", "", "no hour, so the files could not be told apart; add %I"},
		{"%C%m", "", "", "add %y"},
		{"%Y-%d", "1mo", "", "add %m"},
		// Calendars that do not go together.
		{"%G-%m", "", "", "no calendar year, so the files could not be told apart; add %Y"},
		{"%G-%U", "", "", "add %Y"},
		{"%G-%F", "", "", ""},
		{"%Y-%V", "", "", ""},
		// Names that come round, or are told apart by more than is needed.
		{"%H", "", "", ""},
		{"%a", "", "", ""},
		{"%M", "", "", ""},
		{"%d", "", "", ""},
		{"%H%M", "", "", ""},
		{"%I%M", "", "", ""},
		{"%a-%H", "", "", ""},
		{"%m-%d", "", "", ""},
		{"%V-%u", "", "", ""},
		{"%V-%d", "", "", ""},
		{"%Y-%j", "", "", ""},
		{"%m/%F", "", "", ""},
		{"%d-%a", "", "", ""},
		{"%Y%H", "1y", "", ""},
		{"%F-%H-%S", "1h", "", ""},
		{"%s-%S", "", "", ""},
		{"%Y-%H", "never", "", ""},
		// Names that stay.
		{"%A", "1w", "", "gives one period and the next the same name, so its file would not rotate; add %Y%m%d"},
		{"%m", "1y", "", "add %Y"},
		{"%H", "1d", "", "add %Y%m%d"},
		{"%M", "2h", "", "the same name"},
		{"%d", "1mo", "", "the same name"},
		{"%a", "1mo", "", "the same name"},
		{"%I", "12h", "", "the same name"},
		{"%F", "never", "03:00", "nothing to shift"},
		{"%F", "1d", "24h", "not less than the interval"},
		{"%F", "1d", "sun", "goes with weeks"},
		{"%F", "1mo", "mon", "goes with weeks, not with --every=1mo"},
		{"%Y-%m", "", "sun 03:00", "goes with weeks, not with --every=1mo"},
		{"%Y", "10y", "sun", "goes with weeks"},
		{"%G", "", "sun", "goes with weeks"},
		{"%F", "2w", "sun", ""},
		{"%F-%H%M", "7m", "", "--every=7m does not divide a day evenly; write 6m or 8m, or add --at=epoch"},
		{"%F-%H", "5h", "", "write 4h or 6h"},
		{"%F", "36h", "", "write 1d or 2d, or add --at=epoch"},
		{"%Y-%m", "5mo", "", "write 4mo or 6mo"},
		{"%Y-%m", "18mo", "", "write 1y or 2y"},
		{"%F-%H%M", "7m", "epoch", ""},
		{"%F", "36h", "epoch", ""},
		{"%F", "1h", "epoch", ""},
		{"app.log", "1h", "epoch", ""},
		{"app.log", "", "epoch", "no time field"},
		{"%F", "1mo", "epoch", "months are not counted from 1970"},
		{"%F", "1w", "epoch sun", "begin on Thursday"},
		{"%F", "1d", "epoch 24h", "not less than"},
		{"app.%Es", "1h", "", ""},
		{"%F-%H", "6h", "06:00", "not less than"},
		{"%F", "1w", "7d", "not less than"},
		{"%F", "1mo", "28d", "less than 28d"},
		{"%F", "1mo", "1mo", "fewer months"},
		{"%F", "1d", "1mo", "not less than"},
		{"%G", "1y", "3mo", "begin with a week"},
	}
	for _, test := range tests {
		t.Run(test.pattern+" "+test.every+" "+test.at, func(t *testing.T) {
			t.Parallel()
			c := Config{Pattern: test.pattern, Zone: time.UTC}
			var err error
			if test.every != "" {
				if c.Every, err = ParseInterval(test.every); err != nil {
					t.Fatal(err)
				}
			}
			if test.at != "" {
				if c.At, err = ParseOffset(test.at); err != nil {
					t.Fatal(err)
				}
			}
			_, err = New(c)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got error %v, want none", err)
			case test.want != "" && err == nil:
				t.Errorf("got no error, want %q", test.want)
			case test.want != "" && !strings.Contains(err.Error(), test.want):
				t.Errorf("got error %v, want %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "\n"):
				t.Errorf("an error of more than one line: %v", err)
			}
		})
	}
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Pattern: "app.log", Repeat: true})
	if err != nil {
		t.Fatal(err)
	}
	if period := p.Period(time.Now()); !period.End.IsZero() || p.Name(period) != "app.log" {
		t.Errorf("got %v %q, want a period without end", period, p.Name(period))
	}
	_, err = New(Config{Pattern: "app.log", Repeat: true, Every: minute})
	if err == nil || !strings.HasSuffix(err.Error(), "add %Y%m%d%H%M") {
		t.Errorf("an interval for a pattern without a time field: got %v, want what to add", err)
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Pattern: "50%-@Y-@-m@@.log", Escape: '@', Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Name(p.Period(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)))
	if want := "50%-2026-3@.log"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := New(Config{Pattern: "@Y-@Q", Escape: '@'}); err == nil || !strings.Contains(err.Error(), "@Q at character 4") {
		t.Errorf("got error %v, want one that names @Q", err)
	}
}

// Neighbours of a field must not change its meaning, as they would in a layout of
// package time.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 15, 4, 5, 0, time.UTC)
	for text, want := range map[string]string{
		"%bx": "Novx", "%aday": "Tueday", "%ath": "Tueth", "P%a": "PTue", "P%Z%d": "PUTC24",
		"__%Y": "__2026", "_%d": "_24", "%y%d": "2624", "J%ban": "JNovan", ".%S": ".05", "%p%Y": "PM2026",
	} {
		p := mustNew(t, text, "never", "", time.UTC)
		if got := p.render.FormatString(at); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	newYork := mustZone(t, "America/New_York")
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, newYork)
	for _, test := range []struct {
		pattern string
		zone    *time.Location
		want    string
	}{
		{"%F-%H", newYork, "2026-11-01 at 02:00"},
		{"%F-%H%z", newYork, ""},
		{"%F", newYork, ""},
		{"%F-%H", time.UTC, ""},
		{"%Y-W%V", time.UTC, "%G"},
		{"%G-W%V", time.UTC, ""},
	} {
		p := mustNew(t, test.pattern, "", "", test.zone)
		got := p.Advice(now) + p.Warning()
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.pattern, got, test.want)
		}
	}
}
