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

// What only some may read does not come into a file that others may read.
func TestNothingDisclosed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const shop = 54321
	newOne := func() *fixture {
		fx := newFixture(t, daily)
		fx.Compress = stored
		fx.write(yesterday, "theirs\n")
		if err := errors.Join(os.Chmod(fx.path(yesterday), 0o644), os.Chown(fx.path(yesterday), shop, shop)); err != nil {
			t.Fatal(err)
		}
		return fx
	}

	fx := newOne()
	fx.write(yesterday+".gz", packed(t, "secret\n"))
	fx.run().want(yesterday, yesterday+".gz")
	fx.wantSaid(yesterday + ".gz has another owner; move one of them away")

	fx = newOne()
	fx.write(yesterday+".gz", packed(t, "secret\n"))
	if err := errors.Join(os.Chown(fx.path(yesterday+".gz"), shop, shop), os.Chmod(fx.path(yesterday+".gz"), 0o600)); err != nil {
		t.Fatal(err)
	}
	fx.run().want(yesterday + ".gz")
	if info, err := os.Stat(fx.path(yesterday + ".gz")); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}

	// Another file of the same size has the name while it is read.
	fx = newOne()
	fx.Compress = FormatNamed("gzip")
	fx.write("secret", "secret\n")
	swap := func() {
		if err := unix.Renameat2(unix.AT_FDCWD, fx.path("secret"), unix.AT_FDCWD, fx.path(yesterday), unix.RENAME_EXCHANGE); err != nil {
			t.Fatal(err)
		}
	}
	made, opened := false, 0 // since the temporary file was made
	fx.Files = &faultyDisk{at: func(_ int, op string) error {
		made = made || op == "create"
		if made && op == "open" {
			if opened++; opened == 1 || opened == 3 { // for the compressed file, the original, and its lock
				swap()
			}
		}
		return nil
	}}
	fx.run()
	if opened == 0 {
		t.Error("nothing was swapped")
	}
	if _, err := os.Stat(fx.path(yesterday + ".gz")); err == nil && unpacked(t, fx.path(yesterday+".gz")) == "secret\n" {
		t.Error("what was compressed is another's")
	}
}

// What is root's is not written into a temporary file that the directory's owner has open.
func TestNothingDisclosedToTheOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const shop = 54321
	temporary := "." + yesterday + ".gz.tmp"
	fx := newFixture(t, daily)
	fx.Compress = stored
	fx.write(yesterday, "secret\n")
	if err := os.Chown(fx.dir, shop, shop); err != nil {
		t.Fatal(err)
	}
	fx.Files = &faultyDisk{at: func(_ int, op string) error {
		if op == "create" {
			fx.write(temporary, "")
			return os.Chown(fx.path(temporary), shop, shop)
		}
		return nil
	}}
	fx.run().want(yesterday, temporary)
	fx.wantSaid(temporary + " has another owner; remove it")
	if got := readAll(t, fx.path(temporary)); got != "" {
		t.Errorf("it has %q", got)
	}
	fx.Files, fx.said = nil, nil
	fx.run().want(yesterday + ".gz")
	fx.wantQuiet()
}

// The application's own files are compressed in its directory, and stay its own.
func TestSomebodyElsesFiles(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const shop, other = 54321, 54322
	for about, test := range map[string]struct {
		mode           os.FileMode
		dir, gid, file int
	}{
		"the owner's":            {0o755, shop, shop, shop},
		"--owner's":              {0o755, shop, shop, other},
		"a member's":             {0o775 | os.ModeSetgid, 0, shop, other},
		"root's":                 {0o755, shop, shop, 0},
		"in everybody's":         {0o777, 0, 0, shop},
		"in everybody's, sticky": {0o777 | os.ModeSticky, 0, 0, shop},
		"in root's":              {0o755, 0, 0, shop},
	} {
		fx := newFixture(t, daily)
		fx.Compress = stored
		fx.write(yesterday, "theirs\n")
		if err := errors.Join(os.Chown(fx.path(yesterday), test.file, test.gid), os.Chown(fx.dir, test.dir, test.gid), os.Chmod(fx.dir, test.mode)); err != nil {
			t.Fatal(err)
		}
		fx.run().want(yesterday + ".gz")
		fx.wantQuiet()
		var st unix.Stat_t
		if err := unix.Stat(fx.path(yesterday+".gz"), &st); err != nil || int(st.Uid) != test.file || int(st.Gid) != test.gid || st.Mtim.Nano() != written.UnixNano() {
			t.Errorf("%s: %d:%d, of %v, %v", about, st.Uid, st.Gid, time.Unix(st.Mtim.Unix()), err)
		}
	}
}
