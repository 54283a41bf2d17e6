package record

import (
	"slices"
	"time"
)

// A Config says what a router is to do. The zero Config leaves everything to the main
// output.
type Config struct {
	// Start matches the lines that begin a record; nil if all do.
	Start *Expression
	// MaxLine is how many bytes of a line are matched.
	MaxLine int
	// Only, if there are any, are of which the main output's records match at least one.
	Only []*Expression
	// Drop are those of which the main output's records match none.
	Drop []*Expression
	// Outputs are the others.
	Outputs []Output
}

// An Output gets records beside the main output.
type Output struct {
	// Match is what its records match; nil for all.
	Match *Expression
	// Divert takes the records away from the main output, and from outputs behind it
	// that divert as well.
	Divert bool
	// Main says that its records are those of the main output instead.
	Main bool
}

// A Router sends records to outputs, as the expressions say which match their first
// lines.
type Router struct {
	config  Config
	tracker *tracker
	// only, drop and outputs have a search for each expression; nil where all match.
	only, drop, outputs []*search
	// searches are all that there are.
	searches searches

	// rest says where records go that match nothing: first the main output, then the
	// others.
	rest []bool
	origins
	// runs are what was sent to each output and has not been pushed.
	runs []run
	// kept is how much of the batch has been moved to its beginning for the main output.
	kept int
	// pushes says that what belongs to the main output is pushed as well, as that of output
	// -1, and nothing moved; from is where in the batch a run begins that is pushed.
	pushes bool
	from   int
}

// A run is a part of a batch.
type run struct{ from, to int }

// NewRouter returns a router at the beginning of a stream.
func NewRouter(c Config) *Router {
	r := &Router{
		config: c, tracker: newTracker(c.Start, c.MaxLine),
		rest: make([]bool, 1+len(c.Outputs)), runs: make([]run, 1+len(c.Outputs)), origins: origins{records: map[int32]*openRecord{}},
	}
	r.openRecord = r.newOpenRecord()
	for _, e := range c.Only {
		r.only = append(r.only, r.search(e))
	}
	for _, e := range c.Drop {
		r.drop = append(r.drop, r.search(e))
	}
	for _, o := range c.Outputs {
		r.outputs = append(r.outputs, r.search(o.Match))
	}
	r.choose(r.rest, nowhere)
	return r
}

// search returns a search for an expression.
func (r *Router) search(e *Expression) *search {
	if e == nil {
		return nil
	}
	return r.searches.add(e, r.config.MaxLine)
}

// Route divides a batch that was read at a time. Writers are who wrote the lines that begin
// in it, if that is known. Push is called with what belongs to each output but the main one,
// by its index in Config.Outputs, in order and in runs as long as possible; it is to copy
// what it keeps. What belongs to the main output is returned: all of the batch, or parts of
// it which have been moved together at its beginning.
func (r *Router) Route(lines []byte, at time.Time, writers []Writer, push func(output int, run []byte)) (main []byte) {
	r.reset(lines)
	r.hear(at)
	r.queue.add(writers)
	r.named = r.named || len(writers) > 0
	for from := 0; from < len(lines); {
		to := r.turn(lines, from, at)
		r.part(lines, from, to, push)
		from = to
	}
	for i := range r.config.Outputs {
		r.push(1+i, lines, push)
	}
	r.keep(lines, push)
	return lines[:r.kept]
}

