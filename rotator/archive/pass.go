package archive

import (
	"errors"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/link"
)

// A pass brings the directory into the state that its configuration asks for.
type pass struct {
	Config
}

func newPass(c Config) *pass { return &pass{c.withDefaults()} }

// errStopped is what a step fails with when Config.Stop is closed.
var errStopped = errors.New("stopped")

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
	found := p.find()
	if p.recover(found) {
		found = p.find()
	}
	p.follow() // the pass before may have been killed
	for _, f := range found.files {
		if p.future(f) {
			p.Messages.Warn("%s: its name lies in the future; it is left alone", f.path)
		}
	}
	if p.KeepFree.Given() || p.KeepCount > 0 || p.KeepAge.Given() {
		before := *p
		before.KeepSize = 0 // the files are yet to be compressed
		before.keep(found)
	}
	for _, f := range found.files {
		if p.stopped() != nil {
			return
		}
		p.finish(f)
	}
	if p.keeps() {
		p.keep(p.find())
	}
}

// makeRoom deletes what is to be deleted when the disk is full, and reports whether there
// was anything.
func makeRoom(c Config) bool {
	p := newPass(c)
	return p.KeepFree.Given() && p.keep(p.find()) > 0
}

// finish compresses a finished file and hands it on.
func (p *pass) finish(f *file) {
	if f.removed || !p.finished(f) {
		return
	}
	if p.Compress != nil && f.ending == "" {
		switch err := p.compress(f); {
		case errors.Is(err, errStopped) || errors.Is(err, files.ErrLocked):
			return
		case err != nil:
			p.Messages.Warn("compress %s: %v; it is left as it is", f.path, err)
			return
		}
		p.follow()
	}
	if p.Exec != "" && f.pending {
		if err := p.handOn(f); err != nil && !errors.Is(err, errStopped) && !errors.Is(err, files.ErrLocked) {
			p.Messages.Warn("--exec: %v", err)
		}
	}
}

// follow moves the previous link along.
func (p *pass) follow() {
	if p.PreviousLink == "" {
		return
	}
	if err := link.Follow(p.Files, p.PreviousLink); err != nil {
		p.Messages.Warn("--previous-link=%s: %v", p.PreviousLink, err)
	}
}
