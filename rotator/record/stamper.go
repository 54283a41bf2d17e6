package record

import "time"

// A stamper knows where in a batch stamps are to be put.
type stamper struct {
	stamp   *Stamp // nil for none
	tracker *tracker
	// stamps are those of a batch, and stamped those that there are for each process.
	stamps  insertions
	stamped []stamped
	// writers are who wrote the next lines.
	writers writerQueue
	// wrote is when each process wrote its last line, if records are told.
	wrote map[int32]time.Time
	quiet quiet
}

// maxStamped is how many processes are looked through.
const maxStamped = 16

// A stamped is what has been put before the lines of a process.
type stamped struct {
	pid int32
	mark
}

// end says that all records are over.
func (s *stamper) end() {
	s.tracker.end()
	clear(s.wrote)
}

// mark notes where in a batch stamps are to be put.
func (s *stamper) mark(lines []byte, at time.Time, writers []Writer) {
	if s.stamp == nil {
		return
	}
	s.writers.add(writers)
	s.quiet.hear(at)
	s.stamps.reset()
	s.stamped = s.stamped[:0]
	t := s.tracker
	begin := -t.length
	for from := t.firstLine(lines); from < len(lines); from = lineEnd(lines, from) {
		writer, follows := s.writers.first(), from-begin < t.maxRecord
		if writer.Lines > 0 {
			s.writers.take(1)
			follows = (t.start == nil || s.follows(writer.PID, at)) && follows
		}
		if !follows || t.begins(lines, from) {
			s.stampAt(from, at, writer.PID)
			begin = from
		}
	}
	t.advance(lines, begin, len(lines))
}

// follows reports whether a process has written a line before, and was not quiet since, so
// that its next one may belong to the same record.
func (s *stamper) follows(pid int32, at time.Time) bool {
	last, wrote := s.wrote[pid]
	if len(s.wrote) >= maxRecords {
		clear(s.wrote)
	}
	s.wrote[pid] = at
	return wrote && !s.quiet.over(last, at)
}

// stampAt puts a stamp before a line. Those of one process and one batch are the same.
func (s *stamper) stampAt(place int, at time.Time, pid int32) {
	for _, known := range s.stamped {
		if known.pid == pid {
			s.stamps.again(place, known.mark)
			return
		}
	}
	from := len(s.stamps.bytes)
	s.stamps.bytes = s.stamp.append(s.stamps.bytes, at, pid)
	m := mark{place, from, len(s.stamps.bytes)}
	s.stamps.marks = append(s.stamps.marks, m)
	if len(s.stamped) < maxStamped {
		s.stamped = append(s.stamped, stamped{pid, m})
	}
}
