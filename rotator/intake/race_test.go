//go:build race

package intake

// raceEnabled says that the race detector is on, which allocates.
const raceEnabled = true
