package record

import (
	"bytes"
	"time"
)

// A Writer is a process that wrote so many lines, one behind the other.
type Writer struct {
	PID   int32
	Lines int
	// Rest says that the first of them is the rest of a line that was cut in two.
	Rest bool
}

// A writerQueue says who wrote the lines to come.
type writerQueue struct {
	writers []Writer
	next    int // the first of them that wrote any
}

// add adds who wrote the lines behind those that are known.
func (q *writerQueue) add(writers []Writer) {
	q.writers = append(q.writers[:copy(q.writers, q.writers[q.next:])], writers...)
	q.next = 0
}

// first returns who wrote the next line, and how many; no lines if that is not known.
func (q *writerQueue) first() Writer {
	for ; q.next < len(q.writers); q.next++ {
		if w := q.writers[q.next]; w.Lines > 0 {
			return w
		}
	}
	return Writer{}
}

// take takes so many lines of the first writer.
func (q *writerQueue) take(lines int) { q.writers[q.next].Lines -= lines }

// maxRecords is how many writers' records are known at once. Beyond that the next line of
// each begins a record.
const maxRecords = 1024

// An openRecord is the last record of a writer.
type openRecord struct {
	// length is that of the tracker, while lines of other writers follow.
	length int
	at     time.Time // when its last line was read
	known  bool      // no other process is taken for its writer
	// selected says where it goes if it was selected: first the main output, then the
	// others. Open says that it was, and has not ended; lost that it is dropped, and goes
	// nowhere.
	selected   []bool
	open, lost bool
}

// Origins are whom the lines of a router come from. Where that is known a record goes on
// with lines of the same process only.
type origins struct {
	// openRecord is that of whoever wrote the last line.
	*openRecord
	// records are those of all processes; none if they are not told apart.
	records map[int32]*openRecord
	// queue says who wrote the next lines, and named that somebody tells.
	queue writerQueue
	named bool
	quiet
}

// A quiet tells whose record is over, since he has written nothing for [MaxQuiet] while
// others have. If nothing at all was read for that long, this process was stopped, and he
// has his time again; or there was a silence, of which the caller tells.
type quiet struct {
	heard, resumed time.Time // when a batch was read, and when one was after all that time
}

// hear notes when a batch was read.
func (q *quiet) hear(at time.Time) {
	if at.Sub(q.heard) >= MaxQuiet {
		q.resumed = at
	}
	q.heard = at
}

// over reports whether who has last written at a time was quiet until now.
func (q *quiet) over(last, now time.Time) bool {
	if last.Before(q.resumed) {
		last = q.resumed
	}
	return now.Sub(last) >= MaxQuiet
}

func (r *Router) newOpenRecord() *openRecord {
	return &openRecord{length: r.tracker.maxRecord, selected: make([]bool, 1+len(r.config.Outputs))}
}

// End says that all records are over: the next line of each writer begins another.
func (r *Router) End() {
	r.tracker.end()
	for _, o := range r.records {
		o.length = r.tracker.maxRecord
	}
}

// turn returns up to where one process has written the lines from a place on, and goes on
// with its record; that is all of the batch if they are not told apart.
func (r *Router) turn(lines []byte, from int, at time.Time) (to int) {
	if r.tracker.inside && r.named {
		return from + r.tracker.firstLine(lines[from:]) // whoever began the line ends it
	}
	writer := r.queue.first()
	if writer.Lines == 0 {
		return len(lines)
	}
	r.goOn(writer.PID, at)
	taken := bytes.Count(lines[from:], newline)
	if lines[len(lines)-1] != '\n' {
		taken++
	}
	if to = len(lines); taken > writer.Lines {
		to, taken = from, writer.Lines
		for range taken {
			to = lineEnd(lines, to)
		}
	}
	r.queue.take(taken)
	return to
}

// goOn goes on with the last record of a process, which is over if the process was quiet.
func (r *Router) goOn(pid int32, at time.Time) {
	r.length = r.tracker.length
	o := r.records[pid]
	if o == nil {
		if len(r.records) >= maxRecords {
			clear(r.records)
		}
		o = r.newOpenRecord()
		o.known = pid != 0 // whom the kernel cannot name
		r.records[pid] = o
	}
	if r.over(o.at, at) {
		o.length = r.tracker.maxRecord
	}
	o.at = at
	r.openRecord, r.tracker.length = o, o.length
}
