//go:build linux

package tests

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	serverWorkers = 4
	// serverClients ask at the same time, more than there are workers.
	serverClients = 8
)

// appServers are the servers under which the shop is run, with the worker processes
// writing to standard error themselves.
var appServers = []struct {
	name  string
	needs map[string]string
	// command returns how to start it at an address.
	command func(t *testing.T, address string) []string
	// request is the line that it logs for a request, with the path as a group.
	request *regexp.Regexp
	// reload are the sizes of the records that are in flight when it reloads.
	reload []int
}{
	{
		"gunicorn", map[string]string{"gunicorn": "gunicorn"}, gunicorn,
		regexp.MustCompile(`^127\.0\.0\.1 - - \[[^]]*\] "GET (\S+) HTTP/1\.1" 200 \d+ "-" "Go-http-client/1\.1"$`),
		[]int{100, 5_000, 50_000, 200_000},
	}, {
		"uWSGI", map[string]string{"uwsgi": "uwsgi-core and uwsgi-plugin-python3"}, uwsgi,
		regexp.MustCompile(`^\[pid: \d+\|app: 0\|req: \d+/\d+\] 127\.0\.0\.1 \(\) \{[^}]*\} \[[^]]*\] GET (\S+) => generated \d+ bytes in \d+ msecs \(HTTP/1\.1 200\) \d+ headers in \d+ bytes \(\d+ switches on core 0\)$`),
		// Its workers say in their signal handlers that they end, be it amid a record of
		// their own that has to wait: one process writes both, so nobody can tell them
		// apart. Of a record that the kernel takes in one piece there is no midst.
		[]int{100, 5_000, 30_000},
	},
}

func gunicorn(_ *testing.T, address string) []string {
	return []string{"gunicorn", "--workers", strconv.Itoa(serverWorkers), "--bind", address, "--access-logfile", "-", "shop.wsgi"}
}

func uwsgi(t *testing.T, address string) []string {
	t.Helper()
	d := newFolder(t)
	d.put("shop.ini", uwsgiShop(address, "plugins = python3",
		// What is in flight is answered before it ends.
		"hook-master-start = unix_signal:15 gracefully_kill_them_all"))
	return []string{"uwsgi", d.at("shop.ini")}
}

// newBusyShop is newShop for a server that logreel may start in a process group of its
// own, where the test has to find it if it fails.
func newBusyShop(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.client.Transport = &http.Transport{DisableKeepAlives: true, MaxConnsPerHost: 2 * serverClients}
	// Every process that is started inherits it.
	t.Setenv(markEnv, s.logs)
	// Unbuffered, Python drops the rest of a record when a signal interrupts its write
	// (https://github.com/python/cpython/issues/85393).
	t.Setenv("PYTHONUNBUFFERED", "")
	t.Cleanup(func() { killMarked(t, s.logs) })
	return s
}

// master returns the server's first process: what logreel or the shell has started, and
// is not the logger.
func (s *shop) master(t *testing.T) int {
	t.Helper()
	loggers := s.loggers(t)
	for _, pid := range children(t, s.server.Process.Pid) {
		if !slices.Contains(loggers, pid) {
			return pid
		}
	}
	t.Fatalf("%v has no server", s.server.Args)
	return 0
}

// workers waits until the server has all its workers and none of those before.
func (s *shop) workers(t *testing.T, before ...int) (pids []int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d workers other than %v", serverWorkers, before), func() bool {
		pids = children(t, s.master(t))
		return len(pids) == serverWorkers && !anyOf(pids, before)
	})
	return pids
}

// burst has many clients ask for orders at once, whose records are of the sizes in turn.
// It calls halfway in the midst.
func (s *shop) burst(t *testing.T, name string, orders int, sizes []int, halfway func()) {
	t.Helper()
	atOnce(orders, halfway, func(client, i int) {
		s.order(t, fmt.Sprintf("%s-%d-%d@%d", name, client, i, sizes[(client+i)%len(sizes)]), 0, func() {})
	})
}

// killStuck kills a worker while it wants to write a record, and waits for another.
// Nothing is read meanwhile, so all are stuck there sooner or later, some of them in the
// midst of one. Several at once would be too much for gunicorn's master.
func (s *shop) killStuck(t *testing.T, round int) {
	t.Helper()
	victim := s.workers(t)[round]
	var clients sync.WaitGroup
	sendSignal(t, s.server.Process.Pid, syscall.SIGSTOP)
	clients.Go(func() { s.burst(t, fmt.Sprint("stuck-", round), 2, []int{200_000}, func() {}) })
	eventually(t, "a worker that is stuck", func() bool { return stuck(victim) })
	sendSignal(t, victim, syscall.SIGKILL)
	sendSignal(t, s.server.Process.Pid, syscall.SIGCONT)
	clients.Wait()
	s.workers(t, victim)
}

