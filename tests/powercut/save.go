package powercut

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Save writes the directories and files of a disk into a directory, which it makes. Owners,
// modes and symlinks are left out.
func (d *Disk) Save(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now.save(Root, dir)
}

func (t tree) save(n Ino, path string) error {
	switch i := t[n]; i.kind {
	case unix.S_IFDIR:
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		for name, entry := range i.entries {
			if err := t.save(entry, filepath.Join(path, name)); err != nil {
				return err
			}
		}
	case unix.S_IFREG:
		return os.WriteFile(path, i.data, 0o644)
	}
	return nil
}
