package archive

import (
	"errors"
	"io/fs"
	"time"

	"github.com/logreel/logreel/rotator/files"
)

// readerWait is how long nobody may have written to a file before it is taken to be finished
// though somebody who may only read it has locked it: whoever writes late, and cannot be seen
// for that lock, has gone on to another file long before.
const readerWait = time.Minute

// holderWait is how long nobody may have written to a file before it is said who keeps it from
// being taken for finished.
const holderWait = time.Minute

// lock opens a file that this pass has found, and locks it for us alone; see lockPath. It
// fails with [files.ErrLocked] as well if the path leads to another file by now.
func (p *pass) lock(f *file) (files.File, error) {
	h, info, err := p.lockPath(f.path)
	if errors.Is(err, files.ErrLocked) {
		p.tellHolder(f)
	}
	if err == nil && !info.Same(f.info) {
		err = errors.Join(files.ErrLocked, h.Close())
	}
	return h, err
}

// tellHolder says who has a lock of a finished file for longer than anybody needs it. What
// another pass has, or a run that is not over, is no news.
func (p *pass) tellHolder(f *file) {
	if p.Pattern.Runs() || !f.finished() || !passed(f.info.Modified, p.Now(), holderWait) {
		return
	}
	if holder := files.Holder(f.info); holder != "" {
		p.Messages.Warn("%s: locked by %s, which may write to it; left alone until that ends", f.path, holder)
	}
}

// lockPath opens the file at a path and locks it for us alone. It fails with
// [files.ErrLocked] if another process has a lock, or has given the path to another file
// between our opening and locking it.
func (p *pass) lockPath(path string) (files.File, files.Info, error) {
	h, err := p.Files.ReadToLock(path)
	if err != nil {
		return nil, files.Info{}, err
	}
	info, err := p.lockOpen(h, path)
	if err != nil {
		return nil, info, errors.Join(err, h.Close())
	}
	return h, info, nil
}

// lockOpen does the same with a file that was opened at the path.
func (p *pass) lockOpen(h files.File, path string) (files.Info, error) {
	lock := h.Lock(true)
	if lock != nil && !errors.Is(lock, files.ErrReader) {
		return files.Info{}, lock
	}
	info, err := h.Info()
	if err != nil {
		return info, err
	}
	if lock != nil && !passed(info.Modified, p.Now(), readerWait) {
		return info, files.ErrLocked
	}
	if at, err := p.Files.Stat(path, false); err != nil || !at.Same(info) {
		return info, files.ErrLocked
	}
	return info, nil
}

// lockIfThere is lockPath for a file that may be missing: then it returns nil. One whose name
// is too long is missing.
func (p *pass) lockIfThere(path string) (files.File, error) {
	h, _, err := p.lockPath(path)
	if errors.Is(err, fs.ErrNotExist) || isTooLong(err) {
		return nil, nil
	}
	return h, err
}
