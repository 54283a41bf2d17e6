package intake

const (
	// chunkSize makes a chunk a page, with the eight bytes that the Go runtime adds.
	chunkSize = 4096 - 8 - 3*8
	// copyLimit is the length up to which a list is copied to be moved. A longer one
	// is moved as it is, and leaves at most one chunk in 16 not full.
	copyLimit = 16 * chunkSize
	// keepChunks is how many chunks that nobody needs may be kept: 1 MiB.
	keepChunks = 256
)

// Chunks hold bytes in a list that grows without being copied: that would take up to
// twice the memory, and leave as much to the garbage collector.
type chunks struct {
	first, last *chunk
	length      int
}

// A chunk holds the bytes text[begin:end].
type chunk struct {
	next       *chunk
	begin, end int
	text       [chunkSize]byte
}

// A pool is the memory of all lists, which is used again and again.
type pool struct {
	// used is how many bytes the lists hold.
	used int
	// free are the chunks of no list, spare is how many there are, and idle the fewest
	// that there were since the last trim.
	free        *chunk
	spare, idle int
}

// add appends text to a list.
func (p *pool) add(to *chunks, text []byte) {
	p.used += len(text)
	to.length += len(text)
	for len(text) > 0 {
		if to.last == nil || to.last.end == chunkSize {
			p.lengthen(to)
		}
		n := copy(to.last.text[to.last.end:], text)
		to.last.end += n
		text = text[n:]
	}
}

// lengthen appends an empty chunk to a list.
func (p *pool) lengthen(c *chunks) {
	fresh := p.free
	if fresh == nil {
		fresh = &chunk{}
	} else {
		p.free, fresh.next = fresh.next, nil
		p.spare--
		p.idle = min(p.idle, p.spare)
	}
	if c.last == nil {
		c.first = fresh
	} else {
		c.last.next = fresh
	}
	c.last = fresh
}

// cut takes the first n bytes off a list, all of which are to be in its first chunk.
func (p *pool) cut(c *chunks, n int) {
	first := c.first
	first.begin += n
	c.length -= n
	p.used -= n
	if first.begin < first.end {
		return
	}
	if c.first = first.next; c.first == nil {
		c.last = nil
	}
	first.begin, first.end = 0, 0
	first.next, p.free = p.free, first
	p.spare++
}

// appendTo appends what a list holds to text.
func (c *chunks) appendTo(text []byte) []byte {
	for b := c.first; b != nil; b = b.next {
		text = append(text, b.text[b.begin:b.end]...)
	}
	return text
}

// move appends a list to another and leaves it empty. A short one is copied, a chunk
// at a time: otherwise each of many would take a chunk of its own.
func (p *pool) move(to, from *chunks) {
	if from.length > copyLimit {
		if to.last == nil {
			to.first = from.first
		} else {
			to.last.next = from.first
		}
		to.last = from.last
		to.length += from.length
		*from = chunks{}
		return
	}
	for from.first != nil {
		text := from.first.text[from.first.begin:from.first.end]
		p.add(to, text)
		p.cut(from, len(text))
	}
}

// drain moves as much of a list to out as its capacity allows.
func (p *pool) drain(out []byte, c *chunks) []byte {
	for c.first != nil && len(out) < cap(out) {
		text := c.first.text[c.first.begin:c.first.end]
		text = text[:min(len(text), cap(out)-len(out))]
		out = append(out, text...)
		p.cut(c, len(text))
	}
	return out
}

// many reports whether there are more free chunks than are to be kept, so that trim
// is to be called.
func (p *pool) many() bool { return p.spare > keepChunks }

// trim lets go of the chunks that nobody has needed since it was last called, if they
// are many, and reports whether they were.
func (p *pool) trim() bool {
	idle := p.idle
	if idle > keepChunks {
		p.spare -= idle
		for range idle {
			p.free = p.free.next
		}
	}
	p.idle = p.spare
	return idle > keepChunks
}
