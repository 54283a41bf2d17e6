package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/pattern"
	"github.com/logreel/logreel/rotator"
	"github.com/logreel/logreel/rotator/archive"
	"github.com/logreel/logreel/rotator/messages"
)

// A session is what logreel does on a disk: it starts, writes lines, switches, looks
// after finished files, while the clock goes on. What is random in it follows its seed.
type session struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	disk   *Disk
	system *System
	now    time.Time
	line   int // the number of the next line

	pattern   string
	size      int64
	compress  string
	exec      string
	keepCount int
	link      string
	// sync says that the live file is synced now and then, as with --sync.
	sync    bool
	warning string // the last one
	place   string // where it was cut
}

// newSession returns a session whose flags follow the seed.
func newSession(t *testing.T, seed uint64) *session {
	random := rand.New(rand.NewPCG(seed, 0))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	s := &session{
		t: t, seed: seed, random: random, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
		pattern:  one("/logs/%F.log", "/logs/%F.log", "/logs/%Y/%m/%d.log"),
		compress: one("", "gzip", "gzip", "zstd"),
		exec:     one("", "", ":"),
		link:     one("", "/logs/current"),
		sync:     random.IntN(2) == 0,
	}
	if random.IntN(3) == 0 {
		s.size = 10_000
	}
	if random.IntN(4) == 0 {
		s.keepCount = 2
	}
	s.use(NewDisk())
	return s
}

func (s *session) String() string {
	return fmt.Sprintf("seed %d: %s size=%d compress=%q exec=%q keep=%d link=%q sync=%v%s",
		s.seed, s.pattern, s.size, s.compress, s.exec, s.keepCount, s.link, s.sync, s.place)
}

// use continues the session on a disk, as another process.
func (s *session) use(d *Disk) {
	s.disk = d
	s.system = &System{Disk: d}
	d.Now = func() time.Time { return s.now }
}

func (s *session) fatal(args ...any) {
	s.t.Helper()
	s.t.Fatalf("%v\n%s", s, fmt.Sprint(args...))
}

func (s *session) patternOf() *pattern.Pattern {
	p, err := pattern.New(pattern.Config{Pattern: s.pattern, Zone: time.UTC, Repeat: s.size > 0})
	if err != nil {
		s.fatal(err)
	}
	return p
}

func (s *session) archive() archive.Config {
	return archive.Config{
		Pattern: s.patternOf(), Numbered: s.size > 0, KeepCount: s.keepCount, Compress: archive.FormatNamed(s.compress),
		Link: s.link, PreviousLink: s.previousLink(), Exec: s.exec, ExecTimeout: time.Minute,
		Messages: messages.Printer{Warn: func(format string, args ...any) { s.warning = fmt.Sprintf(format, args...) }},
		Files:    s.system, Now: func() time.Time { return s.now },
	}
}

func (s *session) previousLink() string {
	if s.link == "" {
		return ""
	}
	return s.link + ".before"
}

// A writer is the process that writes lines.
type writer struct {
	*session
	*rotator.Rotator
	finished []string
	live     string // the path
	named    string // the live file whose name has been synced
	busy     bool
}

// start starts the process that writes.
func (s *session) start() *writer {
	w := &writer{session: s}
	var err error
	w.Rotator, err = rotator.New(rotator.Config{
		Pattern: s.patternOf(), Size: s.size, Mode: 0o640, DirMode: 0o755, Link: s.link, PreviousLink: s.previousLink(),
		Opened: func(path string) {
			w.live = path
			if s.exec != "" {
				if err := archive.Mark(s.system, path); err != nil {
					s.fatal(err)
				}
			}
		},
		Finished: func(path string) { w.finished = append(w.finished, path) },
		Messages: messages.Printer{Warn: func(format string, args ...any) { s.warning = fmt.Sprintf(format, args...) }},
		Files:    s.system, Now: func() time.Time { return s.now },
	})
	if err != nil {
		s.fatal(err)
	}
	return w
}