// stuck reports whether a process waits inside a write to its output. That may also be
// the line that the server logs for a request.
func stuck(pid int) bool {
	number, arguments, _ := strings.Cut(ofProcess(pid, "syscall"), " ")
	return (number == strconv.Itoa(unix.SYS_WRITE) || number == strconv.Itoa(unix.SYS_WRITEV)) &&
		(strings.HasPrefix(arguments, "0x1 ") || strings.HasPrefix(arguments, "0x2 "))
}

// A writersLog is what the files of a directory hold.
type writersLog struct {
	*ledger
	// cut are lines with the beginning of one record and nothing else.
	cut []string
	// mixed are lines that hold a piece of a record and are neither whole nor cut.
	mixed []string
	// foreign are all other lines.
	foreign []string
}

// broken are the lines with a piece of a record that are not a whole one.
func (l *writersLog) broken() []string { return append(slices.Clone(l.cut), l.mixed...) }

func readWriters(d *folder, dir string) *writersLog {
	d.t.Helper()
	l := &writersLog{ledger: &ledger{sequences: map[string][]int{}}}
	text := d.content(dir + "/*.log")
	if !strings.HasSuffix(text, "\n") {
		d.t.Errorf("the log ends with %.200q", text[max(0, len(text)-200):])
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		r, err := parseRecord(line)
		switch {
		case err == nil:
			l.sequences[r.writer] = append(l.sequences[r.writer], r.sequence)
		case isCut(line):
			l.cut = append(l.cut, line)
		case strings.Contains(line, "~"):
			l.mixed = append(l.mixed, line)
		default:
			l.foreign = append(l.foreign, line)
		}
	}
	return l
}

// recordBegin is how the lines of records begin.
var recordBegin = regexp.MustCompile(`^\d{10}\.\d{6} (\S+) (\d+) ~`)

// isCut reports whether a line is how one record begins, as sealed.py fills it.
func isCut(line string) bool {
	at := recordBegin.FindStringSubmatchIndex(line)
	if at == nil {
		return false
	}
	name := "~" + line[at[2]:at[3]] + "." + line[at[4]:at[5]]
	rest, _, _ := strings.Cut(line[at[1]-1:], " ") // less the checksum
	return strings.HasPrefix(strings.Repeat(name, len(rest)/len(name)+1), rest)
}

// count says of so many records of each order how many are whole, and of those that
// are not, of how many there is something.
func (l *writersLog) count(numbers []string, records int) (whole, mangled, lost int) {
	begun := map[string]bool{}
	for _, line := range l.broken() {
		parts := strings.Split(line, " ~")
		for _, before := range parts[:len(parts)-1] {
			words := strings.Split(before, " ")
			begun[strings.Join(words[max(0, len(words)-2):], " ")] = true
		}
	}
	for _, number := range numbers {
		for sequence := range records {
			switch {
			case slices.Contains(l.sequences[number], sequence):
				whole++
			case begun[fmt.Sprint(number, " ", sequence)]:
				mangled++
			default:
				lost++
			}
		}
	}
	return whole, mangled, lost
}

// checkRequests fails the test unless the lines that the server itself logs for
// requests are there once for each answer, and none is part of another line.
func (l *writersLog) checkRequests(t *testing.T, s *shop, request *regexp.Regexp) {
	t.Helper()
	seen := map[string]int{}
	for _, line := range l.foreign {
		if match := request.FindStringSubmatch(line); match != nil {
			seen[strings.Split(match[1], "/")[2]]++
		} else if strings.Contains(line, "/orders/") {
			t.Errorf("no whole line for a request: %.300q", line)
		}
	}
	for _, number := range s.answered {
		// A worker may have been killed between the answer and that line.
		if seen[number] != 1 && !(seen[number] == 0 && strings.HasPrefix(number, "stuck-")) {
			t.Errorf("order %s: %d lines for the request", number, seen[number])
		}
	}
}

// checkWriters compares the log with what was answered. At most one record may be cut for
// each worker that was killed.
func (s *shop) checkWriters(t *testing.T, request *regexp.Regexp, killed int) {
	t.Helper()
	l := readWriters(s.files(t), ".")
	wrong := &tally{t: t}
	for _, line := range l.mixed {
		wrong.errorf("mixed: %d bytes, %.300q … %.100q", len(line), line, line[max(0, len(line)-100):])
	}
	wrong.end()
	if len(l.cut) > killed {
		t.Errorf("%d records are cut, and %d workers were killed", len(l.cut), killed)
	}
	for _, number := range s.answered {
		l.checkWriter(t, number, shopRecords)
	}
	for number, sequences := range l.sequences {
		if len(slices.Compact(slices.Sorted(slices.Values(sequences)))) < len(sequences) {
			t.Errorf("order %s: records twice: %v", number, sequences)
		}
	}
	l.checkRequests(t, s, request)
	s.checkSilent(t)
	if files := s.files(t).names("."); len(files) < 3 {
		t.Errorf("%d files, want a switch every second", len(files))
	}
	t.Logf("%d orders answered, %d not: %v; %d records cut; %d lines of the server's own",
		len(s.answered), len(s.refused), errors.Join(s.refused...), len(l.cut), len(l.foreign))
}

