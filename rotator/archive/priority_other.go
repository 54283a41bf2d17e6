//go:build !linux

package archive

import "golang.org/x/sys/unix"

// lowestPriority gives this process the lowest priority. If that fails, it stays as it is.
func lowestPriority(int) { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, 19) }
