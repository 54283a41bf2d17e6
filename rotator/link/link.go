// Package link puts links in the place of others.
//
// # Guarantees
//
//   - A link gets its name by rename(2): who follows it comes to the old file or to the
//     new one.
//   - A symlink is relative where that leads to the file, so that the tree can be moved or
//     mounted elsewhere, and absolute where directories that are symlinks lead the
//     relative one astray.
//   - What is no symlink is not replaced by one.
package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/logreel/logreel/rotator/files"
)

// Symlink points the symlink of a name to a file.
func Symlink(system files.System, name, path string) error {
	info, err := system.Stat(name, false)
	if err == nil && !info.Symlink {
		return errors.New("is not a symlink, so it is left alone; remove it or give another path")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	want, err := system.Stat(path, true)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(filepath.Dir(name), path)
	if err != nil { // one of them is absolute, the other is not
		relative = path
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = relative
	}
	return Replace(system, name, func(temporary string) error {
		for _, target := range []string{relative, absolute} {
			if err := system.Symlink(target, temporary); err != nil {
				return err
			}
			if got, err := system.Stat(temporary, true); err == nil && got.Same(want) {
				return nil
			}
			if err := system.Remove(temporary); err != nil {
				return err
			}
		}
		return fmt.Errorf("no symlink there leads to %s", path)
	})
}

// Replace makes a link under a temporary name beside its own, and renames that.
func Replace(system files.System, name string, make func(temporary string) error) error {
	dir, base := filepath.Split(name)
	temporary := filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", base, os.Getpid()))
	err := make(temporary)
	if errors.Is(err, fs.ErrExist) {
		// Left behind by a process of the same number that was killed.
		if err = system.Remove(temporary); err == nil {
			err = make(temporary)
		}
	}
	if err != nil {
		return err
	}
	if err := system.Rename(temporary, name); err != nil {
		return errors.Join(err, system.Remove(temporary))
	}
	return nil
}
