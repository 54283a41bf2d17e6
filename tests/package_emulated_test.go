//go:build linux

package tests

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
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
	d := newFolder(t)
	d.put("logreel", string(untar(t, unzip(t, first.tarball("arm64")))["logreel-"+first.version+"/bin/logreel"]))
	return &emulation{first, d.at("logreel")}
}

func (e *emulation) command(args ...string) *exec.Cmd {
	return exec.Command(emulator, append([]string{e.program}, args...)...)
}

// feed writes numbered lines into a logreel until there are four files, ends it, and
// returns them and what it said.
func (e *emulation) feed(d *folder, files string, args ...string) (lines, said string) {
	d.t.Helper()
	p := d.launch(e.command(args...))
	var sent strings.Builder
	for n, begun := 0, time.Now(); time.Since(begun) < patience; n++ {
		line := fmt.Sprintf("%07d", n)
		p.send(line)
		sent.WriteString(line + "\n")
		time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Millisecond)))
		if len(d.glob(files)) >= 4 {
			break
		}
	}
	return sent.String(), p.end()
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
		d := newFolder(t)
		lines, said := e.feed(d, "2*.log", "--verbose", "--link=latest", everySecond)
		d.expect("2*.log", lines)
		all := d.names(".")
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
		if target, err := os.Readlink(d.at("latest")); err != nil || target != files[len(files)-1] {
			t.Errorf("the link leads to %s, %v; the files are %q", target, err, files)
		}
	})
	t.Run("command", func(t *testing.T) {
		t.Parallel()
		// Four processes that write their lines in pieces, and go on when what was read
		// before is in a file and its second over.
		p := newFolder(t).launch(e.command(everySecond, "--", "sh", "-c", `
			for writer in A B C D; do
				(for burst in 0 1 2 3 4 5 6 7 8 9; do
					for n in 0 1 2 3 4 5 6 7 8 9; do printf "$writer"; printf "$burst"; printf "$n\n"; done >&$((1 + burst % 2))
					case $burst in 3|6) until [ "$(ls *.log | wc -l)" -ge $((burst / 3)) ]; do sleep 0.1; done 2>&- ; sleep 1;; esac
				done) &
			done
			wait
			exit 7`))
		p.wait(7)
		got := map[byte]string{}
		for line := range strings.Lines(p.content("*.log")) {
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
		if n := len(p.names(".")); n < 3 {
			t.Errorf("%d files", n)
		}
	})
	t.Run("archive", func(t *testing.T) {
		t.Parallel()
		d := newLogs(t)
		args := []string{"--compress=zstd", "--keep-count=1000", "--exec", `echo "$1" >> handed`, "logs/" + everySecond}
		lines, said := e.feed(d, "logs/2*.log", args...)
		// A kernel that does not know the emulator starts no program of arm64.
		if said != "" && said != "logreel: warning: finished files are left alone for now: start /proc/self/exe: exec format error\n" {
			t.Errorf("it said %s", said)
		}
		now := time.Now()
		time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second))) // then all are finished
		if said := e.pass(d, args...); said != "" {
			t.Errorf("the pass said %s", said)
		}
		got := d.count("logs")
		for line := range strings.Lines(lines) {
			if n := got[strings.TrimSuffix(line, "\n")]; n != 1 {
				t.Fatalf("%q is there %d times", line, n)
			}
		}
		if len(got) != strings.Count(lines, "\n") {
			t.Errorf("%d lines", len(got))
		}
		d.expectCompressed(".log.zst")
		if files := d.names("logs"); len(files) < 3 {
			t.Errorf("%d files", len(files))
		}
		d.expectHandedOn(true)
	})
}

// pass makes a pass over the finished files, as the process that writes would have it
// made, and returns what that is told.
func (e *emulation) pass(d *folder, args ...string) string {
	d.t.Helper()
	tells := newStream(d.t, "socket")
	cmd := e.command(append([]string{"--archive"}, args...)...)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{tells.write}
	p := d.launch(cmd)
	must(d.t, tells.write.Close())
	said, err := io.ReadAll(tells.read)
	must(d.t, err)
	p.wait(0)
	// The last line is empty, when the pass came to its end; in between there is what
	// --verbose shows.
	told, complete := strings.CutSuffix(string(said), "\n\n")
	if !complete || !strings.HasPrefix(told, "compressed ") {
		d.t.Errorf("the pass was not made: %q", said)
	}
	var warnings strings.Builder
	for line := range strings.Lines(told) {
		if strings.HasPrefix(line, "warning: ") {
			warnings.WriteString(line)
		}
	}
	return warnings.String()
}
