package archive

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/hook"
)

// lookEvery is how long files are handed on before the pass looks for new ones, which
// are to be compressed before they fill the disk. A slow command runs on meanwhile.
const lookEvery = time.Second

// A pass brings the directory into the state that its configuration asks for.
type pass struct {
	Config
	// tried are the plain paths of the files for which the command has run, or failed to.
	tried map[string]bool
	// running is the plain path of the file for which the command is running; empty for
	// none.
	running string
}

func newPass(c Config) *pass { return &pass{Config: c.withDefaults(), tried: map[string]bool{}} }

// errStopped is what a step fails with when Config.Stop is closed.
var errStopped = hook.ErrStopped

// stopped returns an error when the pass is to end.
func (p *pass) stopped() error {
	select {
	case <-p.Stop:
		return errStopped
	default:
		return nil
	}
}

// Run makes one pass. What fails is reported, and left for the next one.
func Run(c Config) {
	p := newPass(c)
	found := p.look()
	for _, f := range found.files {
		if f.future {
			p.Messages.Warn("%s: its name lies in the future; it is left alone", f.path)
		}
	}
	for p.work(found); p.handOnAll(found); p.work(found) {
		found = p.look()
	}
	if p.stopped() != nil {
		return
	}
	found = p.find()
	p.keep(found, sweep{waiting: true})
	p.reportWaiting(found)
}

// look finishes what a killed pass began, and looks for the files.
func (p *pass) look() *found {
	found := p.find()
	if p.recover(found) {
		found = p.find()
	}
	return found
}

// work deletes and compresses what was found. What is to be deleted goes first, so that
// there is room.
func (p *pass) work(found *found) {
	p.keep(found, sweep{})
	p.compressAll(found)
}

// compressAll compresses the finished files. What cannot be compressed is handed on as it
// is: on a full disk, it would never be deleted otherwise.
func (p *pass) compressAll(found *found) {
	for _, f := range found.files {
		if p.Compress == nil || f.removed || f.ending != "" || f.plain == p.running || !f.finished() {
			continue
		}
		switch err := p.compress(f); {
		case err == nil:
		case isLater(err):
			f.later = true
		case errors.Is(err, errCeiling) || isTooLong(err):
			p.Messages.Detail("compress %s: %v; it is left as it is", f.path, err)
		default:
			p.Messages.Warn("compress %s: %v; it is left as it is", f.path, err)
		}
		if p.stopped() != nil {
			return
		}
	}
}

// isLater reports whether a step failed because the file is to be left for later: somebody
// uses it, or was faster, or a link leads to it, or the pass is to end.
func isLater(err error) bool {
	return errors.Is(err, files.ErrLocked) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errLinked) || errors.Is(err, errStopped)
}

// isFull reports whether something failed for lack of room, be it of the disk, of its
// inodes or of a quota.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// isTooLong reports whether something failed because a name is longer than the directory
// allows. A file of such a name is not there.
func isTooLong(err error) bool { return errors.Is(err, unix.ENAMETOOLONG) }
