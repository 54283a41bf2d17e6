package rotator

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/logreel/logreel/rotator/files"
	"github.com/logreel/logreel/rotator/link"
)

// A GivenLink is a link that is kept, and the flag that asks for it.
type GivenLink struct{ Flag, Path string }

// Links returns the links that are kept.
func (c Config) Links() (given []GivenLink) {
	for _, l := range []GivenLink{{"--link", c.Link}, {"--previous-link", c.PreviousLink}, {"--hard-link", c.HardLink}} {
		if l.Path != "" {
			given = append(given, l)
		}
	}
	return given
}

// links maintains the names that lead to the live file and to the one before it. A
// link that cannot be set is reported, but is no reason to stop.
type links struct {
	config Config
	hard   files.Info // the file that this process gave the hard link to; zero for none
}

// setPrevious points the previous link to the file before the live one: to the one
// that this process wrote, or else to the one that Config.Link still leads to from an
// earlier run. It is to be called before setLive.
func (l *links) setPrevious(live *liveFile, previous string) {
	if l.config.PreviousLink == "" {
		return
	}
	if previous == "" {
		previous = l.target(l.config.Link)
	}
	if previous != "" && filepath.Clean(previous) != filepath.Clean(live.path) {
		l.warn("--previous-link", l.config.PreviousLink, l.inDir(l.config.PreviousLink, func() error {
			return link.Finished(l.config.Files, l.config.PreviousLink, previous)
		}))
	}
}

// setLive points the links of the live file to it.
func (l *links) setLive(live *liveFile) {
	if l.config.Link != "" {
		l.warn("--link", l.config.Link, l.inDir(l.config.Link, func() error {
			return link.Symlink(l.config.Files, l.config.Link, live.path)
		}))
	}
	if l.config.HardLink != "" {
		l.warn("--hard-link", l.config.HardLink, l.hardLink(l.config.HardLink, live))
	}
}

func (l *links) warn(flag, path string, err error) {
	if err != nil {
		l.config.Messages.Warn("%s=%s: %v", flag, path, err)
	}
}

// target returns the path that a link of an earlier run points to; empty if there is none.
// The file may have been compressed since.
func (l *links) target(name string) string {
	if name == "" {
		return ""
	}
	target, err := l.config.Files.Readlink(name)
	if err != nil {
		return ""
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	return target
}

// hardLink gives the live file a second name. What has that name already is
// replaced only if it is a file that keeps another name, or one that this process
// linked there.
func (l *links) hardLink(name string, live *liveFile) error {
	info, err := l.config.Files.Stat(name, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Same(live.info):
		return nil // rename(2) does nothing between two names of one file
	case !info.Regular || info.Links < 2 && !info.Same(l.hard):
		return errors.New("is the only name of a file, so it is left alone; move it away or give another path")
	}
	err = l.inDir(name, func() error {
		return link.Replace(l.config.Files, name, func(temporary string) error { return l.config.Files.Link(live.path, temporary, live.info) })
	})
	if err == nil {
		l.hard = live.info
	}
	return err
}

// inDir sets a link, and makes the directory that it is in if that is missing.
func (l *links) inDir(name string, set func() error) error {
	err := set()
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDirs(l.config, files.Dir(name)); err == nil {
			err = set()
		}
	}
	return err
}
