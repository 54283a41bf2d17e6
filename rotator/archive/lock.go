package archive

import (
	"errors"
	"io/fs"

	"github.com/logreel/logreel/rotator/files"
)

// lock opens a file that this pass has found, and locks it for us alone; see lockPath. It
// fails with [files.ErrLocked] as well if the path leads to another file by now.
func (p *pass) lock(f *file) (files.File, error) {
	h, info, err := p.lockPath(f.path)
	if err == nil && !info.Same(f.info) {
		err = errors.Join(files.ErrLocked, h.Close())
	}
	return h, err
}

// lockPath opens the file at a path and locks it for us alone. It fails with
// [files.ErrLocked] if another process has a lock, or has given the path to another file
// between our opening and locking it.
func (p *pass) lockPath(path string) (files.File, files.Info, error) {
	h, err := p.Files.Read(path)
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
	if err := h.Lock(true); err != nil {
		return files.Info{}, err
	}
	info, err := h.Info()
	if err != nil {
		return info, err
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
