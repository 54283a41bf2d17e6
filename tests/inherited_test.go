package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A stream is two descriptors of which one reads what the other writes, with no
// poller of the runtime in between.
type stream struct{ read, write *os.File }

func newStream(t *testing.T, kind string) stream {
	t.Helper()
	var ends [2]int
	var err error
	if kind == "socket" {
		ends, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	} else {
		err = unix.Pipe(ends[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range ends {
		unix.CloseOnExec(fd)
	}
	s := stream{os.NewFile(uintptr(ends[0]), kind), os.NewFile(uintptr(ends[1]), kind)}
	t.Cleanup(func() {
		_ = s.read.Close() // if the test has not
		_ = s.write.Close()
	})
	return s
}

func setNonblock(t *testing.T, f *os.File, on bool) {
	t.Helper()
	if err := unix.SetNonblock(int(f.Fd()), on); err != nil {
		t.Fatal(err)
	}
}

// fill writes until nothing more fits in, and returns what it wrote.
func (s stream) fill(t *testing.T) []byte {
	t.Helper()
	setNonblock(t, s.write, true)
	defer setNonblock(t, s.write, false)
	full := []byte{}
	for chunk := bytes.Repeat([]byte("full"), 1024); ; {
		n, err := unix.Write(int(s.write.Fd()), chunk)
		if err == unix.EAGAIN {
			return full
		}
		if err != nil {
			t.Fatal(err)
		}
		full = append(full, chunk[:n]...)
	}
}

// drain reads what is there.
func (s stream) drain(t *testing.T) []byte {
	t.Helper()
	setNonblock(t, s.read, true)
	all, chunk := []byte{}, make([]byte, 4096)
	for {
		n, err := unix.Read(int(s.read.Fd()), chunk)
		if err == unix.EAGAIN || err == nil && n == 0 {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, chunk[:n]...)
	}
}

// Sockets and pipes that whoever started it left open are closed: a server's port
// would stay busy, and the readers of other loggers' pipes would wait for an end.
func TestInheritedDescriptors(t *testing.T) {
	t.Parallel()
	needProc(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listening, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	pipe, pair := newStream(t, "pipe"), newStream(t, "socket")
	cmd := exec.Command("logreel", "--tee", "--verbose", "--every=never", "app.log")
	// More than one read of the directory of descriptors tells of.
	for range 300 {
		cmd.ExtraFiles = append(cmd.ExtraFiles, pipe.write, pair.write)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, listening, pipe.read)
	dir := t.TempDir()
	p := launch(t, dir, cmd)
	p.write("one") // so it reads, and has closed what it closes
	for _, f := range []io.Closer{listener, listening, pipe.write, pair.write} {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for fd, target := range openFiles(t, cmd.Process.Pid) {
		if fd > 2 && (strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "pipe:")) {
			t.Errorf("descriptor %d is still open: %s", fd, target)
		}
	}
	// A process that another test is just starting has copies until its exec.
	eventually(t, "the port", func() bool {
		again, err := net.Listen("tcp", listener.Addr().String())
		return err == nil && again.Close() == nil
	})
	for _, s := range []stream{pipe, pair} {
		setNonblock(t, s.read, true)
		eventually(t, "the end of the inherited "+s.read.Name(), func() bool {
			n, err := unix.Read(int(s.read.Fd()), make([]byte, 1))
			return n == 0 && err == nil
		})
	}
	p.write("two")
	p.end()
	if got := content(t, dir, "app.log"); got != "one\ntwo\n" {
		t.Errorf("got %q", got)
	}
}

// Files and directories have the modes that the manual says under any umask: servers
// that daemonize set it to 0.
func TestInheritedUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"0", "0777"} {
		dir := t.TempDir()
		p := startShell(t, dir, "umask "+umask+"; exec logreel --tee --verbose --every=never logs/shop/app.log")
		p.write("one")
		p.end()
		for path, want := range map[string]os.FileMode{"logs": 0o755, "logs/shop": 0o755, "logs/shop/app.log": 0o640} {
			info, err := os.Stat(filepath.Join(dir, path))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("umask %s: %s has mode %04o, want %04o", umask, path, got, want)
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
			dir := t.TempDir()
			// Every line has a file of its own, so there is much to say.
			p := startShell(t, dir, "exec logreel --tee --verbose --eager --size=4 app.log "+closed)
			want := ""
			if !strings.Contains(closed, "<") {
				for i := range 9 {
					line := fmt.Sprintf("line %d", i)
					p.send(line)
					want += line + "\n"
				}
			}
			p.end()
			if got := content(t, dir, "app.log*"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if _, err := os.Stat(filepath.Join(dir, "app.log")); err != nil {
				t.Errorf("it has not come as far as to open a file: %v", err)
			}
		})
	}
}

// withoutRoot makes a command one of a user whom permissions bind, and returns a
// directory of that user's.
func withoutRoot(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		return dir
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("root is bound by no permission: %v", err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(nobody.Gid)
	if err != nil {
		t.Fatal(err)
	}
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	try := exec.Command(logreel, "--version")
	try.SysProcAttr = as
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("root is bound by no permission, and nobody cannot run %s: %v %s", logreel, err, out)
	}
	// What t.TempDir makes is in a directory for its owner alone.
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chown(dir, uid, gid)); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = as
	return dir
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
			dir := withoutRoot(t, cmd)
			here := filepath.Join(dir, "here")
			t.Cleanup(func() {
				if err := os.Chmod(here, 0o755); err != nil { // to be removed
					t.Error(err)
				}
			})
			p := launch(t, dir, cmd)
			p.write("one")
			info, err := os.Stat(here)
			if err != nil || fmt.Sprintf("%04o", info.Mode().Perm()) != test.mode {
				t.Fatalf("%v, %v, want mode %s", info.Mode(), err, test.mode)
			}
			p.end()
			if err := os.Chmod(here, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"app.log", "app.log.link"} {
				if got := content(t, dir, name) + content(t, here, name); got != "one\n" {
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
	dir := t.TempDir()
	p := start(t, dir, "--every=never", "app.log")
	limit := func(size string) {
		t.Helper()
		run(t, "prlimit", "--pid", strconv.Itoa(p.cmd.Process.Pid), "--fsize="+size+":") // the soft one
	}
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
	limit("1000") // inside a line
	send(100)
	p.await(p.said, "file too large")
	send(100)
	p.signal(syscall.SIGUSR1)
	p.await(p.said, "live file app.log of ")
	if got := len(content(t, dir, "app.log")); got != 1000 {
		t.Errorf("the file has %d bytes, want 1000", got)
	}
	limit("1500") // a fault that is over and comes again
	eventually(t, "the file to grow to the new limit", func() bool { return len(content(t, dir, "app.log")) == 1500 })
	limit("unlimited")
	p.await(p.copied, fmt.Sprintf("line %d", strings.Count(want, "\n")-1))
	p.end()
	if got := content(t, dir, "app.log"); got != "first\n"+want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Messages that standard error does not take are dropped; lines never wait for them.
func TestInheritedFullStderr(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pipe", "socket"} {
		for _, nonblocking := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, nonblocking %v", kind, nonblocking), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				stderr := newStream(t, kind)
				full := stderr.fill(t)
				setNonblock(t, stderr.write, nonblocking)
				cmd := exec.Command("logreel", "--tee", "--verbose", "--size=4", "app.log")
				cmd.Stderr = stderr.write
				p := launch(t, dir, cmd)
				want := ""
				write := func(line string) {
					t.Helper()
					p.write(line)
					want += line + "\n"
				}
				for i := range 8 {
					write(fmt.Sprintf("line %d", i)) // and a message for each
				}
				got := stderr.drain(t)
				eventually(t, "a message, when standard error has room again", func() bool {
					write("later")
					got = append(got, stderr.drain(t)...)
					return len(got) > len(full)
				})
				messages, begins := bytes.CutPrefix(got, full)
				if !begins || !regexp.MustCompile("^(logreel: .*\n)+$").Match(messages) {
					t.Errorf("after what it was full of, standard error has %.1000q, want whole messages", messages)
				}
				// Others have the same open file, and rely on its flags.
				flags, err := unix.FcntlInt(stderr.write.Fd(), unix.F_GETFL, 0)
				if err != nil || flags&unix.O_NONBLOCK != 0 != nonblocking {
					t.Errorf("flags %#x, %v: O_NONBLOCK is changed", flags, err)
				}
				p.end()
				text := ""
				for _, name := range inOrder(t, dir) {
					text += content(t, dir, filepath.Base(name))
				}
				if text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			})
		}
	}
}

