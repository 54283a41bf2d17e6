//go:build linux

package tests

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// soakEpisode is how long one logreel lives at the most. The next one has other
	// options.
	soakEpisode = 8 * time.Second
	// soakVolume is how many bytes it gets at the most, since they lie in memory.
	soakVolume = 96 << 20
	soakBurst  = 4 << 20
	soakRoom   = "size=1g,nr_inodes=100k"
)

// A soak is what is done to logreels, all of it drawn from one seed.
type soak struct {
	t    *testing.T
	seed uint64
	// What was done, in all episodes.
	faults                                   map[string]int
	episodes, signals, lines, dropped, files int
}

// Random faults, signals and lines, for a minute or for what LOGREEL_SOAK in the
// environment says (more than ten minutes want go test -timeout): every line is there
// once, whole and in order. LOGREEL_SEED repeats what was drawn, if not its timing.
//
// Nobody deletes the live file here, since that loses lines by intent.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := &soak{t: t, seed: soakSeed(t), faults: map[string]int{}}
	end := time.Now().Add(soakDuration(t))
	t.Logf("LOGREEL_SEED=%d", s.seed)
	for !t.Failed() && time.Until(end) > time.Second {
		s.episodes++
		s.episode(min(soakEpisode, time.Until(end)))
	}
	t.Logf("%d episodes, faults %v, %d signals, %d lines (%d of them dropped), %d switches",
		s.episodes, s.faults, s.signals, s.lines, s.dropped, s.files-s.episodes)
}

func soakDuration(t *testing.T) time.Duration {
	text, standard := os.Getenv("LOGREEL_SOAK"), time.Minute
	if testing.Short() {
		standard = 5 * time.Second
	}
	if text == "" {
		return standard
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("LOGREEL_SOAK: %v", err)
	}
	return d
}

func soakSeed(t *testing.T) uint64 {
	text := os.Getenv("LOGREEL_SEED")
	if text == "" {
		return uint64(rand.Uint32())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("LOGREEL_SEED: %v", err)
	}
	return seed
}

// An episode is the life of one logreel.
type episode struct {
	*process
	seed, nth uint64
	random    *rand.Rand // for the faults
	mounted   bool       // faults that need a file system of our own can be had
	moved     int
	over      atomic.Bool
	// maxLine is the length in bytes from which lines come in pieces; 0 for none.
	maxLine int
	// What was done: lines written, signals sent.
	wrote, sent int
}

// episode runs a logreel with drawn options for a while, and compares what went in with
// what came out.
func (s *soak) episode(d time.Duration) {
	s.t.Helper()
	e := &episode{seed: s.seed, nth: uint64(s.episodes)}
	e.random = rand.New(rand.NewPCG(e.seed, e.nth))
	folder := newFolder(s.t)
	e.mounted = folder.makeSoaked()
	drop := e.random.IntN(2) == 0
	args := e.options(drop)
	e.process = folder.startPlain(append(args, "root/logs/"+everySecond)...)
	last := e.listen()
	defer func() {
		if s.t.Failed() {
			s.t.Errorf("episode %d: logreel %s\nsaid last:\n%s", s.episodes, strings.Join(args, " "), last())
		}
	}()
	e.put(soakLine(s.seed, 0))
	e.wrote++
	// Its signals are its own from when it writes on.
	eventually(s.t, "the first file", func() bool { return len(e.files()) > 0 })

	var others sync.WaitGroup
	others.Go(e.feed)
	others.Go(func() { e.bother(d) })
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, fault := range e.hurt(min(time.Until(end), upTo(e.random, 1500*time.Millisecond))) {
			s.faults[fault]++
		}
		time.Sleep(upTo(e.random, 400*time.Millisecond))
	}
	e.over.Store(true)
	others.Wait()
	e.end()
	dropped := e.compare(drop)
	s.lines, s.dropped, s.signals, s.files = s.lines+e.wrote, s.dropped+dropped, s.signals+e.sent, s.files+len(e.files())
	if e.mounted {
		e.unmount("root")
	}
}

// makeSoaked makes the directories of an episode, in memory where that can be had.
func (d *folder) makeSoaked() (mounted bool) {
	d.t.Helper()
	d.makeDir("root")
	if os.Geteuid() == 0 {
		mounted = unix.Mount("logreel-test", d.at("root"), "tmpfs", 0, soakRoom) == nil
		d.unmountLater("root")
	}
	d.makeDir("root/logs")
	d.makeDir("root/gone")
	return mounted
}

// options draws the options.
func (e *episode) options(drop bool) []string {
	pick := func(name string, values ...string) string { return name + values[e.random.IntN(len(values))] }
	args := []string{
		pick("--buffer=", "0", "64K", "1M", "16M"),
		pick("--linger=", "0s", "1ms", "20ms", "200ms"),
		pick("--link=", "root/live", "root/logs/live"),
	}
	if drop {
		args = append(args, "--on-full=drop")
	}
	if e.random.IntN(2) == 0 {
		args = append(args, pick("--size=", "50K", "300K", "2M"))
	}
	if e.random.IntN(2) == 0 {
		e.maxLine = 1 << (10 + e.random.IntN(6))
		args = append(args, fmt.Sprintf("--max-line=%d", e.maxLine))
	}
	return args
}

