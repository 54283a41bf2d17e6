//go:build linux

package tests

import (
	"strings"
	"testing"
	"time"
)

// faultsOfOne are faults of what lies in logs, while all is well elsewhere.
var faultsOfOne = []struct {
	name  string
	make  func(t *testing.T) *folder
	begin func(d *folder) (end func())
	says  string
}{
	{"unwritable", newLogs, func(d *folder) func() { return d.forbid("logs") }, "operation not permitted"},
	{"full", func(t *testing.T) *folder { return newSmallDisk(t, "256k") },
		func(d *folder) func() { return func() { d.resize("logs", "64m") } }, "no space left on device"},
	{"frozen", newDisk, func(d *folder) func() {
		d.freeze("logs")
		return func() { d.thaw("logs") }
	}, "the disk does not answer"},
}

// startTwo starts a logreel that writes every line to two files, of which the one in logs is
// that of PATTERN or that of another output.
func (d *folder) startTwo(ofPattern bool, flags ...string) *paced {
	d.t.Helper()
	d.makeDir("well")
	main, other := "logs/app.log", "well/app.log"
	if !ofPattern {
		main, other = other, main
	}
	return d.startPaced(append(flags, "--every=never", "--also="+other, main)...)
}

// eachFaultOfOne runs a test with each fault, of either output.
func eachFaultOfOne(t *testing.T, run func(p *paced, says string, end func()), flags ...string) {
	for _, fault := range faultsOfOne {
		for which, ofPattern := range map[string]bool{"PATTERN": true, "--also": false} {
			t.Run(fault.name+" "+which, func(t *testing.T) {
				t.Parallel()
				d := fault.make(t)
				end := fault.begin(d)
				run(d.startTwo(ofPattern, flags...), fault.says, end)
			})
		}
	}
}

// A fault of one output's disk delays that output only, be it that of PATTERN or another,
// and nothing is lost in either.
func TestDiskOfOneOutput(t *testing.T) {
	t.Parallel()
	const batch, batches = 1000, 5 // the pipe holds one, and the buffer all of them
	eachFaultOfOne(t, func(p *paced, says string, end func()) {
		for range batches {
			p.push(batch)
		}
		p.hear(says)
		p.awaitLines("well/app.log", batch*batches)
		if p.exists("logs/app.log") && strings.Count(p.read("logs/app.log"), "\n") >= batch {
			p.t.Error("there was no fault")
		}
		end()
		p.hearOver(says)
		p.push(1)
		p.finishWhole("logs/app.log")
		p.expectNothingLost(p.read("well/app.log"))
	})
}

// Where lines are dropped, they are those of the output that has the fault.
func TestDiskOfOneOutputDrop(t *testing.T) {
	t.Parallel()
	eachFaultOfOne(t, func(p *paced, says string, end func()) {
		for range 50 {
			// One by one: the other one has no more room either than for what it writes.
			p.push(40)
			p.awaitLines("well/app.log", p.sent)
		}
		p.hear("is full; lines are dropped")
		end()
		p.hearOver(says)
		p.finish(0)
		p.expectNothingLost(p.read("well/app.log"))
		if dropped := p.account(p.read("logs/app.log")); dropped < 500 {
			p.t.Errorf("%d lines dropped of %d, and there was room for about 400", dropped, p.sent)
		}
	}, "--buffer=64K", "--on-full=drop")
}

// A fault of one output that stays to the end is told by the exit status of all, and its
// lines are counted.
func TestDiskOfOneOutputAtTheEnd(t *testing.T) {
	t.Parallel()
	for which, ofPattern := range map[string]bool{"PATTERN": true, "--also": false} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			p := newBlocked(t).startTwo(ofPattern)
			p.push(20)
			p.hear("not a directory")
			p.finish(1)
			if p.lost() != 20 {
				t.Errorf("%d lines lost, want 20", p.lost())
			}
			p.expectNothingLost(p.read("well/app.log"))
		})
	}
}

// The names of an output's files are what its pattern says, and its hook has them as they
// are, whatever they would mean to a shell. What the hook does delays no line.
func TestOutputHostile(t *testing.T) {
	t.Parallel()
	d := newFolder(t)
	name := "$(touch evil) `touch evil`; touch evil & 'x' => \\n \xff\x1b[31m -"
	quoted := strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`").Replace(name)
	d.put("hook", "#!/bin/sh\ncp \"$1\" \"$2\"\n>begun\nwhile [ ! -e go ]; do sleep 0.01; done\n")
	p := d.startPaced(`--also=b => --size=1 --every=1y --exec="./hook \"\$1\" \"handed \$1\"" "`+quoted+`%Y"`, "all-%Y")
	p.send("a\nb 1\nc\nb 2")
	d.awaitFile("begun")
	p.send("b 3\nd")
	p.awaitLines("all-*", 6)
	d.put("go", "")
	p.finish(0)
	d.expect("all-*", "a\nb 1\nc\nb 2\nb 3\nd\n")
	got := map[string]string{}
	for _, name := range d.names(".") {
		got[name] = p.read(name)
	}
	for number, line := range map[string]string{"": "b 1\n", ".1": "b 2\n"} {
		file := name + time.Now().UTC().Format("2006") + number
		if got[file] != line || got["handed "+file] != line {
			t.Errorf("%q: got %q, and the hook %q", file, got[file], got["handed "+file])
		}
	}
	if p.exists("evil") {
		t.Error("a shell has read the name")
	}
}
