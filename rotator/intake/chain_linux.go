package intake

const (
	// blockSize makes a block a page, with the eight bytes that the Go runtime adds.
	blockSize = 4096 - 8 - 3*8
	// shortChain is the length up to which a chain is copied to be moved. A longer one
	// is moved as it is, and leaves at most one block in 16 not full.
	shortChain = 16 * blockSize
	// keepBlocks is how many blocks that nobody needs may be kept: 1 MiB.
	keepBlocks = 256
)

// A chain is bytes in blocks. It grows without being copied, which would take up to
// twice its memory, and leave as much to the garbage collector.
type chain struct {
	first, last *block
	length      int
}

// A block holds the bytes text[begin:end].
type block struct {
	next       *block
	begin, end int
	text       [blockSize]byte
}

// Blocks are the memory of all chains, which is used again and again.
type blocks struct {
	// used is how many bytes the chains hold.
	used int
	// free are the blocks of no chain, spare is how many there are, and idle the fewest
	// that there were since the last trim.
	free        *block
	spare, idle int
}

// add appends text to a chain.
func (b *blocks) add(to *chain, text []byte) {
	b.used += len(text)
	to.length += len(text)
	for len(text) > 0 {
		if to.last == nil || to.last.end == blockSize {
			b.lengthen(to)
		}
		n := copy(to.last.text[to.last.end:], text)
		to.last.end += n
		text = text[n:]
	}
}

// lengthen appends an empty block to a chain.
func (b *blocks) lengthen(c *chain) {
	fresh := b.free
	if fresh == nil {
		fresh = &block{}
	} else {
		b.free, fresh.next = fresh.next, nil
		b.spare--
		b.idle = min(b.idle, b.spare)
	}
	if c.last == nil {
		c.first = fresh
	} else {
		c.last.next = fresh
	}
	c.last = fresh
}

// cut takes the first n bytes off a chain, all of which are to be in its first block.
func (b *blocks) cut(c *chain, n int) {
	first := c.first
	first.begin += n
	c.length -= n
	b.used -= n
	if first.begin < first.end {
		return
	}
	if c.first = first.next; c.first == nil {
		c.last = nil
	}
	first.begin, first.end = 0, 0
	first.next, b.free = b.free, first
	b.spare++
}

// move appends a chain to another and leaves it empty. A short one is copied, a block
// at a time: otherwise each of many would take a block of its own.
func (b *blocks) move(to, from *chain) {
	if from.length > shortChain {
		if to.last == nil {
			to.first = from.first
		} else {
			to.last.next = from.first
		}
		to.last = from.last
		to.length += from.length
		*from = chain{}
		return
	}
	for from.first != nil {
		text := from.first.text[from.first.begin:from.first.end]
		b.add(to, text)
		b.cut(from, len(text))
	}
}

// drain moves as much of a chain to out as its capacity allows.
func (b *blocks) drain(out []byte, c *chain) []byte {
	for c.first != nil && len(out) < cap(out) {
		text := c.first.text[c.first.begin:c.first.end]
		text = text[:min(len(text), cap(out)-len(out))]
		out = append(out, text...)
		b.cut(c, len(text))
	}
	return out
}

// many reports whether there are more free blocks than are to be kept, so that trim
// is to be called.
func (b *blocks) many() bool { return b.spare > keepBlocks }

// trim lets go of the blocks that nobody has needed since it was last called, if they
// are many, and reports whether they were.
func (b *blocks) trim() bool {
	idle := b.idle
	if idle > keepBlocks {
		b.spare -= idle
		for range idle {
			b.free = b.free.next
		}
	}
	b.idle = b.spare
	return idle > keepBlocks
}