// broken returns the end to write to of a pipe that nobody reads any more.
func broken(t *testing.T) *os.File {
	t.Helper()
	s := newStream(t, "pipe")
	if err := s.read.Close(); err != nil {
		t.Fatal(err)
	}
	return s.write
}

// Nobody reads the messages any more: that ends nothing.
func TestInheritedBrokenStderr(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("logreel", "--tee", "--verbose", everySecond)
	cmd.Stderr = broken(t)
	p := launch(t, dir, cmd)
	want := ""
	files := func() int {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	for i := 0; files() < 3; i++ {
		line := fmt.Sprintf("line %d", i)
		p.write(line)
		want += line + "\n"
	}
	p.signal(syscall.SIGUSR1)
	p.write("last")
	p.end()
	if got := content(t, dir, "*"); got != want+"last\n" {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nobody reads the copies any more: one message says so, and the files go on.
func TestInheritedBrokenTee(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("logreel", "--tee", "--verbose", "--every=never", "app.log")
	cmd.Stdout = broken(t)
	p := launch(t, dir, cmd)
	p.send("one")
	p.await(p.said, "--tee: broken pipe; going on without it")
	want := "one\n"
	for _, line := range []string{"two", "three"} {
		p.send(line)
		want += line + "\n"
		eventually(t, line, func() bool { return content(t, dir, "app.log") == want })
	}
	if err := p.input.Close(); err != nil {
		t.Fatal(err)
	}
	for line := range p.said {
		if strings.Contains(line, "--tee") {
			t.Errorf("it says again: %s", line)
		}
	}
	p.wait(0)
	if got := content(t, dir, "app.log"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Under uWSGI what logreel says comes back as a line. Lines must not make messages,
// or the two would feed each other for ever.
func TestInheritedOwnMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	loop := newStream(t, "socket")
	setNonblock(t, loop.write, true) // as uWSGI does
	cmd := exec.Command("logreel", "--tee", "--verbose", "--every=never", "logs/app.log")
	cmd.Stdin, cmd.Stderr = loop.read, loop.write
	p := launch(t, dir, cmd)
	p.input = loop.write
	p.send("one")
	time.Sleep(3 * time.Second) // as long as the fault lasts
	if err := os.Remove(filepath.Join(dir, "logs")); err != nil {
		t.Fatal(err)
	}
	p.await(p.copied, "over after")
	p.send("two")
	p.await(p.copied, "two")
	time.Sleep(time.Second) // it would take some time to talk itself into anything
	// Its own standard error holds the input open.
	p.signal(syscall.SIGTERM)
	p.await(p.copied, "a second SIGTERM ends")
	p.signal(syscall.SIGTERM)
	p.wait(0)
	warnings, own, others := 0, 0, ""
	got := content(t, dir, "logs/app.log")
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
