package archive

import (
	"testing"
	"time"
)

// passWanted reports whether a pass was wanted since it was last asked.
func (a *Archiver) passWanted() bool {
	select {
	case <-a.wake:
		return true
	default:
		return false
	}
}

// A pass is made when the work begins, when a file is finished, and when there was none
// for an hour by the clock of the wall, also when somebody has set that back.
func TestTick(t *testing.T) {
	t.Parallel()
	now := noon
	a := NewArchiver(Config{Pattern: compilePattern(t, daily), KeepCount: 1, Now: func() time.Time { return now }}, nil)
	for _, step := range []struct {
		about    string
		after    time.Duration // since noon
		finished bool
		want     bool
		until    time.Duration
	}{
		{"the start", 0, false, true, time.Hour},
		{"at once", 0, false, false, time.Hour},
		{"nearly an hour", time.Hour - 1, false, false, time.Hour},
		{"an hour", time.Hour, false, true, 2 * time.Hour},
		{"late", 5 * time.Hour, false, true, 6 * time.Hour},
		{"a file is finished", 5*time.Hour + 30*time.Minute, true, true, 6*time.Hour + 30*time.Minute},
		{"an hour after the one before that", 6 * time.Hour, false, false, 6*time.Hour + 30*time.Minute},
		{"the clock is set back by a moment", 5*time.Hour + 30*time.Minute - 1, false, true, 6*time.Hour + 30*time.Minute - 1},
		{"the clock is set back by days", -48 * time.Hour, false, true, -47 * time.Hour},
		{"after that", -47*time.Hour - 1, false, false, -47 * time.Hour},
		{"an hour after that", -47 * time.Hour, false, true, -46 * time.Hour},
		{"the clock is set ahead", 48 * time.Hour, false, true, 49 * time.Hour},
	} {
		now = noon.Add(step.after)
		if step.finished {
			a.Finished("file")
		}
		a.Tick(now)
		if got := a.passWanted(); got != step.want {
			t.Errorf("%s: a pass is wanted: %v, want %v", step.about, got, step.want)
		}
		if got, want := a.Until(), noon.Add(step.until); !got.Equal(want) {
			t.Errorf("%s: until %v, want %v", step.about, got, want)
		}
	}
}

// The hour is that of the wall, for which the caller sets an alarm: one reckoned by the
// monotonic clock would not be over when that fires after a suspension.
func TestTickByTheWall(t *testing.T) {
	t.Parallel()
	for about, tell := range map[string]func(a *Archiver){
		"Tick":     func(a *Archiver) { a.Tick(time.Now()) },
		"Finished": func(a *Archiver) { a.Finished("file") },
	} {
		a := NewArchiver(Config{Pattern: compilePattern(t, daily), KeepCount: 1}, nil)
		if tell(a); !a.passWanted() {
			t.Errorf("%s: no pass is wanted", about)
		}
		if got := a.Until(); got != got.Round(0) {
			t.Errorf("%s: until %v, with a monotonic reading", about, got)
		}
	}
}

// Where finished files are left alone, nothing but their sync is wanted.
func TestTickIdle(t *testing.T) {
	t.Parallel()
	a := NewArchiver(Config{Pattern: compilePattern(t, daily), Now: func() time.Time { return noon }}, nil)
	for _, at := range []time.Time{noon, noon.Add(2 * time.Hour), noon.Add(-time.Hour)} {
		if a.Tick(at); a.passWanted() || !a.Until().IsZero() {
			t.Errorf("a pass is wanted at %v, until %v", at, a.Until())
		}
	}
	if a.Finished("file"); !a.passWanted() || !a.Until().IsZero() {
		t.Errorf("the sync is not wanted, or more: until %v", a.Until())
	}
}
