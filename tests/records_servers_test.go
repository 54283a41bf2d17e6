//go:build linux

package tests

import (
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// recordServers are how records begin under each of appServers, and which of the sizes of
// tracebacks are for when it reloads or stops: see the sizes there.
var recordServers = map[string]struct {
	start  string
	reload []int
}{
	"gunicorn": {`^\[?\d{4}-\d\d-\d\d |^\S+ - \S+ \[`, []int{100, 5_000, 50_000}},
	"uWSGI":    {`^\d{4}-\d\d-\d\d |^\[pid: |^\[uWSGI\]|^\*\*\*`, []int{100, 5_000, 20_000}},
}

// payment is the beginning of a record that shop/payment.py or Django logs for it.
var payment = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) (?:shop\.payment: |django\.request: Internal Server Error: /pay/)([-\w]+)`)

// A paymentLog is what the files that match a pattern hold.
type paymentLog struct {
	// records are how many there are that are whole, by level, who logs, and number.
	records map[string]int
	printed map[string]int
	// torn are beginnings of records without all of the rest behind them in the same file.
	torn []string
	// strays are lines of a record that have no beginning before them.
	strays []string
	// others are the server's own lines.
	others []string
	files  int
}

// readPayments knows nothing of expressions or of switches: a record is what begins like
// one and goes on until its checksum.
func readPayments(d *folder, pattern string) *paymentLog {
	d.t.Helper()
	l := &paymentLog{records: map[string]int{}, printed: map[string]int{}}
	for _, name := range d.glob(pattern) {
		l.files++
		for text := d.read(name); text != ""; {
			line, rest, _ := strings.Cut(text, "\n")
			switch match := payment.FindStringSubmatch(line); {
			case match != nil:
				if whole := sealedPrefix(text); whole > 0 {
					who := map[bool]string{true: "Django", false: "shop"}[strings.Contains(line, "django.request")]
					l.records[match[1]+" "+who+" "+match[2]]++
					rest = text[whole:]
				} else {
					l.torn = append(l.torn, line)
				}
			case strings.HasPrefix(line, "printed "):
				l.printed[strings.TrimPrefix(line, "printed ")]++
			case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "Traceback") || strings.Contains(line, "declined"):
				l.strays = append(l.strays, line)
			default:
				l.others = append(l.others, line)
			}
			text = rest
		}
	}
	return l
}

// sealedPrefix returns how long the record is that a text begins with, to the newline
// behind its checksum; 0 if another begins before that.
func sealedPrefix(text string) int {
	sum, at := crc32.NewIEEE(), 0
	for line := range strings.Lines(text) {
		if at > 0 && payment.MatchString(line) {
			return 0
		}
		if body := len(line) - len(" 01234567\n"); body >= 0 {
			_, _ = io.WriteString(sum, line[:body])
			if line[body:] == fmt.Sprintf(" %08x\n", sum.Sum32()) {
				return at + len(line)
			}
			_, _ = io.WriteString(sum, line[body:])
		} else {
			_, _ = io.WriteString(sum, line)
		}
		at += len(line)
	}
	return 0
}

// checkWhole fails the test for any record that is not whole, or there twice.
func (l *paymentLog) checkWhole(t *testing.T, about string) {
	t.Helper()
	// gunicorn's master logs from its handler of SIGCHLD, and at times Python does not bear
	// that and prints where it was, in lines of its own.
	if slices.ContainsFunc(l.others, func(line string) bool { return strings.Contains(line, "reentrant call inside") }) {
		t.Logf("%s: a server that logged while it was logging", about)
		l.strays = nil
	}
	for what, lines := range map[string][]string{"torn": l.torn, "without a beginning": l.strays} {
		wrong := &tally{t: t}
		for _, line := range lines {
			wrong.errorf("%s: %s: %.200q", about, what, line)
		}
		wrong.end()
	}
	for record, n := range l.records {
		if n != 1 {
			t.Errorf("%s: %s is there %d times", about, record, n)
		}
	}
}

// pay asks for the page that fails, and takes down whether it was answered.
func (s *shop) pay(number string, size int) {
	response, err := s.client.Get(fmt.Sprintf("http://%s/pay/%s/%d", s.address, number, size))
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err == nil && response.StatusCode != http.StatusInternalServerError {
			err = fmt.Errorf("%s: %s", number, response.Status)
		}
	}
	s.note(number, err)
}

// payments has many clients ask for it at once, and calls halfway in the midst.
func (s *shop) payments(name string, each int, sizes []int, halfway func()) {
	atOnce(each, halfway, func(client, i int) {
		s.pay(fmt.Sprintf("%s-%d-%d", name, client, i), sizes[(client+i)%len(sizes)])
	})
}

// checkPayments compares the log and the log of errors with what was answered.
func (s *shop) checkPayments(t *testing.T, start string) {
	t.Helper()
	d := s.files(t)
	all, failed := readPayments(d, "all-*"), readPayments(d, "error-*")
	all.checkWhole(t, "all")
	failed.checkWhole(t, "errors")
	for _, number := range s.answered[1:] { // the first is no payment
		for _, record := range []string{"DEBUG shop", "INFO shop", "WARNING shop", "ERROR shop", "CRITICAL shop", "ERROR Django"} {
			if all.records[record+" "+number] != 1 {
				t.Errorf("%s %s is not there", record, number)
			}
		}
		if all.printed[number] != 1 {
			t.Errorf("what %s printed is there %d times", number, all.printed[number])
		}
	}
	for record := range all.records {
		isError := strings.HasPrefix(record, "ERROR") || strings.HasPrefix(record, "CRITICAL")
		if got := failed.records[record] == 1; got != isError {
			t.Errorf("%s is among the errors: %v", record, got)
		}
	}
	for record := range failed.records {
		if all.records[record] == 0 {
			t.Errorf("%s is only among the errors", record)
		}
	}
	// Lines that begin no record go wherever the one before them went.
	begin, isError := regexp.MustCompile(start), regexp.MustCompile(`\b(ERROR|CRITICAL)\b`)
	for _, line := range failed.others {
		if begin.MatchString(line) && !isError.MatchString(line) {
			t.Errorf("among the errors: %.200q", line)
		}
	}
	s.checkSilent(t)
	if all.files < 3 || failed.files < 3 {
		t.Errorf("%d files, and %d of errors; want a switch every second", all.files, failed.files)
	}
	t.Logf("%d payments answered, %d not; %d records in %d files, %d errors in %d files; %d lines printed and %d of them behind errors; %d lines of the server's own and %d of them behind errors",
		len(s.answered)-1, len(s.refused), len(all.records), all.files, len(failed.records), failed.files,
		len(all.printed), len(failed.printed), len(all.others), len(failed.others))
}

// Behind real servers each record is whole, in one file, and errors are in files of their
// own with their tracebacks, whatever switches, reloads and stops meanwhile. It is serial,
// as TestWritersServers is.
func TestRecordsServers(t *testing.T) {
	for _, server := range appServers {
		records := recordServers[server.name]
		flags := func(s *shop) []string {
			return []string{
				"--size=32K", "--record-start=" + records.start,
				`--also=\b(ERROR|CRITICAL)\b => --keep-age=1y --size=48K ` + s.logs + "/error-" + everySecond,
				s.logs + "/all-" + everySecond,
			}
		}
		t.Run(server.name, func(t *testing.T) {
			needs(t, server.needs)
			needDjango(t)
			s := newBusyShop(t)
			s.open(t, logreel, slices.Concat(flags(s), []string{"--"}, server.command(t, s.address))...)
			reader := s.server.Process.Pid

			s.payments("first", 12, []int{100, 5_000, 50_000, 200_000}, func() {})
			if len(s.refused) > 0 {
				t.Errorf("without an answer: %v", s.refused)
			}
			before := s.workers(t)
			s.payments("reload", 16, records.reload, func() { sendSignal(t, reader, syscall.SIGHUP) })
			s.workers(t, before...)
			s.payments("stop", 10, records.reload, func() { sendSignal(t, reader, syscall.SIGTERM) })
			s.endWith(t, 0)
			s.checkPayments(t, records.start)
		})
		// A pipe keeps a write of up to 4,096 bytes together.
		t.Run(server.name+" behind a pipe", func(t *testing.T) {
			needs(t, server.needs)
			needDjango(t)
			s := newBusyShop(t)
			script := `flags=$1; shift; "$@" 2>&1 | eval "exec logreel $flags"`
			var quoted []string
			for _, flag := range flags(s) {
				quoted = append(quoted, "'"+flag+"'")
			}
			s.open(t, "sh", slices.Concat([]string{"-c", script, "sh", strings.Join(quoted, " ")}, server.command(t, s.address))...)
			master := s.master(t)
			s.payments("first", 20, []int{100, 1_000, 2_000}, func() {})
			before := s.workers(t)
			s.payments("reload", 20, []int{100, 1_000, 2_000}, func() { sendSignal(t, master, syscall.SIGHUP) })
			s.workers(t, before...)
			s.payments("stop", 10, []int{100, 1_000, 2_000}, func() { sendSignal(t, master, syscall.SIGTERM) })
			s.endWith(t, 0)
			s.checkPayments(t, records.start)
		})
	}
}
