package intake

// move moves what a writer has written to what is ready, or held.
func (d *demux) move(to, from *chunks, pid int32) {
	d.by(to, pid, from.length)
	d.pool.move(to, from)
}

// by notes who wrote the next bytes of what is ready, or held.
func (d *demux) by(to *chunks, pid int32, length int) {
	if !d.names || length == 0 {
		return
	}
	list := &d.readyBy
	if to == &d.held {
		list = &d.heldBy
	}
	rest := d.cut[pid]
	delete(d.cut, pid)
	if last := len(*list) - 1; last >= 0 && (*list)[last].pid == pid && !rest {
		(*list)[last].length += length
	} else {
		*list = append(*list, written{pid, length, rest})
	}
}

// endEarly ends a writer's line though its process has not, so that the rest of it is a line
// of its own.
func (d *demux) endEarly(w *writer) {
	pid, cut := w.pid, w.rest.length > 0 || w == d.streaming
	d.end(w)
	if d.names && cut {
		d.cut[pid] = true
	}
}

// drained appends who wrote so many bytes that were ready.
func (d *demux) drained(to []written, length int) []written {
	taken := 0
	for ; length > 0 && taken < len(d.readyBy); taken++ {
		w := &d.readyBy[taken]
		part := *w
		part.length = min(part.length, length)
		to = append(to, part)
		w.rest = false
		length -= part.length
		if w.length -= part.length; w.length > 0 {
			break
		}
	}
	d.readyBy = d.readyBy[:copy(d.readyBy, d.readyBy[taken:])]
	return to
}
