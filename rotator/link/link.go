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
//   - A symlink to a finished file leads to the compressed one when it has been compressed;
//     see [Finished] and [Follow].
//   - Several processes may set one link at once, whatever their numbers, which in
//     containers may be the same.
package link

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/series"
)

// Symlink points the symlink of a name to a file, which need not be there any more.
func Symlink(system files.System, name, path string) error {
	info, err := system.Stat(name, false)
	if err == nil && !info.Symlink {
		return errors.New("is not a symlink, so it is left alone; remove it or give another path")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	dir := files.Dir(name)
	if relative, err := filepath.Rel(dir, path); err == nil { // both are absolute, or neither
		// Put together as the kernel does it, which follows symlinks before it goes up.
		got, err := system.Stat(dir+"/"+filepath.Dir(relative), true)
		want, errWant := system.Stat(files.Dir(path), true)
		if err == nil && errWant == nil && got.Same(want) {
			return relative, nil
		}
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	work, err := os.Getwd()
	return work + "/" + path, err
}

// Finished points the symlink of a name to a file that is finished, under the name that it
// has now. It may be compressed at any moment: whoever does that has the link follow it,
// and if the link was not there yet, that is seen here.
func Finished(system files.System, name, path string) error {
	if err := Symlink(system, name, path+compressed(system, path)); err != nil {
		return err
	}
	return Follow(system, name)
}

// errSet is what Follow gives up with when the link is not what it was.
var errSet = errors.New("set by another process")

// Follow moves a symlink along whose file has been compressed since. What is no symlink,
// and one that leads elsewhere, is left as it is.
func Follow(system files.System, name string) error {
	was, err := system.Readlink(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) { // it is none
		return nil
	}
	if err != nil {
		return err
	}
	path := was
	if !filepath.IsAbs(was) {
		path = files.Dir(name) + "/" + was // as the kernel does it; see targetOf
	}
	ending := compressed(system, path)
	if ending == "" {
		return nil
	}
	err = Replace(system, name, func(temporary string) error {
		if err := system.Symlink(was+ending, temporary); err != nil {
			return err
		}
		// Who sets it from now on takes the temporary one away.
		if is, err := system.Readlink(name); err == nil && is == was {
			return nil
		}
		if err := remove(system, temporary); err != nil {
			return err
		}
		return errSet
	})
	if errors.Is(err, errSet) {
		return nil
	}
	return err
}

// compressed returns what has been appended to the name of a file that was compressed;
// empty if it has its own name. Of two it is that which was changed last.
func compressed(system files.System, path string) (ending string) {
	if _, err := system.Stat(path, true); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var changed time.Time
	for _, e := range series.Endings() {
		info, err := system.Stat(path+e, true)
		if err == nil && info.Regular && (ending == "" || info.Modified.After(changed)) {
			ending, changed = e, info.Modified
		}
	}
	return ending
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
	return fmt.Sprintf("%s/.logreel-%016x.tmp", files.Dir(name), sum.Sum64())
}
