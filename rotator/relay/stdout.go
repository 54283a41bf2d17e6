package relay

import "golang.org/x/sys/unix"

const stdout = 1

// Stdout is standard output. Unlike os.Stdout it is never given to the runtime's
// poller, and a reader that is gone does not end the process. A reader that is slow
// holds up whoever writes.
type Stdout struct{}

// Write writes all of p, or returns why it could not.
func (Stdout) Write(p []byte) (done int, err error) {
	for done < len(p) {
		n, err := unix.Write(stdout, p[done:])
		done += max(n, 0)
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			ready := []unix.PollFd{{Fd: stdout, Events: unix.POLLOUT}}
			if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR {
				return done, err
			}
		default:
			return done, err
		}
	}
	return done, nil
}
