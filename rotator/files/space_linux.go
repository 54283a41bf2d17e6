package files

import "golang.org/x/sys/unix"

// blockSize returns the unit in which a file system counts its blocks: the fragment,
// which may be smaller than the block on file systems in user space (statvfs(3)).
func blockSize(st *unix.Statfs_t) int64 {
	if st.Frsize > 0 {
		return int64(st.Frsize)
	}
	return int64(st.Bsize)
}
