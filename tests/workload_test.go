package tests

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// tolerance is how far a record's stamp may lie outside the period of its
	// file. The writer takes the stamp before it writes, and is a process that may
	// lose the processor in between; logreel can only file by when it reads. On two
	// busy processors a turn of all the others takes some tens of milliseconds. Where
	// more is to be done, a turn may take longer: strays are the records beyond the
	// tolerance, of a hundred, that this may cost, and farAway is how far they may lie.
	// A logreel that was late at every switch would have more of them.
	tolerance = 100 * time.Millisecond
	strays    = 5
	farAway   = 5 * time.Second

	// everySecond is a pattern that switches every second, secondLayout the same
	// for package time. The programs run with TZ=UTC.
	everySecond  = "%Y%m%d-%H%M%S.log"
	secondLayout = "20060102-150405.log"
)

// A record is a line as tests/python/sealed.py formats it.
type record struct {
	at       time.Time
	writer   string
	sequence int
}

// parseRecord fails on a line that is not a record, whole and alone.
func parseRecord(line string) (r record, err error) {
	space := strings.LastIndexByte(line, ' ')
	if space < 0 {
		return r, errors.New("one word")
	}
	body, sum := line[:space], line[space+1:]
	if want := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body))); sum != want {
		return r, fmt.Errorf("checksum %s, want %s", sum, want)
	}
	fields := strings.Fields(body)
	if len(fields) != 4 {
		return r, fmt.Errorf("%d words, want 5", len(fields)+1)
	}
	seconds, micros, _ := strings.Cut(fields[0], ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return r, err
	}
	us, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return r, err
	}
	r.at, r.writer = time.UnixMicro(s*1e6+us), fields[1]
	r.sequence, err = strconv.Atoi(fields[2])
	return r, err
}

// A ledger is what an independent reader finds in the files of a directory, taken
// in the order of their names.
type ledger struct {
	files []ledgerFile
	// sequences are the numbers of each writer's records as they stand.
	sequences map[string][]int
	// damaged are lines that hold a piece of a record and are not a whole one, and
	// files that do not end in a newline.
	damaged []string
	// foreign counts the lines that are no records: a server's own messages.
	foreign int
}

type ledgerFile struct {
	name           string
	lines, records int
	// early and late count the records whose stamp is after the end of the file's
	// period, or before its beginning.
	early, late int
	// strays are those of them that lie beyond the tolerance.
	strays int
	// farthest is the largest distance of a stamp from the file's period.
	farthest time.Duration
}

func readLedger(d *folder) *ledger {
	d.t.Helper()
	l := &ledger{sequences: map[string][]int{}}
	for _, name := range d.names(".") {
		// Only a file that is named by a period has one.
		begin, err := time.Parse(secondLayout, name)
		if err != nil {
			begin = time.Time{}
		}
		l.readFile(name, begin, d.read(name))
	}
	return l
}

func (l *ledger) readFile(name string, begin time.Time, text string) {
	f := ledgerFile{name: name}
	if text != "" && !strings.HasSuffix(text, "\n") {
		l.damaged = append(l.damaged, name+" does not end in a newline")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		f.lines++
		r, err := parseRecord(line)
		switch {
		case err == nil:
			f.records++
			l.sequences[r.writer] = append(l.sequences[r.writer], r.sequence)
			if !begin.IsZero() {
				f.place(r, begin)
			}
		case strings.Contains(line, "~"):
			l.damaged = append(l.damaged, fmt.Sprintf("%s: %.200q: %v", name, line, err))
		default:
			l.foreign++
		}
	}
	l.files = append(l.files, f)
}

// place compares a record's stamp with the file's period.
func (f *ledgerFile) place(r record, begin time.Time) {
	end := begin.Add(time.Second)
	distance := time.Duration(0)
	switch {
	case r.at.Before(begin):
		f.late++
		distance = begin.Sub(r.at)
	case !r.at.Before(end):
		f.early++
		distance = r.at.Sub(end)
	}
	if distance > tolerance {
		f.strays++
	}
	f.farthest = max(f.farthest, distance)
}

// check fails the test unless every record is whole and in the file of its time.
// That none is missing is the matter of [ledger.checkWriter].
func (l *ledger) check(t *testing.T) {
	t.Helper()
	wrong := &tally{t: t}
	for _, text := range l.damaged {
		wrong.errorf("damaged: %s", text)
	}
	wrong.end()
	all, far := 0, 0
	for _, f := range l.files {
		all, far = all+f.records, far+f.strays
		if f.farthest > farAway {
			t.Errorf("%s has a record from %v outside its second, want at most %v", f.name, f.farthest, farAway)
		}
		if _, err := time.Parse(secondLayout, f.name); err != nil {
			t.Errorf("unexpected file: %v", err)
		}
	}
	if far*100 > all*strays {
		t.Errorf("%d of %d records lie more than %v outside the second of their file, want at most %d%%", far, all, tolerance, strays)
	}
}

