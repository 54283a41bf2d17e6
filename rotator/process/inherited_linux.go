package process

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
)

// CloseInherited closes the sockets and pipes, from descriptor 3 up, that whoever
// started this process left open: a server's listening socket, which would keep its
// port busy, and other loggers' pipes, whose readers would never see the end. It is
// to be called before this process opens any of its own except those to keep. The Go runtime's
// descriptors are neither sockets nor pipes.
func CloseInherited(keep ...int) {
	names, _ := files.Disk{}.Names("/proc/self/fd") // there are none without /proc
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		var st unix.Stat_t
		if err != nil || fd <= 2 || slices.Contains(keep, fd) || unix.Fstat(fd, &st) != nil {
			continue
		}
		if kind := st.Mode & unix.S_IFMT; kind == unix.S_IFSOCK || kind == unix.S_IFIFO {
			_ = unix.Close(fd)
		}
	}
}
