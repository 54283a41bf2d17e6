package rotator

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Who may only read a file does not hold up those who write to it.
func TestLockedByReader(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := os.WriteFile(b.path("1200"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(b.path("1200"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := errors.Join(unix.Flock(int(reader.Fd()), unix.LOCK_EX), unix.FcntlFlock(reader.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK})); err != nil {
		t.Fatal(err)
	}
	b.write("line\n")
	b.want("1200", "torn\nline\n")
	if b.live.locked {
		t.Error("it has a lock that it cannot have")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Second)
	b.write("more\n")
	if !b.live.locked {
		t.Error("it has not tried again")
	}
}
