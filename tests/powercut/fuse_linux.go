package powercut

import (
	"slices"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Mount mounts a disk. Locks are the kernel's. The function that it returns unmounts it,
// though files may still be open.
func Mount(d *Disk, dir string) (unmount func() error, err error) {
	server, err := fuse.NewServer(&mounted{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: d}, dir, &fuse.MountOptions{
		FsName: "powercut", Name: "powercut", DirectMountStrict: true, DisableReadDirPlus: true, DisableXAttrs: true, MaxWrite: 1 << 20,
	})
	if err != nil {
		return nil, err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, err
	}
	return server.Unmount, nil
}

// mounted is a disk as the kernel sees one. The kernel caches no names and attributes, and
// hands each write on at once.
type mounted struct {
	fuse.RawFileSystem
	disk *Disk
}

func ino(header *fuse.InHeader) Ino { return Ino(header.NodeId) }

func (m *mounted) String() string { return "powercut" }

func (m *mounted) attr(n Ino, out *fuse.Attr) fuse.Status {
	return fuse.ToStatus(m.disk.look(n, func(i *inode) error {
		out.Ino, out.Size, out.Blocks, out.Blksize = uint64(n), uint64(len(i.data)), uint64(len(i.data)+511)/512, page
		out.Mode, out.Nlink, out.Owner = i.kind|i.mode, uint32(i.links), fuse.Owner{Uid: i.uid, Gid: i.gid}
		out.SetTimes(&i.modified, &i.modified, &i.modified)
		return nil
	}))
}

func (m *mounted) entry(n Ino, err error, out *fuse.EntryOut) fuse.Status {
	if err != nil {
		return fuse.ToStatus(err)
	}
	out.NodeId, out.Generation = uint64(n), 1
	return m.attr(n, &out.Attr)
}

func (m *mounted) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	n, err := m.disk.entry(ino(header), name)
	return m.entry(n, err, out)
}

func (m *mounted) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return m.attr(ino(&in.InHeader), &out.Attr)
}

func (m *mounted) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := ino(&in.InHeader)
	var err error
	if size, ok := in.GetSize(); ok {
		err = m.disk.truncate(n, int64(size))
	}
	mode, hasMode := in.GetMode()
	uid, hasUID := in.GetUID()
	gid, hasGID := in.GetGID()
	at, hasTime := in.GetMTime()
	if err == nil && (hasMode || hasUID || hasGID || hasTime) {
		err = m.disk.setAttr(n, func(i *inode) {
			if hasMode {
				i.mode = mode & 0o7777
			}
			if hasUID {
				i.uid = uid
			}
			if hasGID {
				i.gid = gid
			}
			if hasTime {
				i.modified = at
			}
		})
	}
	if err != nil {
		return fuse.ToStatus(err)
	}
	return m.attr(n, &out.Attr)
}

func (m *mounted) create(header *fuse.InHeader, name string, node inode, out *fuse.EntryOut) fuse.Status {
	node.uid, node.gid = header.Uid, header.Gid
	n, err := m.disk.create(ino(header), name, node)
	return m.entry(n, err, out)
}

func (m *mounted) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return m.create(&in.InHeader, name, inode{kind: unix.S_IFREG, mode: in.Mode & 0o7777}, &out.EntryOut)
}

func (m *mounted) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return m.create(&in.InHeader, name, inode{kind: unix.S_IFDIR, mode: in.Mode & 0o7777}, out)
}

func (m *mounted) Symlink(_ <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	return m.create(header, name, inode{kind: unix.S_IFLNK, mode: 0o777, target: target}, out)
}

func (m *mounted) Readlink(_ <-chan struct{}, header *fuse.InHeader) (target []byte, _ fuse.Status) {
	err := m.disk.look(ino(header), func(i *inode) error { target = []byte(i.target); return nil })
	return target, fuse.ToStatus(err)
}

func (m *mounted) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	n := Ino(in.Oldnodeid)
	return m.entry(n, m.disk.link(n, ino(&in.InHeader), name), out)
}

func (m *mounted) Rename(_ <-chan struct{}, in *fuse.RenameIn, name, toName string) fuse.Status {
	if in.Flags != 0 {
		return fuse.EINVAL
	}
	return fuse.ToStatus(m.disk.rename(ino(&in.InHeader), name, Ino(in.Newdir), toName))
}

func (m *mounted) Unlink(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return fuse.ToStatus(m.disk.unlink(ino(header), name, false))
}

func (m *mounted) Rmdir(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return fuse.ToStatus(m.disk.unlink(ino(header), name, true))
}

func (m *mounted) Open(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status    { return fuse.OK }
func (m *mounted) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.OK }
func (m *mounted) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status                 { return fuse.OK }
func (m *mounted) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status               { return fuse.OK }

func (m *mounted) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n := 0
	err := m.disk.look(ino(&in.InHeader), func(i *inode) error {
		if in.Offset < uint64(len(i.data)) {
			n = copy(buf, i.data[in.Offset:])
		}
		return nil
	})
	return fuse.ReadResultData(buf[:n]), fuse.ToStatus(err)
}

func (m *mounted) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	return uint32(len(data)), fuse.ToStatus(m.disk.write(ino(&in.InHeader), int64(in.Offset), data))
}

func (m *mounted) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.ToStatus(m.disk.sync(ino(&in.InHeader)))
}

func (m *mounted) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.ToStatus(m.disk.sync(ino(&in.InHeader)))
}

func (m *mounted) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	var entries []fuse.DirEntry
	err := m.disk.look(ino(&in.InHeader), func(i *inode) error {
		for name, n := range i.entries {
			entries = append(entries, fuse.DirEntry{Name: name, Ino: uint64(n), Mode: m.disk.now[n].kind})
		}
		return nil
	})
	// By number, so that what is read in parts goes on where it stopped.
	slices.SortFunc(entries, func(a, b fuse.DirEntry) int { return int(a.Ino) - int(b.Ino) })
	for at, e := range entries {
		if e.Off = uint64(at + 1); e.Off > in.Offset && !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.ToStatus(err)
}

func (m *mounted) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	*out = fuse.StatfsOut{Bsize: page, Frsize: page, Blocks: 1 << 20, Bfree: 1 << 19, Bavail: 1 << 19, Files: 1 << 20, Ffree: 1 << 19, NameLen: 255}
	return fuse.OK
}
