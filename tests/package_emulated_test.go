//go:build linux

package tests

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// emulator runs a program for arm64 here; it is of Debian's qemu-user.
const emulator = "qemu-aarch64"

// An emulation runs the program for arm64 that is in the tarball.
type emulation struct {
	build
	program string
}

func emulate(t *testing.T) *emulation {
	t.Helper()
	need(t, emulator)
	first, _, _ := packages(t)
	e := &emulation{first, filepath.Join(t.TempDir(), "logreel")}
	text := untar(t, unzip(t, first.tarball("arm64")))["logreel-"+first.version+"/bin/logreel"]
	if err := os.WriteFile(e.program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *emulation) command(args ...string) *exec.Cmd {
	cmd := exec.Command(emulator, append([]string{e.program}, args...)...)
	cmd.Env = testEnv("")
	return cmd
}

// feed writes numbered lines into a logreel until there are four files, ends it, and
// returns them and what it said.
func (e *emulation) feed(t *testing.T, dir, files string, args ...string) (lines, said string) {
	t.Helper()
	cmd := e.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	p := launch(t, dir, cmd)
	var sent strings.Builder
	for n, begun := 0, time.Now(); time.Since(begun) < patience; n++ {
		line := fmt.Sprintf("%07d", n)
		p.send(line)
		sent.WriteString(line + "\n")
		time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Millisecond)))
		if there, err := filepath.Glob(files); err != nil || len(there) >= 4 {
			break
		}
	}
	p.end()
	return sent.String(), complaints(stderr.String())
}

// The program for arm64 does what the others do, as far as an emulated processor can tell.
func TestPackageArm64(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	t.Run("version", func(t *testing.T) {
		t.Parallel()
		if got, want := run(t, emulator, e.program, "--version"), "logreel "+e.version+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		lines, said := e.feed(t, dir, filepath.Join(dir, "2*.log"), "--verbose", "--link=latest", everySecond)
		if got := content(t, dir, "2*.log"); got != lines {
			t.Errorf("got %d bytes, want %d", len(got), len(lines))
		}
		all := names(t, dir)
		if len(all) < 4 || all[len(all)-1] != "latest" {
			t.Fatalf("got %q", all)
		}
		files, want := all[:len(all)-1], ""
		for i, name := range files {
			if want += "logreel: writing " + name + "\n"; i < len(files)-1 { // the last one is live
				want += "logreel: finished " + name + "\n"
			}
		}
		if !strings.HasPrefix(said, want) {
			t.Errorf("it said\n%swant\n%s", said, want)
		}
		if target, err := os.Readlink(filepath.Join(dir, "latest")); err != nil || target != files[len(files)-1] {
			t.Errorf("the link leads to %s, %v; the files are %q", target, err, files)
		}
	})
	t.Run("command", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		// Four processes that write their lines in pieces.
		p := launch(t, dir, e.command(everySecond, "--", "sh", "-c", `
			for writer in A B C D; do
				(for burst in 0 1 2 3 4 5 6 7 8 9; do
					for n in 0 1 2 3 4 5 6 7 8 9; do printf "$writer"; printf "$burst"; printf "$n\n"; done >&$((1 + burst % 2))
					sleep 0.25
				done) &
			done
			wait
			exit 7`))
		p.wait(7)
		got := map[byte]string{}
		for line := range strings.Lines(content(t, dir, "*.log")) {
			got[line[0]] += line
		}
		if len(got) != 4 {
			t.Errorf("lines of %d writers", len(got))
		}
		for writer, lines := range got {
			var want strings.Builder
			for n := range 100 {
				fmt.Fprintf(&want, "%c%02d\n", writer, n)
			}
			if lines != want.String() {
				t.Errorf("%c: got %q", writer, lines)
			}
		}
		if n := len(names(t, dir)); n < 3 {
			t.Errorf("%d files", n)
		}
	})
	t.Run("archive", func(t *testing.T) {
		t.Parallel()
		dir, logs := makeLogs(t)
		args := []string{"--compress=zstd", "--keep-count=1000", "--exec", `echo "$1" >> handed`, "logs/" + everySecond}
		lines, said := e.feed(t, dir, filepath.Join(logs, "2*.log"), args...)
		// A kernel that does not know the emulator starts no program of arm64.
		if said != "" && said != "logreel: warning: finished files are left alone for now: start /proc/self/exe: exec format error\n" {
			t.Errorf("it said %s", said)
		}
		now := time.Now()
		time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second))) // then all are finished
		if said := e.pass(t, dir, args...); said != "" {
			t.Errorf("the pass said %s", said)
		}
		got := counted(t, logs)
		for line := range strings.Lines(lines) {
			if n := got[strings.TrimSuffix(line, "\n")]; n != 1 {
				t.Fatalf("%q is there %d times", line, n)
			}
		}
		if len(got) != strings.Count(lines, "\n") {
			t.Errorf("%d lines", len(got))
		}
		files := names(t, logs)
		for _, name := range files {
			if !strings.HasSuffix(name, ".log.zst") {
				t.Errorf("%s is not compressed", name)
			}
		}
		if len(files) < 3 {
			t.Errorf("%d files", len(files))
		}
		checkHandedOn(t, filepath.Join(dir, "handed"), logs, true)
	})
}

// pass makes a pass over the finished files, as the process that writes would have it
// made, and returns what that is told.
func (e *emulation) pass(t *testing.T, dir string, args ...string) string {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
	defer ours.Close()
	cmd := e.command(append([]string{"--archive"}, args...)...)
	cmd.Dir, cmd.Stderr, cmd.ExtraFiles = dir, os.Stderr, []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(ours)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the pass: %v", err)
	}
	// The last line is empty, when the pass came to its end; in between there is what
	// --verbose shows.
	told, complete := strings.CutSuffix(string(said), "\n\n")
	if !complete || !strings.HasPrefix(told, "compressed ") {
		t.Errorf("the pass was not made: %q", said)
	}
	var warnings strings.Builder
	for line := range strings.Lines(told) {
		if strings.HasPrefix(line, "warning: ") {
			warnings.WriteString(line)
		}
	}
	return warnings.String()
}
