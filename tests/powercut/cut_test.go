package powercut

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// sessions is how many sessions are cut, from LOGREEL_CUTS in the environment: each at
// every operation, under the rules of each file system.
func sessions(t *testing.T) uint64 {
	given := os.Getenv("LOGREEL_CUTS")
	if given == "" {
		return 12
	}
	n, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatalf("LOGREEL_CUTS: %v", err)
	}
	return n
}

// The power may be cut at any operation: what was synced is there once, no compressed
// file is cut off, and the next start finishes what was begun, even if it is cut itself.
func TestCutAtEveryOperation(t *testing.T) {
	t.Parallel()
	for seed := range sessions(t) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			recorded := newSession(t, seed)
			recorded.run(3)
			cuts := 0
			for n := 1; n <= recorded.disk.Ops(); n++ {
				for _, rules := range []Rules{Ext4, XFS, Btrfs} {
					cuts += recorded.cut(n, rules)
				}
			}
			t.Logf("%d cuts", cuts)
		})
	}
}

// cut cuts behind n operations, starts again and checks, and returns how many cuts it
// made: some starts are cut as well.
func (s *session) cut(n int, rules Rules) (cuts int) {
	random := rand.New(rand.NewPCG(s.seed, uint64(n)))
	after := *s
	p := s.promised(n, promise{})
	for cuts = 1; ; cuts++ {
		after.place += fmt.Sprintf(", %s cut behind operation %d of %d", rules.Name, n, after.disk.Ops())
		after.use(after.disk.Cut(n, rules, random))
		after.survey() // no compressed file is cut off
		after.recover()
		if after.disk.Ops() == 0 || cuts == 3 || random.IntN(4) > 0 {
			break
		}
		n = 1 + random.IntN(after.disk.Ops())
		p = after.promised(n, p)
	}
	p = after.promised(after.disk.Ops(), p)
	after.check(p)
	ops := after.disk.Ops()
	after.recover()
	if ops != after.disk.Ops() {
		after.fatal("another start does something: ", after.disk.ops[ops:])
	}
	return cuts
}