// listen keeps the last messages.
func (e *episode) listen() (last func() string) {
	var mu sync.Mutex
	var kept []string
	said := e.said
	heard := make(chan string)
	e.said = heard
	go func() {
		defer close(heard)
		for line := range said {
			mu.Lock()
			kept = append(kept[max(0, len(kept)-20):], line)
			mu.Unlock()
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(kept, "\n")
	}
}

// soakLine returns the line of a number, the same every time. Most are short, some have
// 100 KB, and those of one byte are empty.
func soakLine(seed uint64, number int) []byte {
	random := rand.New(rand.NewPCG(seed, uint64(number)<<8))
	x := random.Float64()
	length := int(math.Pow(100_000, x*x))
	line := append(strconv.AppendInt(nil, int64(number), 10), ' ')
	line = append(line, bytes.Repeat([]byte{byte('a' + number%26)}, length)...)
	line = line[:length]
	line[length-1] = '\n'
	return line
}

// upTo draws a time shorter than d.
func upTo(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d)))
}

// put writes into the pipe.
func (e *episode) put(text []byte) {
	err := e.input.(*os.File).SetWriteDeadline(time.Now().Add(patience))
	if _, err1 := e.input.Write(text); errors.Join(err, err1) != nil {
		e.t.Error("write:", err, err1)
		e.over.Store(true)
	}
}

// feed writes lines until the episode is over: slow ones, steady ones, pauses, bursts as
// fast as can be, and lines that come in pieces.
func (e *episode) feed() {
	random := rand.New(rand.NewPCG(e.seed, e.nth<<32))
	volume := 0
	next := func() []byte {
		line := soakLine(e.seed, e.wrote)
		e.wrote++
		volume += len(line)
		return line
	}
	for !e.over.Load() {
		end := time.Now().Add(upTo(random, 1200*time.Millisecond))
		flowing := func() bool { return time.Now().Before(end) && !e.over.Load() }
		kind := random.IntN(5)
		if volume > soakVolume {
			kind = min(kind, 1)
		}
		switch kind {
		case 0:
			time.Sleep(time.Until(end))
		case 1: // one line a second, up to twenty
			for pause := time.Second / time.Duration(1+random.IntN(20)); flowing(); time.Sleep(pause) {
				e.put(next())
			}
		case 2: // many writers' writes, one line each
			for pause := upTo(random, 5*time.Millisecond); flowing(); time.Sleep(pause) {
				e.put(next())
			}
		case 3: // as fast as can be
			for full := volume + random.IntN(soakBurst); volume < full && !e.over.Load(); {
				var text []byte
				for len(text) < 64<<10 {
					text = append(text, next()...)
				}
				e.put(text)
			}
		case 4: // pieces
			for flowing() {
				text := append(next(), next()...)
				for len(text) > 0 {
					n := min(len(text), 1+random.IntN(20_000))
					e.put(text[:n])
					text = text[n:]
					time.Sleep(upTo(random, 10*time.Millisecond))
				}
			}
		}
	}
}

// soakName is a name in the directories of an episode: the period, the number in its
// series, and when it was moved away.
var soakName = regexp.MustCompile(`^root/(?:logs|gone)/(\d{8}-\d{6}\.log)(?:\.(\d+))?(?:@(\d+))?$`)

// files returns the files in the order of periods and numbers. Those that were moved
// away stand before the one that has their name now.
func (e *episode) files() []string {
	var files []string
	for _, dir := range []string{"root/logs", "root/gone"} {
		for _, name := range e.names(dir) {
			if name != "live" && !strings.HasPrefix(name, ".") {
				files = append(files, dir+"/"+name)
			}
		}
	}
	key := func(path string) string {
		parts := soakName.FindStringSubmatch(path)
		if parts == nil {
			e.t.Errorf("unexpected file %s", path)
			return path
		}
		number, _ := strconv.Atoi(parts[2]) // 0 without one
		moved, err := strconv.Atoi(parts[3])
		if err != nil {
			moved = math.MaxInt32
		}
		return fmt.Sprintf("%s.%010d@%010d", parts[1], number, moved)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return files
}

// compare fails the test unless the files hold what was written, but for the lines that
// a note in their place says were dropped. It returns their number.
//
// A line longer than --max-line comes in pieces. When the buffer is full after the first
// of them, what came of it stays, ended by a newline, and the line counts as dropped.
func (e *episode) compare(drop bool) (dropped int) {
	next, stump := 0, false
	files := e.files()
	for i, path := range files {
		for line := range bytes.Lines([]byte(e.read(path))) {
			note := dropNote.FindSubmatch(line)
			want := soakLine(e.seed, next)
			switch {
			case note != nil && drop:
				n, err := strconv.Atoi(string(note[1]))
				e.try(err)
				next, dropped, stump = next+n, dropped+n, false
			case !stump && bytes.Equal(line, want):
				next++
			case !stump && drop && 0 < e.maxLine && e.maxLine < len(want) && bytes.HasPrefix(want, bytes.TrimSuffix(line, []byte{'\n'})):
				stump = true // its note is to follow
			default:
				e.t.Errorf("%s: got a line of %d bytes, %.30q; line %d of %d would be %d bytes, %.30q; dropped up to here: %d",
					path, len(line), line, next, e.wrote, len(want), want, dropped)
				e.list(files[max(0, i-3):min(len(files), i+4)])
				return dropped
			}
		}
	}
	if next != e.wrote || stump {
		e.t.Errorf("got %d lines, %d of them dropped, and %d were written", next, dropped, e.wrote)
		e.list(files[max(0, len(files)-3):])
	}
	return dropped
}

// list prints some files with their first and last lines.
func (e *episode) list(paths []string) {
	for _, path := range paths {
		text := e.read(path)
		all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		e.t.Logf("%s: %d bytes, %d lines, from %.12q to %.12q", path, len(text), len(all), all[0], all[len(all)-1])
	}
}