// checkWriter fails the test unless the writer's records are there once each, in
// order, numbered from 0.
func (l *ledger) checkWriter(t *testing.T, writer string, records int) {
	t.Helper()
	seen := make([]int, records)
	last, beyond, disordered, lost, twice := -1, 0, 0, 0, 0
	for _, sequence := range l.sequences[writer] {
		if sequence < 0 || sequence >= records {
			beyond++
			continue
		}
		seen[sequence]++
		if sequence < last {
			disordered++
		}
		last = sequence
	}
	for _, n := range seen {
		if n == 0 {
			lost++
		}
		twice += max(0, n-1)
	}
	if cmp.Or(lost, twice, disordered, beyond) != 0 {
		t.Errorf("writer %s: of %d records %d are lost, %d too many, %d out of order, %d were never written",
			writer, records, lost, twice, disordered, beyond)
	}
}

// log prints the files and their figures.
func (l *ledger) log(t *testing.T) {
	t.Helper()
	table := newTable("file", "lines", "records", "early", "late", "farthest")
	row := func(f ledgerFile) {
		table.add(f.name, fmt.Sprint(f.lines), fmt.Sprint(f.records), fmt.Sprint(f.early), fmt.Sprint(f.late), f.farthest.String())
	}
	total := ledgerFile{name: "all"}
	for _, f := range l.files {
		row(f)
		total.lines += f.lines
		total.records += f.records
		total.early += f.early
		total.late += f.late
		total.farthest = max(total.farthest, f.farthest)
	}
	row(total)
	table.log(t, "stamps outside the file's second")
}

// runWorkload runs workload.py in 4 processes at once, 2,000 lines/s each, with
// standard error on the given file, and returns how many lines each wrote.
func runWorkload(t *testing.T, stderr io.Writer, arg ...string) (writers []string, lines int) {
	t.Helper()
	needs(t, map[string]string{python: "python3"})
	dir := pythonPath(t)
	lines = 10_000
	if testing.Short() {
		lines = 4_000
	}
	var processes []*exec.Cmd
	for _, writer := range []string{"1", "2", "3", "4"} {
		args := append([]string{filepath.Join(dir, "workload.py"), writer, strconv.Itoa(lines), "2000"}, arg...)
		cmd := exec.CommandContext(t.Context(), python, args...)
		cmd.Env, cmd.Stderr = testEnv(dir), stderr
		must(t, cmd.Start())
		processes = append(processes, cmd)
		writers = append(writers, writer)
	}
	for _, cmd := range processes {
		if err := cmd.Wait(); err != nil {
			t.Errorf("workload.py: %v", err)
		}
	}
	return writers, lines
}

// What the program exists for: several Python processes that log at once, and a
// new file every second. It is serial, like the other tests that compare stamps
// with names: what runs beside it would delay the writers.
func TestWorkload(t *testing.T) {
	p := startPlain(t, everySecond)
	writers, lines := runWorkload(t, p.input)
	p.endSilent()

	l := readLedger(p.folder)
	l.log(t)
	l.check(t)
	for _, writer := range writers {
		l.checkWriter(t, writer, lines)
	}
	if l.foreign > 0 {
		t.Errorf("%d lines are no records", l.foreign)
	}
	if least := lines / 2000; len(l.files) < least {
		t.Errorf("%d files, want at least %d", len(l.files), least)
	}
}

// The same with Python's own handler in each process. It decides nothing; it shows
// what TestWorkload's reader finds where something is wrong.
func TestWorkloadWithoutLogreel(t *testing.T) {
	d := newFolder(t)
	// The handlers' tracebacks go nowhere.
	writers, lines := runWorkload(t, nil, d.at("workload.log"))
	l := readLedger(d)
	kept := 0
	for _, writer := range writers {
		whole := map[int]bool{}
		for _, sequence := range l.sequences[writer] {
			whole[sequence] = true
		}
		kept += len(whole)
	}
	all := lines * len(writers)
	t.Logf("TimedRotatingFileHandler in %d processes: %d of %d lines lost, %d damaged, %d files",
		len(writers), all-kept, all, len(l.damaged), len(l.files))
}