// lineOf returns a line.
func lineOf(n int) string {
	if line, ok := made.Load(n); ok {
		return line.(string)
	}
	width := 20 + n*37%160
	if n%23 == 0 {
		width = 6000 // more than a page
	}
	line := fmt.Sprintf("%06d %s\n", n, strings.Repeat(string(rune('a'+n%26)), width))
	made.Store(n, line)
	return line
}

// made are the lines that have been made, and unpacked what compressed files hold, since
// each is asked for at every cut.
var made, unpacked sync.Map

// write writes a few lines.
func (w *writer) write() {
	w.busy = true
	var batch []byte
	for range 1 + w.random.IntN(12) {
		batch = append(batch, lineOf(w.line)...)
		w.line++
	}
	for len(batch) > 0 {
		n, err := w.Write(batch, w.now)
		if err != nil {
			w.fatal(err)
		}
		batch = batch[n:]
	}
	w.busy = false
	if w.sync && w.random.IntN(2) == 0 {
		w.syncLive()
	}
}

// syncLive does what --sync does.
func (w *writer) syncLive() {
	w.busy = true
	defer func() { w.busy = false }()
	if w.named != w.live {
		w.named = w.live
		if err := w.system.SyncDir(path.Dir(w.live)); err != nil {
			w.fatal(err)
		}
	}
	f, err := w.system.Open(w.live, false, 0)
	if err == nil {
		err = f.Sync()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.fatal(err)
	}
}

// pass looks after finished files, while lines come.
func (w *writer) pass() {
	finished := w.finished
	w.finished = nil
	c := w.archive()
	w.disk.Before = func(Kind, Ino) {
		switch {
		case w.busy:
		case w.random.IntN(10) == 0:
			w.write()
		case w.random.IntN(20) == 0: // compressing took long
			w.busy = true
			w.disk.commit()
			w.busy = false
		case w.sync && w.live != "" && w.random.IntN(2) == 0:
			w.syncLive()
		}
	}
	for _, path := range finished {
		if err := c.Sync(path); err != nil {
			w.fatal(err)
		}
	}
	archive.Run(c)
	w.disk.Before = nil
}

// run writes for a few days.
func (s *session) run(days int) {
	w := s.start()
	w.pass()
	for range days {
		for range 1 + s.random.IntN(5) {
			w.write()
			if len(w.finished) > 0 { // by size
				w.pass()
			}
		}
		s.now = s.now.Add(24 * time.Hour)
		w.Tick(s.now, false)
		if s.random.IntN(2) == 0 {
			w.write()
		}
		w.pass()
	}
	if err := w.Close(); err != nil {
		s.fatal(err)
	}
}

// recover is what a start after a cut does: days later, so that all files are finished.
func (s *session) recover() {
	s.now = s.now.Add(72 * time.Hour)
	s.warning = ""
	archive.Run(s.archive())
	if s.warning != "" {
		s.fatal("the start after a cut warns: ", s.warning)
	}
}

// A finding is what is on a disk.
type finding struct {
	lines  map[int]int // how often each line is there
	order  []string    // the paths of files of the pattern
	hidden []string    // the paths of what is to go away
	marks  []string
	empty  map[string]bool
	linked map[string]bool // a link leads to it
}

// survey looks at all files. A compressed file that is cut off fails.
func (s *session) survey() *finding {
	f := &finding{lines: map[int]int{}, empty: map[string]bool{}, linked: map[string]bool{}}
	s.walk("/logs", f)
	return f
}

