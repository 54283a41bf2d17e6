package archive

import (
	"errors"
	"io/fs"

	"github.com/logreel/logreel/rotator/files"
)

// Sync makes a finished file survive a power cut, if it may be read. The directory comes
// first, since the file must not be there without the mark that has it handed on.
func (c Config) Sync(path string) error {
	c = c.withDefaults()
	err := c.Files.SyncDir(files.Dir(path))
	f, errFile := c.Files.Read(path)
	if errFile == nil {
		errFile = errors.Join(f.Sync(), f.Close())
	}
	for _, err := range []error{errFile, err} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}
