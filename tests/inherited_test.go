//go:build linux

package tests

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Sockets and pipes that whoever started it left open are closed: a server's port
// would stay busy, and the readers of other loggers' pipes would wait for an end.
func TestInheritedDescriptors(t *testing.T) {
	t.Parallel()
	needProc(t)
	listener, listening := listen(t)
	pipe, pair := newStream(t, "pipe"), newStream(t, "socket")
	cmd := exec.Command("logreel", "--tee", "--verbose", "--every=never", "app.log")
	// More than one read of the directory of descriptors tells of.
	for range 300 {
		cmd.ExtraFiles = append(cmd.ExtraFiles, pipe.write, pair.write)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, listening, pipe.read)
	p := newFolder(t).launch(cmd)
	p.write("one") // so it reads, and has closed what it closes
	must(t, listener.Close(), listening.Close(), pipe.write.Close(), pair.write.Close())
	for fd, target := range streams(t, p.pid()) {
		t.Errorf("descriptor %d is still open: %s", fd, target)
	}
	// A process that another test is just starting has copies until its exec.
	eventually(t, "the port", func() bool {
		again, err := net.Listen("tcp", listener.Addr().String())
		return err == nil && again.Close() == nil
	})
	eventually(t, "the end of the inherited pipe", pipe.ended)
	eventually(t, "the end of the inherited socket", pair.ended)
	p.write("two")
	p.end()
	p.expect("app.log", "one\ntwo\n")
}

// Files and directories have the modes that the manual says under any umask: servers
// that daemonize set it to 0.
func TestInheritedUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"0", "0777"} {
		p := startShell(t, "umask "+umask+"; exec logreel --tee --verbose --every=never logs/shop/app.log")
		p.write("one")
		p.end()
		for name, want := range map[string]string{"logs": "0755", "logs/shop": "0755", "logs/shop/app.log": "0640"} {
			if got := p.mode(name); got != want {
				t.Errorf("umask %s: %s has mode %s, want %s", umask, name, got, want)
			}
		}
	}
}

// A standard stream that is closed at start is no place for the log file: what is
// meant for that stream would go into the file.
func TestInheritedClosed(t *testing.T) {
	t.Parallel()
	for _, closed := range []string{"<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"} {
		t.Run(closed, func(t *testing.T) {
			t.Parallel()
			// Every line has a file of its own, so there is much to say.
			p := startShell(t, "exec logreel --tee --verbose --eager --size=4 app.log "+closed)
			want := ""
			if !strings.Contains(closed, "<") {
				for i := range 9 {
					line := fmt.Sprintf("line %d", i)
					p.send(line)
					want += line + "\n"
				}
			}
			p.end()
			p.expect("app.log*", want)
			if !p.exists("app.log") {
				t.Error("it has not come as far as to open a file")
			}
		})
	}
}

// It needs no more of its working directory than its pattern does.
func TestInheritedDirectory(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ about, mode, pattern string }{
		{"neither readable nor searchable", "0000", "$PWD/app.log"},
		{"not readable", "0311", "app.log"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("sh", "-c", `logs=`+test.pattern+`; mkdir here; cd here; chmod `+test.mode+` .
				exec logreel --tee --verbose --every=never --link="$logs.link" "$logs"`)
			d := withoutRoot(t, cmd)
			t.Cleanup(func() { d.chmod("here", 0o755) }) // to be removed
			p := d.launch(cmd)
			p.write("one")
			if got := p.mode("here"); got != test.mode {
				t.Fatalf("mode %s, want %s", got, test.mode)
			}
			p.end()
			p.chmod("here", 0o755)
			for _, name := range []string{"app.log", "app.log.link"} {
				if got := p.content(name) + p.content("here/"+name); got != "one\n" {
					t.Errorf("%s: got %q", name, got)
				}
			}
		})
	}
}

// At the limit of a file's size lines wait, though the kernel sends SIGXFSZ, and go on
// where they stopped when the limit is raised.
func TestInheritedFileSize(t *testing.T) {
	t.Parallel()
	need(t, "prlimit")
	p := start(t, "--every=never", "app.log")
	want := ""
	send := func(n int) {
		t.Helper()
		for range n {
			line := fmt.Sprintf("this is line %d", strings.Count(want, "\n"))
			p.send(line)
			want += line + "\n"
		}
	}
	p.write("first")
	p.limit("--fsize=1000:") // the soft one, inside a line
	send(100)
	p.says("file too large")
	send(100)
	p.report()
	p.says("live file app.log of ")
	if got := len(p.read("app.log")); got != 1000 {
		t.Errorf("the file has %d bytes, want 1000", got)
	}
	p.limit("--fsize=1500:") // a fault that is over and comes again
	eventually(t, "the file to grow to the new limit", func() bool { return len(p.read("app.log")) == 1500 })
	p.limit("--fsize=unlimited:")
	p.copies(fmt.Sprintf("line %d", strings.Count(want, "\n")-1))
	p.end()
	p.expect("app.log", "first\n"+want)
}

