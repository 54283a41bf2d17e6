package intake

import (
	"testing"
	"time"

	"github.com/logreel/logreel/rotator/record"
)

// A record is over when the input has been seen to be empty for a second, and not because a
// second has passed: if nobody looked for that long, all begins anew.
func TestSilence(t *testing.T) {
	t.Parallel()
	read := time.Now()
	for _, test := range []struct {
		about  string
		looked []time.Duration // after the read
		want   bool
	}{
		{"on time", []time.Duration{record.MaxQuiet}, true},
		{"a little late", []time.Duration{record.MaxQuiet * 5 / 4}, true},
		{"stopped", []time.Duration{record.MaxQuiet * 3}, false},
		{"stopped, and looked again too soon", []time.Duration{record.MaxQuiet * 3, record.MaxQuiet*4 - 1}, false},
		{"stopped, and looked again", []time.Duration{record.MaxQuiet * 3, record.MaxQuiet * 4}, true},
		{"stopped again", []time.Duration{record.MaxQuiet * 3, record.MaxQuiet * 6}, false},
	} {
		s := silence{listens: true}
		for _, after := range test.looked {
			if now := read.Add(after); s.due(read, now) == 0 {
				s.note(read, now)
			}
		}
		if s.over != test.want {
			t.Errorf("%s: over is %v", test.about, s.over)
		}
	}
}

// Next returns when there has been a silence, once, and what it returns then says so, up to
// the lines that end it.
func TestSilentIsTold(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{MaxLine: 1 << 20, LastStart: func([]byte) int { return -1 }})
	write(t, w, "one\n")
	wantNext(t, r, "one\n")
	if r.Silent() {
		t.Error("the first line came after a silence")
	}
	for !r.Silent() {
		if lines, _, err := r.Next(time.Time{}); len(lines) > 0 || err != nil {
			t.Fatalf("got %q, %v", lines, err)
		}
	}
	write(t, w, "two\n")
	if lines, _, _ := r.Next(time.Time{}); string(lines) != "two\n" || !r.Silent() {
		t.Errorf("got %q, after a silence: %v", lines, r.Silent())
	}
	write(t, w, "three\n")
	if lines, _, _ := r.Next(time.Time{}); string(lines) != "three\n" || r.Silent() {
		t.Errorf("got %q, after a silence: %v", lines, r.Silent())
	}
}

// What waits in the input was written before the silence was noticed.
func TestFullInputIsNoSilence(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t, Config{MaxLine: 1 << 20, LastStart: func([]byte) int { return -1 }})
	write(t, w, "one\n")
	wantNext(t, r, "one\n")
	r.linger.last = time.Now().Add(-record.MaxQuiet * 5 / 4)
	write(t, w, "two\n")
	if r.listen(time.Now()); r.Silent() {
		t.Error("a line that waits is taken for a silence")
	}
	wantNext(t, r, "two\n")
	r.linger.last = time.Now().Add(-record.MaxQuiet * 5 / 4)
	if r.listen(time.Now()); !r.Silent() {
		t.Error("a silence is not noticed")
	}
}
