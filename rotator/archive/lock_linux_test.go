package archive

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Who may only read a finished file does not keep it from being looked after, once nobody has
// written to it for a minute.
func TestLockedByReader(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, daily)
	fx.KeepCount, fx.Compress = 1, FormatNamed("gzip")
	fx.put("2026-11-19.log", "2026-11-20.log")
	for _, name := range []string{"2026-11-19.log", "2026-11-20.log"} {
		reader, err := os.Open(fx.path(name))
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		all := unix.Flock_t{Type: unix.F_RDLCK}
		if err := errors.Join(unix.Flock(int(reader.Fd()), unix.LOCK_EX), unix.FcntlFlock(reader.Fd(), unix.F_OFD_SETLK, &all)); err != nil {
			t.Fatal(err)
		}
	}
	modified := func(ago time.Duration) {
		at := fx.Config.withDefaults().Now().Add(-ago)
		if err := errors.Join(os.Chtimes(fx.path("2026-11-19.log"), at, at), os.Chtimes(fx.path("2026-11-20.log"), at, at)); err != nil {
			t.Fatal(err)
		}
	}
	modified(59 * time.Second)
	fx.run().want("2026-11-19.log", "2026-11-20.log")
	modified(time.Minute)
	fx.run().want("2026-11-20.log.gz")
	fx.wantQuiet()
}
