package archive

import "strings"

// Actions of a [Decision].
const (
	Keep     = "keep"
	Compress = "compress"
	Delete   = "delete"
)

// A Decision is what is to be done with a file that is there, and why.
type Decision struct {
	Path, Action, Why string
}

// Plan returns what a pass would do, the oldest file first. It changes nothing. It decides
// by what a pass decides by, but does not know whether the command of Config.Exec works.
func Plan(c Config) []Decision {
	if c.Idle() {
		return nil
	}
	p := newPass(c)
	p.warnOfLongNames()
	found := p.find()
	decisions := map[*file]Decision{}
	remove := func(f *file, why string) error {
		err := p.unused(f, func() error { return nil })
		if err != nil {
			decisions[f] = Decision{f.path, Keep, err.Error()}
			return err
		}
		decisions[f] = Decision{f.path, Delete, why}
		return nil
	}
	judge := *p // files are handed on before they are judged
	judge.Exec = ""
	judge.keep(found, sweep{remove: remove})
	for _, f := range found.files {
		if _, decided := decisions[f]; !decided {
			decisions[f] = p.plan(f)
		}
		if p.KeepSize > 0 && decisions[f].Action == Compress {
			more := min(p.step(), f.info.Size)
			judge.keep(found, sweep{remove: remove, ceiling: true, before: f.plain, more: more})
			if found.size+more > p.KeepSize {
				decisions[f] = Decision{f.path, Keep, errCeiling.Error()}
			}
		}
	}
	var plan []Decision
	for _, f := range found.files {
		d := decisions[f]
		if p.waits(f) {
			d.Why = strings.TrimPrefix(d.Why+"; it is to be handed to --exec", "; ")
		}
		plan = append(plan, d)
	}
	return plan
}

// plan returns what becomes of a file that is not to be deleted.
func (p *pass) plan(f *file) Decision {
	d := Decision{f.path, Keep, ""}
	switch {
	case f.future:
		d.Why = "its name lies in the future"
	case f.live && p.Pattern.Runs():
		d.Why = "somebody writes to it"
	case f.live:
		d.Why = "its period is not over"
	case p.Compress != nil && f.ending == "":
		err := p.unused(f, func() error { return p.obstacle(f) })
		if err != nil {
			d.Why = err.Error()
		} else {
			d.Action, d.Why = Compress, "it is finished"
		}
	}
	return d
}
