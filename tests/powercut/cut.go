package powercut

import (
	"math/rand/v2"
	"slices"
)

// Rules say what a file system may lose.
//
// Common to all three: what fsync(2) was called for is on the disk when that returns, the
// content and the size of the file; of what was written since, each page may have been
// written back or not. Changes of names are atomic. A file that has been synced is found
// under the name that it had then, though POSIX leaves that open: file systems have
// promised it since programs began to rely on it (Linux Documentation/filesystems/ext4,
// "auto_da_alloc"; Pillai et al., All File Systems Are Not Created Equal, OSDI 2014,
// section 3, for what can and what cannot be relied on).
type Rules struct {
	Name string
	// Logged says that each file that is synced goes into a log of its own, ahead of what
	// else has been changed; otherwise there is one journal, in order.
	//
	// ext4 and xfs have one journal: of all that changes names, sizes and attributes,
	// what is on the disk is what came before some instant, and a sync brings that
	// instant up to the last change of what is synced (ext4_sync_file commits the
	// transaction of the inode's last change, i_sync_tid; xfs_file_fsync forces the log
	// to the inode's last sequence, ili_commit_seq).
	//
	// btrfs commits everything every 30 seconds, and in between logs only what is synced
	// (fs/btrfs/tree-log.c): the names that the file has, the directories above that are
	// new, and what else is in the way of these names (btrfs_log_inode_parent,
	// log_conflicting_inodes). A file that has been logged since the commit has later
	// changes of its names put into the log too (btrfs_log_new_name), which is on the
	// disk with the next sync of any file. So a rename can be there when an older one is
	// not.
	Logged bool
	// Zeros says that the size may be on the disk before the pages are, which then read
	// as zeros: ext4 sets the size when it allocates (dioread_nolock), xfs when the last
	// page is written, whatever of those before it. btrfs keeps the size below what is
	// not yet written (btrfs_inode_safe_disk_i_size_write).
	Zeros bool
}

// The file systems.
var (
	Ext4  = Rules{Name: "ext4", Zeros: true}
	XFS   = Rules{Name: "xfs", Zeros: true}
	Btrfs = Rules{Name: "btrfs", Logged: true}
)

// page is how much is written back as a whole, or not.
const page = 4096

// Cut returns a disk as it may be found when the power was cut after the first n
// operations of the journal.
func (d *Disk) Cut(n int, rules Rules, random *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &cut{ops: d.ops[:n], rules: rules, random: random, synced: map[Ino]int{}}
	for at, op := range c.ops {
		switch op.What {
		case Sync:
			c.synced[op.Ino] = at
		case Commit:
			c.all = at
		}
	}
	c.choose()
	c.replay(d.base)
	found := newDisk(c.tree, d.last)
	found.Now = d.Now
	return found
}

// A cut is the work of Cut.
type cut struct {
	ops    []Op
	rules  Rules
	random *rand.Rand
	synced map[Ino]int // where each was synced last
	all    int         // where everything was

	tree    tree
	durable map[Ino][]byte // the contents that are on the disk for certain, where that is not all

	// committed is how many operations are on the disk all together, as far as they
	// change names, sizes and attributes; logged which of the others are.
	committed int
	logged    []bool
}

// choose chooses what is on the disk.
func (c *cut) choose() {
	c.logged = make([]bool, len(c.ops))
	least := c.all
	if !c.rules.Logged {
		least = max(least, c.journaled())
	}
	switch free := len(c.ops) - least; c.random.IntN(4) {
	case 0: // the most that can be lost
		c.committed = least
	case 1:
		c.committed = least + c.random.IntN(free+1)
	default: // a little
		c.committed = len(c.ops) - c.random.IntN(min(free, 30)+1)
	}
	if c.rules.Logged {
		c.log()
	}
}

// journaled returns how many operations the journal has on the disk at least.
func (c *cut) journaled() (least int) {
	last := map[Ino]int{} // where each was changed last
	for at, op := range c.ops {
		if op.What == Sync {
			least = max(least, last[op.Ino])
			continue
		}
		for _, ino := range op.touches() {
			last[ino] = at + 1
		}
	}
	return least
}

// touches returns what an operation changes.
func (op Op) touches() []Ino {
	return []Ino{op.Ino, op.Dir, op.ToDir, op.Replaced}
}

