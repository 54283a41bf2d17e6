package tests

import (
	"os/exec"
	"testing"
)

// watchers are programs that write ten lines and look meanwhile whether their output can
// be read: what such programs write to is mostly a connection, and this is how it ends.
var watchers = []struct{ name, interpreter, script string }{
	{"asyncio", "python3", watcherAsyncio},
	{"uvloop", "python3", "import uvloop; uvloop.install()\n" + watcherAsyncio},
	{"gevent", "python3", `
import gevent, gevent.select
for i in range(10):
    assert not gevent.select.select([1], [], [], 0.001)[0]
    gevent.os.tp_write(1, b"line %d\n" % i)`},
	{"node", "node", `
const output = new (require('net').Socket)({ fd: 1 });
let lines = 0;
output.on('end', () => process.exit(3));
const timer = setInterval(() => {
	output.write('line ' + lines++ + '\n');
	if (lines == 10) { clearInterval(timer); output.unref(); }
}, 1);`},
	{"ruby", "ruby", `
10.times do |i|
	$stdout.syswrite("line #{i}\n")
	exit 3 if IO.select([IO.for_fd(1, "r+", autoclose: false)], nil, nil, 0.001)
end`},
	{"perl", "perl", `
use IO::Select;
$| = 1;
for (0..9) { print "line $_\n"; exit 3 if IO::Select->new(\*STDOUT)->can_read(0.001); }`},
	{"php", "php", `
for ($i = 0; $i < 10; $i++) { fwrite(STDOUT, "line $i\n"); if (feof(STDOUT)) exit(3); }`},
}

const watcherAsyncio = `
import asyncio, sys
async def main():
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    output = asyncio.StreamWriter(transport, protocol, None, loop)
    for i in range(10):
        output.write(b"line %d\n" % i)
        await output.drain()
        await asyncio.sleep(0.001)
asyncio.run(main())`

// interpreter returns a command that runs a script, with an interpreter that has what the
// script's first line imports.
func interpreter(t *testing.T, name, library, script string) []string {
	t.Helper()
	switch name {
	case "python3":
		for _, python := range []string{"python3", "/usr/bin/python3"} {
			if exec.Command(python, "-c", "import "+library).Run() == nil {
				return []string{python, "-c", script}
			}
		}
		t.Skipf("needs a python3 with %s", library)
	case "php":
		need(t, name)
		return []string{name, "-r", script}
	}
	need(t, name)
	return []string{name, "-e", script}
}

// A program that watches what it writes to takes a log for an output like any other.
func TestCommandWatchesItsOutput(t *testing.T) {
	t.Parallel()
	for _, w := range watchers {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			d := newFolder(t)
			command := interpreter(t, w.interpreter, w.name, w.script)
			p := d.launch(exec.Command("logreel", append([]string{"--every=never", "app.log", "--"}, command...)...))
			p.wait(0)
			want := ""
			for _, digit := range "0123456789" {
				want += "line " + string(digit) + "\n"
			}
			if got := d.content("app.log"); got != want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Programs read from the standard error of a terminal. From a log there is nothing to be
// read, and nobody is left waiting for it.
func TestCommandReadsItsOutput(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	d := newFolder(t)
	p := d.launch(exec.Command("logreel", "--every=never", "app.log", "--", "python3", "-c", `
import os
for fd in 1, 2:
    try:
        os.write(fd, b"read %r\n" % os.read(fd, 100))
    except OSError:
        os.write(fd, b"nothing\n")`))
	p.wait(0)
	if got := d.content("app.log"); got != "nothing\nnothing\n" {
		t.Errorf("got %q", got)
	}
}

// One process can shut the output down for all that share it. They lose what they write,
// and that is said while they still run; to close it is anybody's own affair.
func TestCommandShutsItsOutputDown(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	const warning = "has shut down standard output and standard error for all of them"
	for _, test := range []struct {
		name, do, stdio string
		shut            bool
	}{
		{"both ways", "socket.socket(fileno=os.dup(2)).shutdown(socket.SHUT_RDWR)", "socket", true},
		{"writing", "socket.socket(fileno=os.dup(2)).shutdown(socket.SHUT_WR)", "socket", true},
		{"reading", "socket.socket(fileno=os.dup(2)).shutdown(socket.SHUT_RD)", "socket", false},
		{"closed", "os.close(1), os.close(2)", "socket", false},
		{"closed pipe", "os.close(1), os.close(2)", "pipe", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newFolder(t)
			p := d.startPlain("--every=never", "--stdio="+test.stdio, "app.log", "--", "python3", "-c", `
import os, socket
os.write(1, b"before\n")
`+test.do+`
os.read(0, 1)
try:
    os.write(2, b"after\n")
except OSError:
    pass
os._exit(5)`)
			if test.shut {
				p.await(p.said, warning)
			}
			p.closeInput()
			if said := p.wait(5); complaints(said) != "" {
				t.Errorf("it said %q", said)
			}
			want := "before\n"
			if test.name == "reading" {
				want += "after\n"
			}
			if got := d.content("app.log"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
