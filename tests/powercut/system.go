package powercut

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
)

// A System is a Disk as package rotator and its parts see one. Its paths are absolute. It
// is made anew for each process that is to be played: locks end with it.
type System struct {
	Disk *Disk

	mu    sync.Mutex
	locks map[*handle]bool // whether it is alone
}

var _ files.System = (*System)(nil)

// find returns what a path leads to, and the directory and the name that it has there.
func (s *System) find(path string, follow bool) (n, dir Ino, name string, err error) {
	n = Root
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	for links := 0; len(parts) > 0; {
		name, parts = parts[0], parts[1:]
		if name == "." {
			continue
		}
		dir = n
		if n, err = s.Disk.entry(dir, name); err != nil {
			if err == unix.ENOENT && len(parts) > 0 {
				dir = 0
			}
			return 0, dir, name, err
		}
		target := ""
		_ = s.Disk.look(n, func(i *inode) error { target = i.target; return nil })
		if target != "" && (follow || len(parts) > 0) {
			if links++; links > 8 {
				return 0, 0, "", unix.ELOOP
			}
			if n = dir; target[0] == '/' {
				n = Root
			}
			parts = append(strings.FieldsFunc(target, func(r rune) bool { return r == '/' }), parts...)
		}
	}
	return n, dir, name, nil
}

