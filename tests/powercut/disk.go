// Package powercut is a file system that forgets, as a power cut makes file systems
// forget: what was written since the last fsync, sizes, names. Tests run logreel on it,
// cut, and start it again.
//
// A [Disk] holds files in memory and keeps a journal of what was done to them. Since the
// program cannot tell what is on the disk and what only in memory, a cut needs no program
// that is killed: one run gives a journal, and [Disk.Cut] gives, for any place in it, a
// disk as it may be found after a power cut there. What may be lost is told by the
// [Rules] of a file system.
//
// A Disk is used in two ways: within a process, by package rotator and its parts, through
// [System]; and by the program itself, mounted with [Mount].
package powercut

import (
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// An Ino is the number of a file, directory or symlink. No number is used twice.
type Ino uint64

// Root is the directory at the top.
const Root Ino = 1

// An inode is a file, a directory or a symlink.
type inode struct {
	kind     uint32 // S_IFREG, S_IFDIR or S_IFLNK
	mode     uint32
	uid, gid uint32
	modified time.Time
	links    int
	data     []byte
	target   string
	entries  map[string]Ino
}

// An Op is something that was done.
type Op struct {
	What Kind
	// Ino is what it was done to, Dir and Name its name before, or the one that it got;
	// ToDir and ToName the one that a rename gave it.
	Ino, Dir, ToDir Ino
	Name, ToName    string
	// Replaced is what had the name that a rename gave away.
	Replaced Ino
	// Offset and Data are those of a write; Offset is the size in a truncate, and the
	// size of the file in a sync.
	Offset int64
	Data   []byte
	// node is what a create, mkdir or symlink made; attributes are set by a setattr.
	node inode
}

// A Kind is what an operation does.
type Kind string

// Operations.
const (
	Create   Kind = "create" // a file, a directory or a symlink
	Link     Kind = "link"
	Rename   Kind = "rename"
	Unlink   Kind = "unlink" // or rmdir
	Write    Kind = "write"
	Truncate Kind = "truncate"
	SetAttr  Kind = "setattr"
	Sync     Kind = "sync"   // of a file or a directory
	Commit   Kind = "commit" // of everything, as after half a minute in which nothing happened
)

// names reports whether the operation changes names.
func (k Kind) names() bool { return k == Create || k == Link || k == Rename || k == Unlink }

// A tree is what a file system holds.
type tree map[Ino]*inode

// copy returns a tree that shares nothing but contents, which are only ever replaced or
// appended to.
func (t tree) copy() tree {
	c := make(tree, len(t))
	for n, i := range t {
		j := *i
		j.data = slices.Clip(i.data)
		j.entries = maps.Clone(i.entries)
		c[n] = &j
	}
	return c
}

// apply does what an operation does.
func (t tree) apply(op Op) {
	i := t[op.Ino]
	switch op.What {
	case Create:
		node := op.node
		node.links = 1
		if node.kind == unix.S_IFDIR {
			node.entries = map[string]Ino{}
		}
		t[op.Ino] = &node
		t[op.Dir].entries[op.Name] = op.Ino
	case Link:
		i.links++
		t[op.Dir].entries[op.Name] = op.Ino
	case Rename:
		if old, ok := t[op.ToDir].entries[op.ToName]; ok {
			t[old].links--
		}
		delete(t[op.Dir].entries, op.Name)
		t[op.ToDir].entries[op.ToName] = op.Ino
	case Unlink:
		i.links--
		delete(t[op.Dir].entries, op.Name)
	case Write:
		i.write(op.Offset, op.Data)
		i.modified = op.node.modified
	case Truncate:
		i.truncate(op.Offset)
		i.modified = op.node.modified
	case SetAttr:
		i.mode, i.uid, i.gid, i.modified = op.node.mode, op.node.uid, op.node.gid, op.node.modified
	}
}

// write writes at an offset. The bytes that are there may be shared with other trees.
func (i *inode) write(offset int64, data []byte) {
	switch end := offset + int64(len(data)); {
	case offset == int64(len(i.data)):
		i.data = append(i.data, data...)
	default:
		grown := make([]byte, max(end, int64(len(i.data))))
		copy(grown, i.data)
		copy(grown[offset:], data)
		i.data = grown
	}
}

func (i *inode) truncate(size int64) {
	data := make([]byte, size)
	copy(data, i.data)
	i.data = data
}

// A Disk is a file system in memory, and the journal of what was done to it since it was
// made. It may be used by many at once.
type Disk struct {
	// Before is called before each operation, without a lock; nil for nothing. Tests let
	// others do something there, or keep an operation from going on.
	Before func(what Kind, path Ino)
	// Now is the clock of the times of files.
	Now func() time.Time

	mu   sync.Mutex
	base tree // as it was at the beginning of the journal
	now  tree
	ops  []Op
	last Ino
	more *sync.Cond // an operation was added
}

// NewDisk returns an empty one.
func NewDisk() *Disk {
	return newDisk(tree{Root: {kind: unix.S_IFDIR, mode: 0o755, links: 1, entries: map[string]Ino{}}}, Root)
}

func newDisk(t tree, last Ino) *Disk {
	d := &Disk{Now: time.Now, base: t, now: t.copy(), last: last}
	d.more = sync.NewCond(&d.mu)
	return d
}

// do makes an operation and adds it to the journal. The operation is told by a function
// that looks at the disk, or fails.
func (d *Disk) do(what Kind, n Ino, tell func(op *Op) error) (Op, error) {
	if d.Before != nil {
		d.Before(what, n)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	op := Op{What: what, Ino: n}
	op.node.modified = d.Now()
	if err := tell(&op); err != nil {
		return op, err
	}
	d.now.apply(op)
	d.ops = append(d.ops, op)
	d.more.Broadcast()
	return op, nil
}

// look lets a function look at what is there.
func (d *Disk) look(n Ino, at func(i *inode) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.now[n]
	if i == nil {
		return unix.ENOENT
	}
	return at(i)
}

// entry returns what a directory has under a name.
func (d *Disk) entry(dir Ino, name string) (n Ino, err error) {
	err = d.look(dir, func(i *inode) (err error) {
		n, err = i.entry(name)
		return err
	})
	return n, err
}

func (i *inode) entry(name string) (Ino, error) {
	if i.kind != unix.S_IFDIR {
		return 0, unix.ENOTDIR
	}
	if n, ok := i.entries[name]; ok {
		return n, nil
	}
	return 0, unix.ENOENT
}

// create makes a file, a directory or a symlink.
func (d *Disk) create(dir Ino, name string, node inode) (Ino, error) {
	op, err := d.do(Create, 0, func(op *Op) error {
		if err := d.free(dir, name); err != nil {
			return err
		}
		d.last++
		node.modified = d.Now()
		op.Ino, op.Dir, op.Name, op.node = d.last, dir, name, node
		return nil
	})
	return op.Ino, err
}

// free fails unless a name can be given in a directory.
func (d *Disk) free(dir Ino, name string) error {
	i := d.now[dir]
	if i == nil || i.links == 0 {
		return unix.ENOENT
	}
	if _, err := i.entry(name); err != unix.ENOENT {
		if err == nil {
			err = unix.EEXIST
		}
		return err
	}
	return nil
}

func (d *Disk) link(n, dir Ino, name string) error {
	_, err := d.do(Link, n, func(op *Op) error {
		op.Dir, op.Name = dir, name
		if i := d.now[n]; i == nil || i.links == 0 {
			return unix.ENOENT
		}
		return d.free(dir, name)
	})
	return err
}

func (d *Disk) rename(dir Ino, name string, toDir Ino, toName string) error {
	_, err := d.do(Rename, 0, func(op *Op) (err error) {
		op.Dir, op.Name, op.ToDir, op.ToName = dir, name, toDir, toName
		if op.Ino, err = d.now[dir].entry(name); err != nil {
			return err
		}
		switch err := d.free(toDir, toName); err {
		case nil:
		case unix.EEXIST:
			op.Replaced = d.now[toDir].entries[toName]
			if op.Replaced == op.Ino { // which changes nothing (rename(2))
				op.What = SetAttr
				op.node = *d.now[op.Ino]
			}
		default:
			return err
		}
		return nil
	})
	return err
}

func (d *Disk) unlink(dir Ino, name string, isDir bool) error {
	_, err := d.do(Unlink, 0, func(op *Op) (err error) {
		op.Dir, op.Name = dir, name
		if op.Ino, err = d.now[dir].entry(name); err != nil {
			return err
		}
		i := d.now[op.Ino]
		switch {
		case isDir && i.kind != unix.S_IFDIR:
			return unix.ENOTDIR
		case !isDir && i.kind == unix.S_IFDIR:
			return unix.EISDIR
		case len(i.entries) > 0:
			return unix.ENOTEMPTY
		}
		return nil
	})
	return err
}

// write writes at an offset, or at the end if that is negative.
func (d *Disk) write(n Ino, offset int64, data []byte) error {
	_, err := d.do(Write, n, func(op *Op) error {
		if op.Offset = offset; offset < 0 {
			op.Offset = int64(len(d.now[n].data))
		}
		op.Data = slices.Clone(data)
		return nil
	})
	return err
}

func (d *Disk) truncate(n Ino, size int64) error {
	_, err := d.do(Truncate, n, func(op *Op) error {
		op.Offset = size
		return nil
	})
	return err
}

func (d *Disk) setAttr(n Ino, change func(i *inode)) error {
	_, err := d.do(SetAttr, n, func(op *Op) error {
		i := d.now[n]
		if i == nil {
			return unix.ENOENT
		}
		op.node = *i
		change(&op.node)
		return nil
	})
	return err
}

func (d *Disk) sync(n Ino) error {
	_, err := d.do(Sync, n, func(op *Op) error {
		i := d.now[n]
		if i == nil {
			return unix.ENOENT
		}
		op.Offset = int64(len(i.data))
		return nil
	})
	return err
}

func (d *Disk) commit() {
	_, _ = d.do(Commit, 0, func(*Op) error { return nil })
}

// Ops returns how many operations the journal has.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ops)
}

// Op returns an operation of the journal.
func (d *Disk) Op(at int) Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops[at]
}

// Await waits until the journal has an operation at a place or behind it that is wanted,
// and returns the place after it. It has to come.
func (d *Disk) Await(from int, wanted func(op Op) bool) (after int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; ; from++ {
		for from >= len(d.ops) {
			d.more.Wait()
		}
		if wanted(d.ops[from]) {
			return from + 1
		}
	}
}
