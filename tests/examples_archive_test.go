//go:build linux

package tests

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
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
	d := newLogs(t)
	command := strings.NewReplacer("/var/log/app/%Y-%m-%d.log", d.at("logs/"+everySecond), "app 2>&1 |", "").Replace(recipe(t, path, "```sh\n"))
	config := strings.ReplaceAll(recipe(t, path, "```ini\n"), "/srv/archive", d.at("far"))
	env := func(config string) []string {
		d.put("rclone.conf", config)
		return append(testEnv(""), "RCLONE_CONFIG="+d.at("rclone.conf"), "HOME="+d.dir)
	}
	sh := exec.Command("sh", "-c", "exec "+strings.TrimSpace(command))
	sh.Env = env(config)
	p := d.launch(sh)
	for n := range 3 {
		p.send(strconv.Itoa(n))
		eventually(t, "a finished file", func() bool { return len(d.glob("far/*")) > n })
	}
	p.endSilent()
	if got, want := d.names("far"), d.names("logs"); !slices.Equal(got, want) || len(got) != 3 {
		t.Errorf("arrived: %q, finished: %q", got, want)
	}
	run(t, "diff", "-r", d.at("far"), d.at("logs"))
	if got := slices.Sorted(maps.Keys(d.count("far"))); !slices.Equal(got, []string{"0", "1", "2"}) {
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
	d := newLogs(t)
	d.makeDir("work")
	config := strings.NewReplacer("/var/log/app/", d.at("logs")+"/", "/var/log/app-all", d.at("all")).Replace(readFile(t, "../packaging/examples/rsyslog.conf"))
	d.put("conf", fmt.Sprintf("global(workDirectory=%q)\n%s", d.at("work"), config))
	rsyslog := d.startProgram("rsyslogd", "-n", "-f", d.at("conf"), "-i", d.at("pid"))
	p := d.startPaced("--compress=zstd", "logs/"+everySecond)
	p.push(1)
	p.awaitLines("all", 1) // from here on rsyslog looks
	p.pace(5 * time.Second)
	p.finish(0)
	p.awaitLines("all", p.sent)
	rsyslog.terminate()
	said := rsyslog.waitAny()
	p.expectNothingLost(p.read("all"))
	t.Logf("rsyslogd said: %q", said) // it may have looked for a file just when it was removed
	compressed := 0
	for _, name := range d.names("logs") {
		if strings.HasSuffix(name, ".zst") {
			compressed++
		}
	}
	if compressed < 4 {
		t.Errorf("%d files were compressed", compressed)
	}
}
