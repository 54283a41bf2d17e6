package output

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/files"
)

// Permitted returns an error if this process has no right to make the files of an output
// or its links. Any other trouble is left to the writing, which tries again.
func Permitted(outputs ...Config) error {
	for _, c := range outputs {
		if c.Stdout != nil {
			continue
		}
		r, err := rotator.New(c.Rotator)
		if err != nil {
			return err
		}
		_, path, err := r.Place(time.Now())
		if err != nil {
			continue
		}
		paths := []string{path}
		for _, l := range c.Rotator.Links() {
			paths = append(paths, l.Path)
		}
		for _, path := range paths {
			if err := permitted(files.Disk{}, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// permitted returns an error if what is at a path may not be written to, or a file may not
// be made there. A device, which is there, is not made.
func permitted(disk files.System, path string) error {
	info, err := disk.Stat(path, true)
	if err == nil && unix.Access(path, unix.W_OK) == unix.EACCES {
		return fmt.Errorf("may not write to %s; give that file to the user", path)
	}
	if err == nil && info.Character {
		return nil
	}
	dir := files.Dir(path)
	err = disk.Writable(dir)
	for errors.Is(err, fs.ErrNotExist) && files.Dir(dir) != dir {
		dir = files.Dir(dir)
		err = disk.Writable(dir)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("may not make files in %s; give that directory to the user", dir)
	}
	return nil
}
