package relay

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// CloseInherited closes the sockets and pipes, from descriptor 3 up, that whoever
// started this process left open: a server's listening socket, which would keep its
// port busy, and other loggers' pipes, whose readers would never see the end. It is
// to be called before this process opens any of its own but keep. The Go runtime's
// descriptors are neither.
func CloseInherited(keep int) {
	dir, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(dir)
	var names []string
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.ReadDirent(dir, buf)
		if err != nil || n <= 0 {
			break
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		var st unix.Stat_t
		if err != nil || fd <= 2 || fd == dir || fd == keep || unix.Fstat(fd, &st) != nil {
			continue
		}
		if kind := st.Mode & unix.S_IFMT; kind == unix.S_IFSOCK || kind == unix.S_IFIFO {
			_ = unix.Close(fd)
		}
	}
}
