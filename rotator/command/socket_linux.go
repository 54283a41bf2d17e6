package command

import (
	"fmt"

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