func (s *session) walk(dir string, f *finding) {
	names, err := s.system.Names(dir)
	if err != nil {
		if pathErr, ok := err.(*fs.PathError); ok && pathErr.Err == unix.ENOENT {
			return
		}
		s.fatal(err)
	}
	for _, name := range names {
		at := dir + "/" + name
		n, _, _, err := s.system.find(at, false)
		if err != nil {
			s.fatal(err)
		}
		i := s.disk.now[n]
		switch {
		case i.kind == unix.S_IFDIR:
			s.walk(at, f)
		case i.kind == unix.S_IFLNK:
			f.linked[path.Join(dir, i.target)] = true
		case strings.HasSuffix(name, ".pending"):
			f.marks = append(f.marks, at)
		case strings.HasPrefix(name, "."):
			f.hidden = append(f.hidden, at)
		default:
			text, err := plain(name, i.data)
			if err != nil {
				s.fatal(at, ": ", err)
			}
			f.order = append(f.order, at)
			f.empty[at] = len(text) == 0
			for n, times := range linesOf(text) {
				f.lines[n] += times
			}
		}
	}
}

// plain returns the content of a file, which may be compressed.
func plain(name string, data []byte) (text []byte, err error) {
	if text, ok := unpacked.Load(name + string(data)); ok {
		return text.([]byte), nil
	}
	defer func() {
		if err == nil && len(text) != len(data) {
			unpacked.Store(name+string(data), text)
		}
	}()
	switch {
	case strings.HasSuffix(name, ".gz"):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case strings.HasSuffix(name, ".zst"):
		r, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return data, nil
}

// linesOf returns how often each line is in a text, of those that are whole.
func linesOf(text []byte) map[int]int {
	lines := map[int]int{}
	for line := range bytes.Lines(text) {
		if n, err := strconv.Atoi(string(line[:min(6, len(line))])); err == nil && string(line) == lineOf(n) {
			lines[n]++
		}
	}
	return lines
}

// A promise is what has to be there after a cut.
type promise struct {
	lines  map[int]bool
	handed map[string]bool // the paths, without an ending, of files that were handed on
}

// promised returns what has to be there after a cut behind n operations: what was there
// at the beginning, and what was synced.
func (s *session) promised(n int, before promise) promise {
	p := promise{lines: map[int]bool{}, handed: map[string]bool{}}
	for line := range before.lines {
		p.lines[line] = true
	}
	for path := range before.handed {
		p.handed[path] = true
	}
	logs := map[Ino]bool{}
	sizes := map[Ino]int64{}
	for ino := range s.disk.base {
		logs[ino] = true // those that are compressed, or hidden, have no lines
	}
	for _, op := range s.disk.ops[:n] {
		switch {
		case op.What == Create && !strings.HasPrefix(op.Name, "."):
			logs[op.Ino] = true
		case op.What == Sync && logs[op.Ino]:
			sizes[op.Ino] = op.Offset
		case op.What == Rename && strings.HasSuffix(op.ToName, ".handed"):
			p.handed[strings.TrimSuffix(op.ToName, ".handed")[1:]] = true
		}
	}
	for ino, size := range sizes {
		for line := range linesOf(s.disk.now[ino].data[:size]) {
			p.lines[line] = true
		}
	}
	return p
}

// check checks what is there after the start behind a cut.
func (s *session) check(p promise) {
	s.t.Helper()
	f := s.survey()
	if len(f.hidden)+len(f.marks) > 0 {
		s.fatal("left behind: ", f.hidden, f.marks)
	}
	oldest := s.line
	for line, times := range f.lines {
		if oldest = min(oldest, line); times > 1 {
			s.fatal(times, " times line ", line)
		}
	}
	for line := range p.lines {
		if f.lines[line] == 0 && (s.keepCount == 0 || line > oldest) {
			s.fatal("line ", line, " is missing, of ", len(p.lines), "; there are ", f.order)
		}
	}
	for _, path := range f.order {
		plain := strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")
		if s.compress != "" && plain == path && !f.linked[path] { // or who follows it would meet other data
			s.fatal(path, " is not compressed")
		}
		if name := plain[strings.LastIndexByte(plain, '/')+1:]; s.exec != "" && !f.empty[path] && !p.handed[name] {
			s.fatal(path, " was not handed on")
		}
	}
}
