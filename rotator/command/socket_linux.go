package command

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Sockets says whether this system tells the writers of a socket apart.
const Sockets = true

// socketRoom is how many bytes a socket is to hold. As the kernel counts them, a short
// line takes about 800: this is 20,000 lines/s for a quarter of a second.
const socketRoom = 4 << 20

// socket returns the two ends of a stream socket, and how much it holds.
func socket() (output, input, room int, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("socketpair: %w", err)
	}
	output, input = ends[0], ends[1]
	// From now on the kernel says who writes (unix(7)).
	if err := unix.SetsockoptInt(output, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return 0, 0, 0, fmt.Errorf("setsockopt SO_PASSCRED: %w", err)
	}
	// Root may have what it wants, others as much as the system allows.
	if unix.SetsockoptInt(input, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketRoom/2) != nil {
		_ = unix.SetsockoptInt(input, unix.SOL_SOCKET, unix.SO_SNDBUF, socketRoom/2)
	}
	if room, err = unix.GetsockoptInt(input, unix.SOL_SOCKET, unix.SO_SNDBUF); err != nil {
		return 0, 0, 0, fmt.Errorf("getsockopt SO_SNDBUF: %w", err)
	}
	// Nothing is ever written back. Whoever reads all the same, as programs do from the
	// standard error of a terminal, is told so at once (EAGAIN) and not left waiting. It is
	// not an end of input, as shutdown(2) would give: asyncio and Node look for one on what
	// they write to, and take it for the end of the reader.
	if err := unix.SetsockoptTimeval(input, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 1}); err != nil {
		return 0, 0, 0, fmt.Errorf("setsockopt SO_RCVTIMEO: %w", err)
	}
	return output, input, room, nil
}

// ShutDown reports whether an output has ended though some process still has it: one of
// those that share the socket has shut it down (shutdown(2)), for all of them.
func (c *Command) ShutDown() bool {
	return slices.ContainsFunc(c.Outputs, Output.shutDown)
}

func (o Output) shutDown() bool {
	ended := []unix.PollFd{{Fd: int32(o.Descriptor), Events: unix.POLLRDHUP}}
	if n, err := unix.Poll(ended, 0); n != 1 || err != nil || o.socket == 0 {
		return false
	}
	// One that the last process has closed is not in this list any more (proc_net(5)).
	list, err := os.Open("/proc/net/unix")
	if err != nil {
		return false
	}
	defer list.Close()
	number := strconv.FormatUint(o.socket, 10)
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 6 && fields[6] == number {
			return true
		}
	}
	return false
}

// socketNumber returns the number of a socket; 0 for a pipe.
func socketNumber(fd int) uint64 {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return 0
	}
	return st.Ino
}
