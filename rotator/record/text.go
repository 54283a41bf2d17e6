package record

// A text has had its control sequences taken out, or those that were to be.
type text struct {
	bytes    []byte
	controls insertions
}

func (t *text) reset() {
	t.bytes = t.bytes[:0]
	t.controls.reset()
}

// restart empties the text, but for control sequences that nothing is behind yet.
func (t *text) restart() {
	kept := shrunk(t.bytes)
	t.cut(len(t.bytes))
	t.bytes = kept
}

// append appends a part of a text to another, with the control sequences in it.
func (t *text) append(in *text, from, end int) {
	shift := len(t.bytes) - from
	for _, m := range in.controls.marks[in.controls.after(from):] {
		if m.at >= end {
			break
		}
		t.controls.add(m.at+shift, in.controls.bytes[m.from:m.to])
	}
	t.bytes = append(t.bytes, in.bytes[from:end]...)
}

// appendControls appends the control sequences of a text that has nothing else.
func (t *text) appendControls(in *text) {
	for _, m := range in.controls.marks {
		t.controls.add(len(t.bytes), in.controls.bytes[m.from:m.to])
	}
}

// cut cuts off the beginning of a text.
func (t *text) cut(n int) {
	t.bytes = t.bytes[:copy(t.bytes, t.bytes[n:])]
	kept := t.controls.marks[t.controls.after(n):]
	if len(kept) == 0 {
		t.controls.reset()
		return
	}
	begin := kept[0].from
	t.controls.bytes = t.controls.bytes[:copy(t.controls.bytes, t.controls.bytes[begin:])]
	for i, m := range kept {
		t.controls.marks[i] = mark{m.at - n, m.from - begin, m.to - begin}
	}
	t.controls.marks = t.controls.marks[:len(kept)]
}

// insertions are bytes to be put in at places of a text, in order.
type insertions struct {
	bytes []byte
	marks []mark
}

// A mark says that bytes[from:to] are to be put in before a place.
type mark struct{ at, from, to int }

func (in *insertions) reset() { in.bytes, in.marks = in.bytes[:0], in.marks[:0] }

// add has bytes put in at a place, which is not before the last one.
func (in *insertions) add(at int, bytes []byte) {
	from := len(in.bytes)
	in.bytes = append(in.bytes, bytes...)
	in.marks = append(in.marks, mark{at, from, len(in.bytes)})
}

// again has the bytes of a mark put in at another place as well.
func (in *insertions) again(at int, m mark) { in.marks = append(in.marks, mark{at, m.from, m.to}) }

// appendTo appends to dst a part of the text, from a place on, with what is to be put in.
func (in *insertions) appendTo(dst, part []byte, from int) []byte {
	begin := 0
	for _, m := range in.marks[in.after(from):] {
		place := m.at - from
		if place >= len(part) {
			break
		}
		dst = append(append(dst, part[begin:place]...), in.bytes[m.from:m.to]...)
		begin = place
	}
	return append(dst, part[begin:]...)
}

// after returns the first mark at a place or behind it.
func (in *insertions) after(at int) int {
	low, high := 0, len(in.marks)
	for low < high {
		if middle := (low + high) / 2; in.marks[middle].at < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// shrunk empties a buffer, and gives it up if most of it is not needed.
func shrunk(buffer []byte) []byte {
	if cap(buffer) > 1<<20 && len(buffer) < cap(buffer)/4 {
		return nil
	}
	return buffer[:0]
}
