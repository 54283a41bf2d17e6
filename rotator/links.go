package rotator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/logreel/logreel/rotator/files"
)

// links keeps the names that point to the live file and to the one before it. A
// link that cannot be set is said, and no reason to stop.
type links struct {
	config Config
	hard   files.Info // the file that the hard link names, as far as this process set it
}

// setPrevious points the previous link to the file before the live one: to the one
// that this process wrote, or else to the one that an earlier process left the link
// of the live file on. It is to be called before setLive.
func (l *links) setPrevious(live *liveFile, previous string) {
	if l.config.PreviousLink == "" {
		return
	}
	if previous == "" {
		previous = l.target(l.config.Link)
	}
	if previous != "" && filepath.Clean(previous) != filepath.Clean(live.path) {
		l.warn("--previous-link", l.config.PreviousLink, l.symlink(l.config.PreviousLink, previous))
	}
}

// setLive points the links of the live file to it.
func (l *links) setLive(live *liveFile) {
	if l.config.Link != "" {
		l.warn("--link", l.config.Link, l.symlink(l.config.Link, live.path))
	}
	if l.config.HardLink != "" {
		l.warn("--hard-link", l.config.HardLink, l.hardLink(l.config.HardLink, live))
	}
}

func (l *links) warn(flag, path string, err error) {
	if err != nil {
		l.config.Voice.Warn("%s=%s: %v", flag, path, err)
	}
}

// target returns the path that a link of an earlier run points to, if it is there.
func (l *links) target(link string) string {
	if link == "" {
		return ""
	}
	target, err := l.config.Files.Readlink(link)
	if err != nil {
		return ""
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(link), target)
	}
	if _, err := l.config.Files.Stat(target, true); err != nil {
		return ""
	}
	return target
}

// symlink points a symlink to a file: relative, so that the tree can be moved or
// mounted elsewhere, but absolute where directories that are symlinks lead the
// relative one astray.
func (l *links) symlink(link, path string) error {
	info, err := l.config.Files.Stat(link, false)
	if err == nil && !info.Symlink {
		return errors.New("is not a symlink, so it is left alone; remove it or give another path")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	want, err := l.config.Files.Stat(path, true)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(filepath.Dir(link), path)
	if err != nil { // one of them is absolute, the other is not
		relative = path
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = relative
	}
	return l.replace(link, func(temporary string) error {
		for _, target := range []string{relative, absolute} {
			if err := l.config.Files.Symlink(target, temporary); err != nil {
				return err
			}
			if got, err := l.config.Files.Stat(temporary, true); err == nil && got.Same(want) {
				return nil
			}
			if err := l.config.Files.Remove(temporary); err != nil {
				return err
			}
		}
		return fmt.Errorf("no symlink there leads to %s", path)
	})
}

// hardLink gives the live file a second name. What has that name already is
// replaced only if it is a file that keeps another name, or that this process
// linked there.
func (l *links) hardLink(link string, live *liveFile) error {
	info, err := l.config.Files.Stat(link, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Same(live.info):
		return nil // rename(2) does nothing between two names of one file
	case !info.Regular || info.Links < 2 && !info.Same(l.hard):
		return errors.New("is the only name of a file, so it is left alone; move it away or give another path")
	}
	err = l.replace(link, func(temporary string) error { return l.config.Files.Link(live.path, temporary) })
	if err == nil {
		l.hard = live.info
	}
	return err
}

// replace makes a link under a temporary name beside it and renames that.
func (l *links) replace(link string, make func(temporary string) error) error {
	dir, name := filepath.Split(link)
	temporary := filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", name, os.Getpid()))
	err := make(temporary)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDirs(l.config, filepath.Dir(link)); err == nil {
			err = make(temporary)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		// Left behind by a process of the same number that was killed.
		if err = l.config.Files.Remove(temporary); err == nil {
			err = make(temporary)
		}
	}
	if err != nil {
		return err
	}
	if err := l.config.Files.Rename(temporary, link); err != nil {
		return errors.Join(err, l.config.Files.Remove(temporary))
	}
	return nil
}
