//go:build !linux

package command

import "errors"

// Sockets says whether this system tells the writers of a socket apart.
const Sockets = false

func socket() (output, input, room int, err error) { return 0, 0, 0, errors.ErrUnsupported }

// ShutDown reports false: a pipe cannot be shut down.
func (c *Command) ShutDown() bool { return false }

func socketNumber(int) uint64 { return 0 }
