//go:build !linux

package command

// Background returns 0: this system does not tell.
func (c *Command) Background() (pid int, name string) { return 0, "" }
