//go:build linux

package tests

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A stream is two descriptors of which one reads what the other writes, with no
// poller of the runtime in between.
type stream struct {
	t           *testing.T
	read, write *os.File
}

func newStream(t *testing.T, kind string) stream {
	t.Helper()
	var ends [2]int
	var err error
	if kind == "socket" {
		ends, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	} else {
		err = unix.Pipe2(ends[:], unix.O_CLOEXEC)
	}
	must(t, err)
	s := stream{t, os.NewFile(uintptr(ends[0]), kind), os.NewFile(uintptr(ends[1]), kind)}
	t.Cleanup(func() {
		_ = s.read.Close() // if the test has not
		_ = s.write.Close()
	})
	return s
}

// broken returns the end to write to of a pipe that nobody reads any more.
func broken(t *testing.T) *os.File {
	t.Helper()
	s := newStream(t, "pipe")
	must(t, s.read.Close())
	return s.write
}

func setNonblock(t *testing.T, f *os.File, on bool) {
	t.Helper()
	must(t, unix.SetNonblock(int(f.Fd()), on))
}

// fill writes until nothing more fits in, and returns what it wrote.
func (s stream) fill() (full []byte) {
	s.t.Helper()
	setNonblock(s.t, s.write, true)
	defer setNonblock(s.t, s.write, false)
	for chunk := bytes.Repeat([]byte("full"), 1024); ; {
		n, err := unix.Write(int(s.write.Fd()), chunk)
		if err == unix.EAGAIN {
			return full
		}
		must(s.t, err)
		full = append(full, chunk[:n]...)
	}
}

// drain reads what is there.
func (s stream) drain() (all []byte) {
	s.t.Helper()
	setNonblock(s.t, s.read, true)
	for chunk := make([]byte, 4096); ; {
		n, err := unix.Read(int(s.read.Fd()), chunk)
		if err == unix.EAGAIN || err == nil && n == 0 {
			return all
		}
		must(s.t, err)
		all = append(all, chunk[:n]...)
	}
}

// ended reports whether the end of what comes is there to read.
func (s stream) ended() bool {
	s.t.Helper()
	setNonblock(s.t, s.read, true)
	n, err := unix.Read(int(s.read.Fd()), make([]byte, 1))
	return n == 0 && err == nil
}

// feed writes lines at so many a second, one write each, until it is stopped. Then it says
// how many.
func feed(t *testing.T, to io.Writer, rate int, line func(n int) []byte) (stop func() (lines int)) {
	var feeder sync.WaitGroup
	lines, err, done := 0, error(nil), make(chan struct{})
	feeder.Go(func() {
		for begun := time.Now(); err == nil; lines++ {
			select {
			case <-done:
				return
			case <-time.After(time.Until(begun.Add(time.Duration(lines) * time.Second / time.Duration(rate)))):
			}
			_, err = to.Write(line(lines))
		}
	})
	return func() int {
		t.Helper()
		close(done)
		feeder.Wait()
		must(t, err)
		return lines
	}
}

// listen returns a socket that listens, and a descriptor of it to be inherited.
func listen(t *testing.T) (net.Listener, *os.File) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	file, err := listener.(*net.TCPListener).File()
	must(t, err)
	t.Cleanup(func() {
		_ = listener.Close() // if the test has not
		_ = file.Close()
	})
	return listener, file
}
