package tests

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// While logreel is stopped, records go on. They are whole all the same: in their files,
// and in those that they were selected for.
func TestRecordsWhileStopped(t *testing.T) {
	t.Parallel()
	flags := []string{"--record-start=^R", "--also=two => also-%H%M%S.log", "main-%H%M%S.log"}
	for about, command := range map[string][]string{
		"pipe":   nil,
		"socket": {"--", "sh", "-c", `while read -r line; do echo "$line"; echo "$line" >>written; done`},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := start(t, append(flags, command...)...)
			written := func(line string) {
				p.send(line)
				if command != nil {
					eventually(t, line, func() bool {
						return p.exists("written") && strings.Contains(p.read("written"), line+"\n")
					})
				}
			}
			p.write("R one")
			for _, record := range []string{"two", "three"} {
				p.write("R " + record)
				p.signal(syscall.SIGSTOP)
				eventually(t, "stopping", func() bool { return stateOf(p.pid()) == "T" })
				written("- of " + record)
				time.Sleep(2100 * time.Millisecond) // longer than ends a record
				written("- more of " + record)
				p.signal(syscall.SIGCONT)
				p.copies("- of " + record)
				p.copies("- more of " + record)
			}
			p.end()
			p.expect("also-*.log", "R two\n- of two\n- more of two\n")
			p.expect("main-*.log", "R one\nR two\n- of two\n- more of two\nR three\n- of three\n- more of three\n")
			for _, name := range p.glob("main-*.log") {
				if text := p.read(name); !strings.HasPrefix(text, "R ") {
					t.Errorf("%s begins inside a record: %q", name, text)
				}
			}
		})
	}
}
