package output

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/messages"
)

// Lines that are given up end no fault.
func TestAbandonEndsNoFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := pattern.New(pattern.Config{Pattern: dir + "/logs/app.log", Every: pattern.Never})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []string
	begun := make(chan bool, 10)
	say := func(format string, _ ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, format)
		begun <- true
	}
	printer := messages.Printer{Say: say, Warn: say}
	o, err := New(Config{Rotator: rotator.Config{Pattern: names, Messages: printer}, Buffer: 1000, Messages: printer})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.RunInBackground(false); err != nil {
		t.Fatal(err)
	}
	o.Give([]byte("a line\n"), time.Now())
	o.Schedule()
	<-begun
	if lost, err := o.End(0); lost != 1 || err != nil {
		t.Errorf("%d lines lost, %v; want 1", lost, err)
	}
	for !o.background.done.Load() {
		time.Sleep(time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(said) != 1 || strings.Contains(said[0], "over after") {
		t.Errorf("said %q", said)
	}
}
