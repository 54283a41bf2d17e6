//go:build !linux

package process

// CloseInherited does nothing here: this system does not list a process's
// descriptors, and the Go runtime has pipes of its own.
func CloseInherited(keep ...int) {}
