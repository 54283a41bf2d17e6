//go:build !linux

package intake

import "time"

// A crowd would tell the writers of a socket apart; this system does not say who
// wrote what.
type crowd struct{}

func newCrowd(input, maxLine int) *crowd { return nil }

func (*crowd) read(limit int) (took, filled int, more bool, err error) { return 0, 0, false, nil }
func (*crowd) waits() bool                                             { return false }
func (*crowd) drain(out []byte) []byte                                 { return out }
func (*crowd) watches() bool                                           { return false }
func (*crowd) due(now time.Time) time.Duration                         { return 0 }
func (*crowd) markGone(now time.Time)                                  {}
func (*crowd) endGone()                                                {}
func (*crowd) endAll()                                                 {}
func (*crowd) trim() bool                                              { return false }