// part routes the part of a batch that one process has written.
func (r *Router) part(batch []byte, from, to int, push func(output int, run []byte)) {
	lines, routed := batch[:to], from
	// A record begins at begin, and none in the lines between it and clean, if not at clean.
	begin := from - r.tracker.length
	from += r.tracker.firstLine(lines[from:])
	clean := from
	if r.open {
		from, begin = r.end(lines, begin, from)
		r.send(r.selected, run{routed, from}, batch, push)
		routed, clean = from, from
	}
	for {
		line := r.seek(batch, from)
		if line >= to {
			break
		}
		if !r.tracker.begins(lines, line) {
			if line-begin >= r.tracker.maxRecord {
				begin, clean = r.tracker.last(lines, begin, clean, line), line
			}
			if begin != line {
				from = lineEnd(lines, line)
				continue
			}
		}
		r.send(r.rest, run{routed, line}, batch, push)
		r.choose(r.selected, line)
		r.open = true
		r.lost = !slices.Contains(r.selected, true) && slices.ContainsFunc(r.drop, matching(line))
		from, begin = r.end(lines, line, lineEnd(lines, line))
		r.send(r.selected, run{line, from}, batch, push)
		routed, clean = from, from
	}
	if routed < to {
		r.open = false
		r.send(r.rest, run{routed, to}, batch, push)
	}
	r.tracker.advance(lines, begin, clean)
}

// end returns where the record ends that began at begin, at or behind the line at from, and
// where the last one begins up to there. Where nobody tells who wrote a line, a record that is
// dropped takes only lines with it that are indented: others may be somebody else's.
func (r *Router) end(lines []byte, begin, from int) (end, begins int) {
	end = r.tracker.next(lines, begin, from)
	for at := from; r.lost && !r.known && at < end; at = lineEnd(lines, at) {
		if lines[at] != ' ' && lines[at] != '\t' {
			return at, at
		}
	}
	return end, begin
}

// reset begins a batch.
func (r *Router) reset(lines []byte) {
	r.kept = 0
	clear(r.runs)
	r.searches.reset(lines)
}

// seek returns the first line at or after the one at from that matches any expression.
func (r *Router) seek(lines []byte, from int) int {
	first := len(lines)
	for _, s := range r.searches.all {
		if s.next < from {
			r.searches.seek(s, lines, from)
		}
		first = min(first, s.next)
	}
	return first
}

// choose puts down where a record goes whose first line is at a place, which those
// searches have reached that match it.
func (r *Router) choose(to []bool, line int) {
	matches := matching(line)
	to[0] = (len(r.only) == 0 || slices.ContainsFunc(r.only, matches)) && !slices.ContainsFunc(r.drop, matches)
	diverted := false
	for i, s := range r.outputs {
		divert := r.config.Outputs[i].Divert
		to[1+i] = matches(s) && !(divert && diverted)
		diverted = diverted || divert && to[1+i]
	}
	to[0] = to[0] && !diverted
	for i, o := range r.config.Outputs {
		to[1+i] = to[1+i] && !o.Main || to[0] && o.Main
	}
}

// matching returns what reports whether a search has reached a line.
func matching(line int) func(*search) bool {
	return func(s *search) bool { return s == nil || s.next == line }
}

// send sends a part of a batch to outputs. What joins up is pushed in one.
func (r *Router) send(to []bool, part run, lines []byte, push func(int, []byte)) {
	for i, waiting := range r.runs {
		switch {
		case !to[i] || part.from == part.to:
		case waiting.to == part.from:
			r.runs[i].to = part.to
		default:
			if i == 0 {
				r.keep(lines, push)
			} else {
				r.push(i, lines, push)
			}
			r.runs[i] = part
		}
	}
}

// push pushes the run of an output.
func (r *Router) push(i int, lines []byte, push func(int, []byte)) {
	if part := r.runs[i]; part.from < part.to {
		r.from = part.from
		push(i-1, lines[part.from:part.to])
	}
	r.runs[i].from = r.runs[i].to
}

// keep moves the run of the main output behind those before it, when the others have had
// what it may come to lie upon.
func (r *Router) keep(lines []byte, push func(int, []byte)) {
	run := r.runs[0]
	if r.pushes {
		r.push(0, lines, push)
		return
	}
	if r.kept < run.from {
		for i := range r.config.Outputs {
			r.push(1+i, lines, push)
		}
		copy(lines[r.kept:], lines[run.from:run.to])
	}
	r.kept += run.to - run.from
	r.runs[0].from = run.to
}
