package flags

import (
	"fmt"

	"github.com/logreel/logreel/rotator/output"
	"github.com/logreel/logreel/rotator/process"
)

// BecomeUser makes this process one of --user, if that is given, and all that it will
// start. It fails if the user may not do what the outputs need.
func (f *Flags) BecomeUser(outputs *Outputs) error {
	u := f.User.User
	if u == nil {
		return nil
	}
	for _, c := range outputs.All() {
		if owner := c.Rotator.Owner; owner != nil && !u.MayGive(owner.UID, owner.GID) {
			return f.Mistake(fmt.Errorf("--owner: %s may not give files to others; leave --owner out, and for their group write --user=USER:GROUP", u.Name))
		}
	}
	err := u.Become()
	if err == nil {
		err = output.Permitted(outputs.All()...)
	}
	for _, c := range outputs.All() {
		if err == nil && (!c.Archive.Idle() || c.ExecOpen.Text != "") {
			err = process.MayStartSelf()
		}
	}
	if err != nil {
		err = f.Mistake(fmt.Errorf("--user=%s: %w", u.Name, err))
	}
	return err
}
