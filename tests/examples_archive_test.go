//go:build linux

package tests

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests do what packaging/examples says, with the tools themselves.

// recipe returns a block of a recipe.
func recipe(t *testing.T, path, begin string) string {
	t.Helper()
	_, rest, found := strings.Cut(readFile(t, path), begin)
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatalf("%s has no %q", path, begin)
	}
	return block
}

// The recipe for rclone does what it says: with a directory as the remote, every finished
// file arrives as it is. Where it goes is the configuration's alone to say.
func TestArchiveRclone(t *testing.T) {
	t.Parallel()
	need(t, "rclone")
	const path = "../packaging/examples/rclone.md"
	dir, logs := makeLogs(t)
	far := filepath.Join(dir, "far")
	command := strings.NewReplacer("/var/log/app/%Y-%m-%d.log", logs+"/"+everySecond, "app 2>&1 |", "").Replace(recipe(t, path, "```sh\n"))
	config := strings.ReplaceAll(recipe(t, path, "```ini\n"), "/srv/archive", far)
	env := func(config string) []string {
		file := filepath.Join(t.TempDir(), "rclone.conf")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return append(testEnv(""), "RCLONE_CONFIG="+file, "HOME="+dir)
	}
	sh := exec.Command("sh", "-c", "exec "+strings.TrimSpace(command))
	sh.Env = env(config)
	p := launch(t, dir, sh)
	for n := range 3 {
		p.send(strconv.Itoa(n))
		eventually(t, "a finished file", func() bool {
			arrived, err := os.ReadDir(far)
			return err == nil && len(arrived) > n
		})
	}
	if err := p.input.Close(); err != nil {
		t.Fatal(err)
	}
	for line := range p.said {
		if complaints(line+"\n") != "" {
			t.Errorf("said: %s", line)
		}
	}
	p.wait(0)
	if got, want := names(t, far), names(t, logs); !slices.Equal(got, want) || len(got) != 3 {
		t.Errorf("arrived: %q, finished: %q", got, want)
	}
	run(t, "diff", "-r", far, logs)
	if got := slices.Sorted(maps.Keys(counted(t, far))); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("the lines there are %q", got)
	}

	// That for S3 is one that rclone takes; it is asked for nothing that needs a network.
	_, rest, _ := strings.Cut(readFile(t, path), "```ini\n")
	_, rest, _ = strings.Cut(rest, "```ini\n")
	bucket, _, _ := strings.Cut(rest, "```")
	show := exec.Command("rclone", "listremotes", "--long")
	show.Env = env(bucket)
	if out, err := show.CombinedOutput(); err != nil || strings.Join(strings.Fields(string(out)), " ") != "archive: alias s3: s3" {
		t.Errorf("%v: %s", err, out)
	}
}

// rsyslog, configured as the example has it, follows the files through switches and
// compression.
func TestArchiveRsyslog(t *testing.T) {
	t.Parallel()
	need(t, "rsyslogd")
	dir, logs := makeLogs(t)
	work, all := filepath.Join(dir, "work"), filepath.Join(dir, "all")
	config := strings.NewReplacer("/var/log/app/", logs+"/", "/var/log/app-all", all).Replace(readFile(t, "../packaging/examples/rsyslog.conf"))
	config = fmt.Sprintf("global(workDirectory=%q)\n%s", work, config)
	if err := errors.Join(os.Mkdir(work, 0o700), os.WriteFile(filepath.Join(dir, "conf"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	rsyslog := exec.Command("rsyslogd", "-n", "-f", filepath.Join(dir, "conf"), "-i", filepath.Join(dir, "pid"))
	var said bytes.Buffer
	rsyslog.Stdout, rsyslog.Stderr = &said, &said
	if err := rsyslog.Start(); err != nil {
		t.Fatal(err)
	}
	ended := sync.OnceFunc(func() {
		_ = rsyslog.Process.Signal(syscall.SIGTERM)
		hung := time.AfterFunc(patience, func() { _ = rsyslog.Process.Kill() })
		_ = rsyslog.Wait()
		hung.Stop()
	})
	t.Cleanup(ended)
	f := startPaced(t, dir, "--compress=zstd", "logs/"+everySecond)
	f.push(1)
	f.arrived(all, 1) // from here on rsyslog looks
	f.pace(5 * time.Second)
	f.finish(0)
	f.arrived(all, f.sent)
	ended()
	f.check(readFile(t, all))
	t.Logf("rsyslogd said: %q", &said) // it may have looked for a file just when it was removed
	compressed := 0
	for _, name := range names(t, logs) {
		if strings.HasSuffix(name, ".zst") {
			compressed++
		}
	}
	if compressed < 4 {
		t.Errorf("%d files were compressed", compressed)
	}
}
