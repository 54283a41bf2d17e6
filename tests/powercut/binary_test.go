package powercut

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("LOGREEL"); given != "" {
		return given
	}
	path := filepath.Join(t.TempDir(), "logreel")
	out, err := exec.Command("go", "build", "-C", "../..", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// on mounts a disk while a function runs.
func on(t *testing.T, d *Disk, run func(dir string)) {
	t.Helper()
	dir := t.TempDir()
	unmount, err := Mount(d, dir)
	if err != nil {
		t.Skipf("nothing can be mounted through /dev/fuse: %v", err)
	}
	defer func() {
		if err := unmount(); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	}()
	run(dir)
}

// logreel runs the program on a disk until the end of its input.
func logreel(t *testing.T, program string, d *Disk, input string, args ...string) {
	t.Helper()
	on(t, d, func(dir string) {
		var said bytes.Buffer
		cmd := exec.Command(program, append(args, dir+"/logs/app.log")...)
		cmd.Stdin, cmd.Stderr = strings.NewReader(input), &said
		if err := cmd.Run(); err != nil || said.Len() > 0 {
			t.Fatalf("%v: %s", err, &said)
		}
	})
}

// The program itself, cut behind any operation and started again.
func TestProgram(t *testing.T) {
	t.Parallel()
	program := build(t)
	var input strings.Builder
	for n := range 300 {
		input.WriteString(lineOf(n))
	}
	for _, compress := range []string{"", "gzip", "zstd"} {
		for _, hook := range []string{"", ":"} {
			t.Run(fmt.Sprintf("compress=%s,exec=%s", compress, hook), func(t *testing.T) {
				s := &session{t: t, pattern: "/logs/app.log", size: 20_000, compress: compress, exec: hook, now: time.Now().Add(time.Hour), line: 300}
				args := []string{"--size=20000", "--sync=10ms", "--exec=" + hook}
				if compress != "" {
					args = append(args, "--compress="+compress)
				}
				d := NewDisk()
				logreel(t, program, d, input.String(), args...)
				s.use(d)
				if got := len(s.survey().lines); got != 300 {
					t.Fatalf("%d lines without a cut", got)
				}
				random := rand.New(rand.NewPCG(1, uint64(d.Ops())))
				cuts := 0
				for n := 1; n <= d.Ops(); n++ {
					for _, rules := range []Rules{Ext4, XFS, Btrfs} {
						after := *s
						after.place = fmt.Sprintf(", %s cut behind operation %d of %d", rules.Name, n, d.Ops())
						found := d.Cut(n, rules, random)
						cuts++
						after.use(found)
						after.survey()
						if random.IntN(d.Ops()/4) == 0 { // the rest is done by what the program calls
							logreel(t, program, found, lineOf(300), args...)
							after.use(found)
						} else {
							after.recover()
						}
						after.checkAll(s.promised(n, promise{}))
					}
				}
				t.Logf("%d cuts in %d operations", cuts, d.Ops())
			})
		}
	}
}

// checkAll checks what is there after a start behind a cut, when the newest file is live.
func (s *session) checkAll(p promise) {
	s.t.Helper()
	f := s.survey()
	if len(f.hidden) > 0 {
		s.fatal("left behind: ", f.hidden)
	}
	for line, times := range f.lines {
		if times > 1 {
			s.fatal(times, " times line ", line)
		}
	}
	for line := range p.lines {
		if f.lines[line] == 0 {
			s.fatal("line ", line, " is missing, of ", len(p.lines), "; there are ", f.order)
		}
	}
}

// With --sync, what was written is synced soon, though nothing more comes; after that no
// cut takes it.
func TestProgramSyncs(t *testing.T) {
	t.Parallel()
	program := build(t)
	d := NewDisk()
	on(t, d, func(dir string) {
		cmd := exec.Command(program, "--sync=1s", "--every=never", dir+"/logs/app.log")
		input, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 2))
		at := 0
		for n := range 3 {
			if _, err := fmt.Fprint(input, lineOf(n)); err != nil {
				t.Fatal(err)
			}
			var file Ino
			at = d.Await(at, func(op Op) bool { file = op.Ino; return op.What == Write && string(op.Data) == lineOf(n) })
			at = d.Await(at, func(op Op) bool { return op.What == Sync && op.Ino == file })
			for range 100 {
				for _, rules := range []Rules{Ext4, XFS, Btrfs} {
					s := &session{t: t}
					s.use(d.Cut(at, rules, random))
					if got := len(s.survey().lines); got != n+1 {
						t.Fatalf("%s: %d lines after the cut, want %d", rules.Name, got, n+1)
					}
				}
			}
		}
		if err := input.Close(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}
