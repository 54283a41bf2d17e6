//go:build !linux

package files

// A lock is nothing: the system knows it.
type lock struct{}

// Lock takes a lock of flock(2), which whoever may read the file can have as well.
func (f *diskFile) Lock(alone bool) error { return pathError("lock", f.path, flock(f.fd, alone)) }

// Holder returns an empty text: this system does not tell who has a lock.
func Holder(Info) string { return "" }
