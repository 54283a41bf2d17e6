//go:build !race

package record

// raceEnabled says that the race detector is on, which allocates.
const raceEnabled = false
