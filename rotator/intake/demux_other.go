//go:build !linux

package intake

import "time"

// A demux would tell the writers of a socket apart; this system does not say who
// wrote what.
type demux struct{}

func newDemux(Config) *demux { return nil }

func (*demux) read(limit int) (took, filled int, more bool, err error) { return 0, 0, false, nil }
func (*demux) waits() bool                                             { return false }
func (*demux) drain(out []byte) []byte                                 { return out }
func (*demux) watches() bool                                           { return false }
func (*demux) due(now time.Time) time.Duration                         { return 0 }
func (*demux) look(now time.Time) (trimmed bool)                       { return false }
func (*demux) endAll()                                                 {}

func (*demux) drained(to []written, length int) []written { return to }