// Messages that standard error does not take are dropped; lines never wait for them.
func TestInheritedFullStderr(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pipe", "socket"} {
		for _, nonblocking := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, nonblocking %v", kind, nonblocking), func(t *testing.T) {
				t.Parallel()
				stderr := newStream(t, kind)
				full := stderr.fill()
				setNonblock(t, stderr.write, nonblocking)
				cmd := exec.Command("logreel", "--tee", "--verbose", "--size=4", "app.log")
				cmd.Stderr = stderr.write
				p := newFolder(t).launch(cmd)
				want := ""
				write := func(line string) {
					t.Helper()
					p.write(line)
					want += line + "\n"
				}
				for i := range 8 {
					write(fmt.Sprintf("line %d", i)) // and a message for each
				}
				got := stderr.drain()
				eventually(t, "a message, when standard error has room again", func() bool {
					write("later")
					got = append(got, stderr.drain()...)
					return len(got) > len(full)
				})
				messages, begins := bytes.CutPrefix(got, full)
				whole := begins && bytes.HasSuffix(messages, []byte("\n"))
				for line := range bytes.Lines(messages) {
					whole = whole && bytes.HasPrefix(line, []byte("logreel: "))
				}
				if !whole {
					t.Errorf("after what it was full of, standard error has %.1000q, want whole messages", messages)
				}
				// Others have the same open file, and rely on its flags.
				flags, err := unix.FcntlInt(stderr.write.Fd(), unix.F_GETFL, 0)
				if err != nil || flags&unix.O_NONBLOCK != 0 != nonblocking {
					t.Errorf("flags %#x, %v: O_NONBLOCK is changed", flags, err)
				}
				p.end()
				text := ""
				for _, name := range p.inOrder() {
					text += p.read(name)
				}
				if text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			})
		}
	}
}

// Nobody reads the messages any more: that ends nothing.
func TestInheritedBrokenStderr(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("logreel", "--tee", "--verbose", everySecond)
	cmd.Stderr = broken(t)
	p := newFolder(t).launch(cmd)
	want := ""
	for i := 0; len(p.names(".")) < 3; i++ {
		line := fmt.Sprintf("line %d", i)
		p.write(line)
		want += line + "\n"
	}
	p.report()
	p.write("last")
	p.end()
	p.expect("*", want+"last\n")
}

// Nobody reads the copies any more: one message says so, and the files go on.
func TestInheritedBrokenTee(t *testing.T) {
	t.Parallel()
	p := startTee(t, broken(t), "--verbose")
	p.send("one")
	p.says("--tee: broken pipe; going on without it")
	want := "one\n"
	for _, line := range []string{"two", "three"} {
		p.send(line)
		want += line + "\n"
		eventually(t, line, func() bool { return p.content("app.log") == want })
	}
	if said := p.end(); strings.Contains(said, "--tee") {
		t.Errorf("it says again: %s", said)
	}
	p.expect("app.log", want)
}

// Under uWSGI what logreel says comes back as a line. Lines must not make messages,
// or the two would feed each other for ever.
func TestInheritedOwnMessages(t *testing.T) {
	t.Parallel()
	d := newBlocked(t)
	loop := newStream(t, "socket")
	setNonblock(t, loop.write, true) // as uWSGI does
	cmd := exec.Command("logreel", "--tee", "--verbose", "--every=never", "logs/app.log")
	cmd.Stdin, cmd.Stderr = loop.read, loop.write
	p := d.launch(cmd)
	p.input = loop.write
	p.send("one")
	time.Sleep(3 * time.Second) // as long as the fault lasts
	p.remove("logs")
	p.copies("over after")
	p.send("two")
	p.copies("two")
	time.Sleep(time.Second) // it would take some time to talk itself into anything
	// Its own standard error holds the input open.
	p.terminate()
	p.copies("a second SIGTERM ends")
	p.terminate()
	p.wait(0)
	warnings, own, others := 0, 0, ""
	got := p.read("logs/app.log")
	for line := range strings.Lines(complaints(got)) {
		switch {
		case strings.HasPrefix(line, "logreel: warning: "):
			warnings++
			own++
		case strings.HasPrefix(line, "logreel: "):
			own++
		default:
			others += line
		}
	}
	if others != "one\ntwo\n" {
		t.Errorf("got %q besides its own", others)
	}
	if warnings != 1 || own > 6 {
		t.Errorf("%d messages have become lines, %d of them warnings, want a handful and one: %.2000s", own, warnings, got)
	}
}