// endWith waits until logreel has ended, with the status, and nothing of the server is
// left.
func (s *shop) endWith(t *testing.T, status int) {
	t.Helper()
	s.awaitEnd(t)
	if got := s.server.ProcessState.ExitCode(); got != status {
		t.Errorf("exit status %d (%v), want %d", got, s.waitErr, status)
	}
	s.checkPort(t)
	awaitNoneMarked(t, s.logs) // they close the log before they have gone
}

// What command mode exists for: a server whose workers log records longer than a pipe
// keeps whole. It is serial, like all that loads both processors: others measure how
// long a write takes.
func TestWritersServers(t *testing.T) {
	for _, server := range appServers {
		t.Run(server.name, func(t *testing.T) {
			needs(t, server.needs)
			needDjango(t)
			s := newBusyShop(t)
			arg := append([]string{s.logs + "/" + everySecond, "--"}, server.command(t, s.address)...)
			s.open(t, logreel, arg...)
			reader := s.server.Process.Pid

			s.burst(t, "first", 20, []int{100, 5_000, 50_000, 200_000}, func() {})
			if len(s.refused) > 0 {
				t.Errorf("without an answer: %v", s.refused)
			}
			for round := range serverWorkers {
				s.killStuck(t, round)
			}
			before, refused := s.workers(t), len(s.refused)
			s.burst(t, "reload", 40, server.reload, func() { sendSignal(t, reader, syscall.SIGHUP) })
			s.workers(t, before...)
			s.visitLast(t, func() { sendSignal(t, reader, syscall.SIGTERM) })
			s.endWith(t, 0)
			// A worker that reloads may reset a connection that it has just accepted.
			if len(s.refused) > refused+serverWorkers {
				t.Errorf("without an answer at the reload or at the end: %v", s.refused[refused:])
			}
			if refused > serverWorkers {
				t.Errorf("%d orders without an answer because %d workers were killed", refused, serverWorkers)
			}
			s.checkWriters(t, server.request, serverWorkers)
		})
	}
}

// waysToLog are the ways from a server to the files of a directory, %[1]s. They do not
// switch: rotatelogs would cut records there too, and this is about the way.
var waysToLog = []struct{ name, command string }{
	{"logreel -- server", `exec logreel '%[1]s/%%Y.log' -- "$@"`},
	{"server | logreel", `"$@" 2>&1 | logreel '%[1]s/%%Y.log'`},
	{"server | rotatelogs", `"$@" 2>&1 | rotatelogs '%[1]s/%%Y.log' 31536000`},
}

// The same records through command mode and through pipes. Only command mode can fail
// here; the others show what it is good for.
func TestWritersContrast(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 seconds")
	}
	needs(t, map[string]string{"rotatelogs": "apache2-utils"})
	needDjango(t)
	table := newTable("server", "way", "bytes", "whole", "mangled", "lost")
	for _, server := range appServers {
		for i, front := range waysToLog {
			t.Run(server.name+"/"+front.name, func(t *testing.T) {
				needs(t, server.needs)
				s := newBusyShop(t)
				arg := append([]string{"-c", fmt.Sprintf(front.command, s.logs), "sh"}, server.command(t, s.address)...)
				s.open(t, "sh", arg...)
				s.contrast(t, i == 0, func(size, whole, mangled, lost int) {
					table.add(server.name, front.name, fmt.Sprint(size), fmt.Sprint(whole), fmt.Sprint(mangled), fmt.Sprint(lost))
				})
			})
		}
	}
	table.log(t, fmt.Sprintf("records of %d workers", serverWorkers))
}

// contrast has records of several sizes logged and reports what has become of them.
func (s *shop) contrast(t *testing.T, strict bool, report func(size, whole, mangled, lost int)) {
	t.Helper()
	loads := []struct{ size, orders int }{{5_000, 50}, {50_000, 25}, {200_000, 8}}
	for _, load := range loads {
		s.burst(t, "burst", load.orders, []int{load.size}, func() {})
	}
	sendSignal(t, s.master(t), syscall.SIGTERM)
	s.endWith(t, 0)
	if len(s.refused) > 0 {
		t.Errorf("without an answer: %v", s.refused)
	}
	l := readWriters(s.files(t), ".")
	for _, load := range loads {
		numbers := slices.DeleteFunc(slices.Clone(s.answered), func(number string) bool {
			return !strings.HasSuffix(number, fmt.Sprint("@", load.size))
		})
		whole, mangled, lost := l.count(numbers, shopRecords)
		report(load.size, whole, mangled, lost)
		if strict && (mangled > 0 || lost > 0) {
			t.Errorf("records of %d bytes: %d are whole, %d mangled, %d lost", load.size, whole, mangled, lost)
		}
	}
}

const (
	// writerLongest is the length of the longest line of writers.py.
	writerLongest = 300_000
	writerBursts  = 3
)
