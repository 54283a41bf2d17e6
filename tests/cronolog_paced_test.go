//go:build linux

package tests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// cronologPaced are command lines that switch within seconds, or never. None has a delay and a
// period: begun within the delay, cronolog is a period ahead, as the manual says.
var cronologPaced = [][]string{
	{"f%Y%m%d-%H%M%S"},
	{"-l", "link", "-P", "previous", "f%T"},
	{"-H", "link", "-P", "previous", "f%H%M%S.log"},
	{"-H", "other", "-S", "link", "-P", "previous", "d/x/f%s"},
	{"-S", "other", "--hardlink=link", "--prev-symlink", "previous", "f%S"},
	{"-p", "3 seconds", "f%H%M%S"},
	{"-p", "sec", "f%Y"},
	{"-o", "f%H%M%S"},
	{"-o", "-d", "1 sec", "f%H%M%S"},
	{"-d", "1 hour", "f%F"},
	{"-d", "1 hour", "f"},
	{"-z", "Asia/Kolkata", "f%H%M%S"},
	{"f%F"},
	{"d/%Y/%j/f%X"},
	{"f%OS-%f-%S"},
	{"f%S%"},
	{"f%S%E"},
}

// randomPaced returns command lines drawn from all options.
func randomPaced(count int) (commands [][]string) {
	random := rand.New(rand.NewPCG(1, uint64(count)))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range count {
		args := []string{}
		for _, option := range [][2]string{
			{"-p", pick("", "", "", "sec", "2 seconds", "minute", "30min", "hours", "1 day", "week", "3 months")},
			{"-d", pick("", "", "", "", "1 sec", "10 seconds", "1 minute", "1 hour")},
			{"-l", pick("", "", "link")}, {"-H", pick("", "", "link")}, {"-P", pick("", "previous")},
			{"-z", pick("", "", "UTC", "Asia/Kolkata", "CST-8")},
		} {
			if option[1] != "" {
				args = append(args, option[0], option[1])
			}
		}
		if random.IntN(8) == 0 {
			args = append(args, pick("-o", "--once-only", "-a", "-e"))
		}
		template := "f" + pick("%S", "%T", "%H%M%S", "%s", "%r", "%c", "%F", "%Y", "%d%H", "%b%d-%I%p", "%EY%S", "%f%S", "%X", "%k", "%OS", "%V", "%D", "")
		commands = append(commands, append(args, pick("", "", "d/", "d/e/", "d/%Y/")+template))
	}
	return commands
}

// In the place of cronolog, the same lines in the same seconds make the same files, with the
// same permissions; and with -P, without which Debian's moves no link, the same links.
func TestCronologPaced(t *testing.T) {
	t.Parallel()
	need(t, "cronolog")
	commands := cronologPaced
	if os.Getenv("LOGREEL_ORACLE") != "" {
		commands = randomPaced(oracleTries(t))
	}
	for i, args := range commands {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			if theirs, ours := accepts(t, "cronolog", args), accepts(t, logreel, append([]string{"--as=cronolog"}, args...)); !theirs || !ours {
				say := t.Errorf
				if len(commands) != len(cronologPaced) {
					say = t.Logf // drawn at random; see TestCronologRefuses
				}
				say("accepted by cronolog: %v, by logreel: %v", theirs, ours)
				return
			}
			for range 5 {
				w, late := startPair(t, "cronolog", []string{"000", "027"}[i%2], func(bool) []string { return args }), false
				for range 4 {
					late = !w.send() || late
				}
				w.running[0].closeInput()
				w.running[0].wait(3)
				w.running[1].end()
				if late {
					continue // then names tell other seconds
				}
				original, ours := w.state(args, w.folders[0]), w.state(args, w.folders[1])
				if !maps.Equal(original, ours) {
					t.Errorf("umask %s: cronolog has %q, logreel %q", []string{"000", "027"}[i%2], original, ours)
				}
				return
			}
			t.Log("the machine was too slow, five times")
		})
	}
}

// accepts reports whether a program takes a command line.
func accepts(t *testing.T, program string, args []string) bool {
	cmd := exec.Command(program, args...)
	cmd.Dir = newFolder(t).dir
	_ = cmd.Run() // nothing is read, so nothing is written
	status := cmd.ProcessState.ExitCode()
	return status == 0 || status == 3
}

// state returns the files, with their modes and those of their directories, and where the
// links lead to.
func (w *pair) state(args []string, d *folder) map[string]string {
	state := w.texts(d)
	for name := range w.texts(d) {
		for at, part := range strings.Split(name, "/") {
			if path := strings.Join(append(strings.Split(name, "/")[:at], part), "/"); path != "d" {
				state["mode of "+path] = d.mode(path)
			}
		}
	}
	if slices.Contains(args, "-P") || slices.Contains(args, "--prev-symlink") {
		for _, link := range []string{"link", "previous"} {
			// Where the same file is opened again, cronolog takes it for the one before.
			if d.exists(link) && len(w.texts(d)) > 1 {
				state["in "+link] = fmt.Sprint(d.read(link))
			}
		}
	}
	return state
}