// place returns the directory and the name of a path that is to be made.
func (s *System) place(path string) (dir Ino, name string, err error) {
	_, dir, name, err = s.find(path, false)
	if err == unix.ENOENT && dir != 0 {
		err = nil
	}
	return dir, name, err
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

func (s *System) open(path string, create, follow, appending bool, mode uint32) (files.File, error) {
	n, dir, name, err := s.find(path, follow)
	if err == unix.ENOENT && dir != 0 && create {
		n, err = s.Disk.create(dir, name, inode{kind: unix.S_IFREG, mode: mode})
	}
	if err == nil {
		err = s.Disk.look(n, func(i *inode) error {
			switch i.kind {
			case unix.S_IFREG:
				return nil
			case unix.S_IFLNK:
				return unix.ELOOP
			}
			return errors.New("not a regular file")
		})
	}
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return &handle{system: s, path: path, ino: n, appending: appending}, nil
}

// Open opens a file for appending.
func (s *System) Open(path string, create bool, mode uint32) (files.File, error) {
	if _, _, _, err := s.find(path, true); create && err == nil {
		return nil, pathError("open", path, unix.EEXIST)
	}
	return s.open(path, create, true, true, mode)
}

// Read opens a file for reading.
func (s *System) Read(path string) (files.File, error) { return s.open(path, false, false, false, 0) }

// ReadToLock is Read: whoever opens a file may lock it.
func (s *System) ReadToLock(path string) (files.File, error) { return s.Read(path) }

// Temporary opens a file for writing from its start.
func (s *System) Temporary(path string) (files.File, error) {
	return s.open(path, true, false, false, 0o600)
}

// Mkdir makes a directory.
func (s *System) Mkdir(path string) (files.File, error) {
	dir, name, err := s.place(path)
	var made Ino
	if err == nil {
		made, err = s.Disk.create(dir, name, inode{kind: unix.S_IFDIR, mode: 0o700})
	}
	if err != nil {
		return nil, pathError("mkdir", path, err)
	}
	return &handle{system: s, path: path, ino: made}, nil
}

func (s *System) setAttr(op, path string, change func(i *inode)) error {
	n, _, _, err := s.find(path, false)
	if err == nil {
		err = s.Disk.setAttr(n, change)
	}
	return pathError(op, path, err)
}

func (i *inode) chown(uid, gid int) {
	if uid >= 0 {
		i.uid = uint32(uid)
	}
	if gid >= 0 {
		i.gid = uint32(gid)
	}
}

// SetTimes sets the time of the last change. That of the last access is always the same.
func (s *System) SetTimes(path string, _, modified time.Time) error {
	return s.setAttr("utimes", path, func(i *inode) { i.modified = modified })
}

func (s *System) info(n Ino) (info files.Info, err error) {
	err = s.Disk.look(n, func(i *inode) error {
		size := int64(len(i.data))
		info = files.Info{
			Size: size, Allocated: (size + page - 1) / page * page,
			Regular: i.kind == unix.S_IFREG, Symlink: i.kind == unix.S_IFLNK, Directory: i.kind == unix.S_IFDIR,
			Mode: i.mode, UID: int(i.uid), GID: int(i.gid), Modified: i.modified,
			Torn:   size > 0 && i.data[size-1] != '\n',
			Device: 1, Inode: uint64(n), Links: uint64(i.links),
		}
		return nil
	})
	return info, err
}

// Stat returns what there is to know of a path.
func (s *System) Stat(path string, follow bool) (info files.Info, err error) {
	n, _, _, err := s.find(path, follow)
	if err == nil {
		info, err = s.info(n)
	}
	return info, pathError("stat", path, err)
}

// Names returns the names in a directory.
func (s *System) Names(path string) (names []string, err error) {
	n, _, _, err := s.find(path, true)
	if err == nil {
		err = s.Disk.look(n, func(i *inode) error {
			if i.kind != unix.S_IFDIR {
				return unix.ENOTDIR
			}
			for name := range i.entries {
				names = append(names, name)
			}
			return nil
		})
	}
	return names, pathError("open", path, err)
}

// Readlink returns the text of a symlink.
func (s *System) Readlink(path string) (target string, err error) {
	n, _, _, err := s.find(path, false)
	if err == nil {
		err = s.Disk.look(n, func(i *inode) error {
			if target = i.target; i.kind != unix.S_IFLNK {
				return unix.EINVAL
			}
			return nil
		})
	}
	return target, pathError("readlink", path, err)
}

// Symlink makes a symlink.
func (s *System) Symlink(target, path string) error {
	dir, name, err := s.place(path)
	if err == nil {
		_, err = s.Disk.create(dir, name, inode{kind: unix.S_IFLNK, mode: 0o777, target: target})
	}
	return pathError("symlink", path, err)
}

// Link gives a file a second name, if it is still that file.
func (s *System) Link(path, name string, is files.Info) error {
	n, _, _, err := s.find(path, false)
	if err == nil && uint64(n) != is.Inode {
		err = errors.New("another file by now")
	}
	if err == nil {
		var dir Ino
		var last string
		if dir, last, err = s.place(name); err == nil {
			err = s.Disk.link(n, dir, last)
		}
	}
	return pathError("link", path, err)
}

// Rename gives a file another name.
func (s *System) Rename(from, to string) error {
	_, dir, name, err := s.find(from, false)
	if err == nil {
		var toDir Ino
		var toName string
		if toDir, toName, err = s.place(to); err == nil {
			err = s.Disk.rename(dir, name, toDir, toName)
		}
	}
	return pathError("rename", from, err)
}

func (s *System) unlink(op, path string, isDir bool) error {
	_, dir, name, err := s.find(path, false)
	if err == nil {
		err = s.Disk.unlink(dir, name, isDir)
	}
	return pathError(op, path, err)
}

// Remove removes a name.
func (s *System) Remove(path string) error { return s.unlink("remove", path, false) }

// Rmdir removes a directory that is empty.
func (s *System) Rmdir(path string) error { return s.unlink("rmdir", path, true) }

// Writable returns nil.
func (s *System) Writable(dir string) error {
	_, err := s.Stat(dir, true)
	return err
}

// SyncDir makes the names in a directory survive a power cut.
func (s *System) SyncDir(path string) error {
	n, _, _, err := s.find(path, true)
	if err == nil {
		err = s.Disk.sync(n)
	}
	return pathError("sync", path, err)
}

// Space returns that there is much.
func (s *System) Space(string) (size, free int64, err error) { return 1 << 40, 1 << 39, nil }

// A handle is an open file.
type handle struct {
	system    *System
	path      string
	ino       Ino
	appending bool
	offset    int64
}

func (h *handle) Read(p []byte) (n int, err error) {
	err = h.system.Disk.look(h.ino, func(i *inode) error {
		if h.offset < int64(len(i.data)) {
			n = copy(p, i.data[h.offset:])
		}
		return nil
	})
	h.offset += int64(n)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (h *handle) Write(p []byte) (int, error) {
	offset := h.offset
	if h.appending {
		offset = -1
	}
	if err := h.system.Disk.write(h.ino, offset, p); err != nil {
		return 0, pathError("write", h.path, err)
	}
	h.offset += int64(len(p))
	return len(p), nil
}

func (h *handle) Truncate() error {
	return pathError("truncate", h.path, h.system.Disk.truncate(h.ino, 0))
}

func (h *handle) Sync() error { return pathError("sync", h.path, h.system.Disk.sync(h.ino)) }

func (h *handle) Chmod(mode uint32) error {
	return pathError("chmod", h.path, h.system.Disk.setAttr(h.ino, func(i *inode) { i.mode = mode }))
}

func (h *handle) Chown(uid, gid int) error {
	return pathError("chown", h.path, h.system.Disk.setAttr(h.ino, func(i *inode) { i.chown(uid, gid) }))
}

func (h *handle) SetTimes(_, modified time.Time) error {
	return pathError("utimes", h.path, h.system.Disk.setAttr(h.ino, func(i *inode) { i.modified = modified }))
}

func (h *handle) Info() (files.Info, error) {
	info, err := h.system.info(h.ino)
	return info, pathError("stat", h.path, err)
}

func (h *handle) Lock(alone bool) error {
	s := h.system
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, otherAlone := range s.locks {
		if other != h && other.ino == h.ino && (alone || otherAlone) {
			return pathError("lock", h.path, files.ErrLocked)
		}
	}
	if s.locks == nil {
		s.locks = map[*handle]bool{}
	}
	s.locks[h] = alone
	return nil
}

func (h *handle) Close() error {
	h.system.mu.Lock()
	defer h.system.mu.Unlock()
	delete(h.system.locks, h)
	return nil
}
