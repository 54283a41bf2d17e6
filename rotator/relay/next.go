package relay

import "time"

// next reads a batch, when all other outputs have room for it, and gives them what is
// theirs. It returns what is left for the copier.
func (r *relay) next(until time.Time) (lines []byte, at time.Time, err error) {
	if len(r.Others) > 0 {
		now := time.Now()
		waiting, full := r.observe(now)
		second := now.Add(time.Second)
		if (waiting || full) && (until.IsZero() || until.After(second)) {
			until = second
		}
		if full {
			r.Reader.Sleep(until.Sub(now))
			return nil, time.Now(), nil
		}
	}
	lines, at, err = r.Reader.Next(until)
	if r.Route != nil {
		lines = r.Route(lines, at)
	}
	return lines, at, err
}

// observe looks at the other outputs. It reports whether lines wait in one of them, and
// whether one is full. One that has been full for lastTry, when nothing more can come than
// what waits in the input, is given up: nobody would ever read the rest.
func (r *relay) observe(now time.Time) (waiting, full bool) {
	for _, o := range r.Others {
		waiting = o.Observe(now) || waiting
		if !o.Full() {
			continue
		}
		if o.Stuck(now) >= lastTry && r.Reader.WritersGone() {
			o.Abandon()
			continue
		}
		full = true
	}
	return waiting, full
}
