//go:build !linux

package process

// DropStartPages does nothing here: this system does not tell where the program is.
func DropStartPages() {}