// log finds out what has been logged since the commit.
func (c *cut) log() {
	lastSync := -1 // the last of any file
	for at, op := range c.ops {
		if op.What == Sync {
			lastSync = at
		}
	}
	isLogged := map[Ino]bool{}
	for s := c.committed; s < len(c.ops); s++ {
		op := c.ops[s]
		if op.What == Sync {
			isLogged[op.Ino] = true
			for at := c.committed; at < s; at++ {
				if before := c.ops[at]; before.What.names() && (before.Ino == op.Ino || before.Dir == op.Ino || before.ToDir == op.Ino) {
					c.include(at)
				}
			}
			continue
		}
		if !op.What.names() || s > lastSync {
			continue
		}
		inLoggedDirectory := (isLogged[op.Dir] || isLogged[op.ToDir]) && c.random.IntN(2) == 0
		if isLogged[op.Ino] || inLoggedDirectory {
			c.include(s)
		}
	}
}

// include has an operation logged, and what it cannot do without.
func (c *cut) include(at int) {
	if at < c.committed || c.logged[at] {
		return
	}
	c.logged[at] = true
	op := c.ops[at]
	for before := c.committed; before < at; before++ {
		b := c.ops[before]
		if b.What.names() && (b.Ino == op.Ino || b.What == Create && (b.Ino == op.Dir || b.Ino == op.ToDir)) {
			c.include(before)
		}
	}
}

// replay makes the tree.
func (c *cut) replay(base tree) {
	for {
		c.tree, c.durable = base.copy(), map[Ino][]byte{}
		if c.replayed() {
			break
		}
	}
	for ino, i := range c.tree {
		if i.links == 0 { // those that were open
			delete(c.tree, ino)
			continue
		}
		if durable, ok := c.durable[ino]; ok {
			i.data = c.writtenBack(durable, i.data)
		}
	}
}

// replayed makes the tree, with the contents that would be there if every page were
// written back. It reports false when more had to be logged, and is to be called again.
func (c *cut) replayed() bool {
	for at, op := range c.ops {
		i := c.tree[op.Ino]
		switch {
		case op.What == Sync || op.What == Commit:
		case op.What.names():
			if at >= c.committed && !c.logged[at] {
				continue
			}
			if c.inTheWay(at) {
				return false
			}
			c.tree.apply(op)
		case i == nil: // it never came to be
		case at < max(c.synced[op.Ino], c.all) || at < c.committed && op.What != Write:
			c.tree.apply(op)
			c.durable[op.Ino] = slices.Clip(i.data)
		case at < c.committed:
			if _, ok := c.durable[op.Ino]; !ok {
				c.durable[op.Ino] = slices.Clip(i.data)
			}
			c.tree.apply(op)
		}
	}
	return true
}

// inTheWay reports whether what is there keeps an operation from being replayed, since
// it was somewhere else when the operation was made. Then that gets logged too.
func (c *cut) inTheWay(at int) (found bool) {
	op := c.ops[at]
	dir, name := op.Dir, op.Name
	if op.What == Rename {
		dir, name = op.ToDir, op.ToName
	}
	inTheWay := func(ino Ino, dir bool) {
		for before := c.committed; before < at; before++ {
			b := c.ops[before]
			if b.What.names() && !c.logged[before] && (b.Ino == ino || b.Replaced == ino || dir && (b.Dir == ino || b.ToDir == ino)) {
				c.include(before)
				found = true
			}
		}
	}
	if op.What == Unlink {
		if i := c.tree[op.Ino]; i != nil && len(i.entries) > 0 {
			inTheWay(op.Ino, true)
		}
	} else if occupant, ok := c.tree[dir].entries[name]; ok && occupant != op.Replaced && occupant != op.Ino {
		inTheWay(occupant, false)
	}
	return found
}

// writtenBack returns what is on the disk of a file of which a part is durable, and the
// rest only in memory.
func (c *cut) writtenBack(durable, memory []byte) []byte {
	size := len(durable)
	switch more := len(memory) - size; {
	case more <= 0 || c.random.IntN(3) == 0:
	case c.random.IntN(2) == 0:
		size = len(memory)
	case c.random.IntN(2) == 0:
		size += c.random.IntN(more + 1)
	default: // whole pages
		size = max(size, (size+c.random.IntN(more+1))/page*page)
	}
	data := make([]byte, size)
	copy(data, durable)
	chance := c.random.IntN(4) // from all pages to hardly any
	for from := 0; from < size; from += page {
		to := min(from+page, size)
		if !c.rules.Zeros || c.random.IntN(4) >= chance {
			copy(data[from:to], memory[from:to])
		}
	}
	return data
}
