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
//   - Several processes may set one link at once, whatever their numbers, which in
//     containers may be the same.
package link

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
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
	if _, err := system.Stat(path, true); err != nil {
		return err
	}
	target, err := targetOf(system, name, path)
	if err != nil {
		return err
	}
	return Replace(system, name, func(temporary string) error { return system.Symlink(target, temporary) })
}

// targetOf returns the text of a symlink that leads to a path.
func targetOf(system files.System, name, path string) (string, error) {
	dir := filepath.Dir(name)
	if relative, err := filepath.Rel(dir, path); err == nil { // both are absolute, or neither
		// Put together as the kernel does it, which follows symlinks before it goes up.
		got, err := system.Stat(dir+"/"+filepath.Dir(relative), true)
		want, errWant := system.Stat(filepath.Dir(path), true)
		if err == nil && errWant == nil && got.Same(want) {
			return relative, nil
		}
	}
	return filepath.Abs(path)
}

// attempts is how often a link is made anew that somebody else takes away.
const attempts = 10

// Replace makes a link under a temporary name beside its own, and renames that. The
// temporary name is one for all who set this link, and for no other link: what was left by
// one that was killed is put to use, and of two at once, each makes it anew when the other
// has taken it.
func Replace(system files.System, name string, make func(temporary string) error) error {
	temporary := temporaryName(name)
	for n := 1; ; n++ {
		err := make(temporary)
		if err == nil {
			err = system.Rename(temporary, name)
			switch {
			case err == nil:
				return nil
			case !errors.Is(err, fs.ErrNotExist) || n == attempts:
				return errors.Join(err, remove(system, temporary))
			}
			continue
		}
		if !errors.Is(err, fs.ErrExist) || n == attempts {
			return err
		}
		if err := remove(system, temporary); err != nil {
			return err
		}
	}
}

// remove removes a file that others may remove as well.
func remove(system files.System, path string) error {
	if err := system.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// temporaryName returns the name that a link has first. It is hidden, and short enough
// for a link of any name.
func temporaryName(name string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(filepath.Base(name))) // it never fails
	return filepath.Join(filepath.Dir(name), fmt.Sprintf(".logreel-%016x.tmp", sum.Sum64()))
}
