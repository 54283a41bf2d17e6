// Package link sets symlinks and hard links, each in the place of the one before it.
//
// # Guarantees
//
//   - A link gets its name by rename(2): whoever follows it reaches the old file or the
//     new one.
//   - A symlink is relative where that leads to the file, so that the tree can be moved or
//     mounted elsewhere, and absolute where symlinks among the directories would lead a
//     relative one astray.
//   - Nothing but a symlink is replaced with a symlink.
//   - A symlink to a finished file leads to the compressed one when it has been compressed;
//     see [Finished] and [Follow].
//   - Several processes may set one link at once, even those of containers, which may
//     have the same process numbers.
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

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
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
		// Joined as the kernel does it, which follows symlinks before it goes up.
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

// Finished points the symlink of a name to a finished file, under the name that this has
// now. The file may be compressed at any moment: whoever does that calls Follow, and if
// the link was not there yet, the call below makes up for it.
func Finished(system files.System, name, path string) error {
	if err := Symlink(system, name, path+compressed(system, path)); err != nil {
		return err
	}
	return Follow(system, name)
}

// errSet is what Follow gives up with when the link is not what it was.
var errSet = errors.New("set by another process")

// Follow moves a symlink along if its file has been compressed since. One that leads
// elsewhere, and whatever is no symlink, is left as it is.
func Follow(system files.System, name string) error {
	was, err := system.Readlink(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) { // it is no symlink
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
		// Whoever sets the link from now on takes the temporary one away.
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

// compressed returns the ending that a file's name got when it was compressed; empty if
// it still has its own name. Of two compressed files, the one changed last counts.
func compressed(system files.System, path string) (ending string) {
	if _, err := system.Stat(path, true); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var changed time.Time
	for _, e := range filename.Endings() {
		info, err := system.Stat(path+e, true)
		if err == nil && info.Regular && (ending == "" || info.Modified.After(changed)) {
			ending, changed = e, info.Modified
		}
	}
	return ending
}

// attempts is how many times to make a link that somebody else takes away each time.
const attempts = 10

// Replace makes a link under a temporary name beside its own, and renames that. The
// temporary name is the same for all who set this link, and for no other link: what a
// killed process left is removed by the next, and of two at once, each makes the temporary link
// anew when the other has taken it.
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

// temporaryName returns the name that a link has at first. It is hidden, and short enough
// for a link of any name.
func temporaryName(name string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(filepath.Base(name))) // it never fails
	return fmt.Sprintf("%s/.logreel-%016x.tmp", files.Dir(name), sum.Sum64())
}
