package tests

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// shopClients ask for an order every shopEvery each. That is far below what
	// makes uWSGI's log-master drop records by itself.
	shopClients = 4
	shopEvery   = 24 * time.Millisecond
	shopRecords = 5
)

// A shop is the Django project tests/python/shop under a server with 4 workers
// that logs through logreel.
type shop struct {
	logs    string // directory of the log files; nothing else has it in its command line
	address string
	server  *exec.Cmd
	output  *os.File // what the server says past logreel
	client  http.Client
	// ended is closed when the server has ended; waitErr is what Wait said then.
	ended   chan struct{}
	waitErr error

	mu sync.Mutex
	// answered are the orders whose answer came to its end.
	answered []string
	refused  []error
}

// newShop finds a free port. The caller writes the server's configuration for it
// and calls open.
func newShop(t *testing.T) *shop {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	must(t, err)
	s := &shop{
		logs: roomyFolder(t, 100<<20).dir, address: listener.Addr().String(), output: output,
		client: http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server said, past logreel: %s", readFile(t, output.Name()))
		}
		if err := output.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// open starts the server in a process group of its own and waits until it answers.
func (s *shop) open(t *testing.T, name string, arg ...string) {
	t.Helper()
	dir := pythonPath(t)
	s.server = exec.Command(name, arg...)
	s.server.Dir, s.server.Env = dir, testEnv(dir)
	s.server.Stdout, s.server.Stderr = s.output, s.output
	s.server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, s.server.Start())
	s.ended = make(chan struct{})
	go func() {
		s.waitErr = s.server.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { s.kill(t) })
	eventually(t, "the server's answer", func() bool {
		connection, err := net.Dial("tcp", s.address)
		if err != nil {
			return false
		}
		return connection.Close() == nil
	})
	s.order(t, "first", 0, func() {})
	if len(s.answered) != 1 {
		t.Fatalf("no answer: %v", s.refused)
	}
}

// kill ends what a test that failed has left. uWSGI's loggers have a session of
// their own.
func (s *shop) kill(t *testing.T) {
	loggers := s.loggers(t)
	for _, pid := range append(loggers, -s.server.Process.Pid) {
		if err := kill(pid); err != nil && err != syscall.ESRCH {
			t.Errorf("kill %d: %v", pid, err)
		}
	}
	<-s.ended
}

// order asks for an order whose handling takes a pause, and takes down whether the
// answer came to its end. It calls begun when the answer has begun.
func (s *shop) order(t *testing.T, number string, pause time.Duration, begun func()) {
	s.note(number, s.ask(number, pause, begun))
}

// note takes down whether what was asked for was answered.
func (s *shop) note(number string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.answered = append(s.answered, number)
	} else {
		s.refused = append(s.refused, err)
	}
}

// atOnce has many clients ask at once, each in turn, and calls halfway in the midst.
func atOnce(each int, halfway func(), ask func(client, i int)) {
	var clients sync.WaitGroup
	for client := range serverClients {
		clients.Go(func() {
			for i := range each {
				if client == 0 && i == each/2 {
					halfway()
				}
				ask(client, i)
			}
		})
	}
	clients.Wait()
}

func (s *shop) ask(number string, pause time.Duration, begun func()) error {
	url := fmt.Sprintf("http://%s/orders/%s/%d/%d", s.address, number, shopRecords, pause.Milliseconds())
	response, err := s.client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	want := fmt.Sprintf("begun %s\n", number)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(response.Body, got); err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("got %q", got)
	}
	begun()
	rest, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("done %s\n", number); string(rest) != want {
		return fmt.Errorf("the answer breaks off with %q", rest)
	}
	return nil
}

// visit asks for so many orders at a moderate rate, and calls halfway in the midst.
func (s *shop) visit(t *testing.T, halfway func()) {
	t.Helper()
	orders := 250
	if testing.Short() {
		orders = 100
	}
	var clients sync.WaitGroup
	for client := range shopClients {
		clients.Go(func() {
			tick := time.NewTicker(shopEvery)
			defer tick.Stop()
			for i := range orders {
				if client == 0 && i == orders/2 {
					halfway()
				}
				s.order(t, fmt.Sprintf("order-%d-%d", client, i), 0, func() {})
				<-tick.C
			}
		})
	}
	clients.Wait()
}

// visitLast calls stop when a slow order is in flight in each worker, and waits for
// the answers.
func (s *shop) visitLast(t *testing.T, stop func()) {
	t.Helper()
	var begun, over sync.WaitGroup
	for client := range shopClients {
		begun.Add(1)
		once := sync.OnceFunc(begun.Done)
		over.Go(func() {
			defer once() // also when there is no answer
			s.order(t, fmt.Sprintf("last-%d", client), 400*time.Millisecond, once)
		})
	}
	begun.Wait()
	stop()
	over.Wait()
}

// end waits until the server has ended, and fails the test unless it ends well.
func (s *shop) end(t *testing.T) {
	t.Helper()
	s.awaitEnd(t)
	if s.waitErr != nil {
		t.Errorf("%s: %v", s.server.Args[0], s.waitErr)
	}
}

func (s *shop) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatalf("%s has not ended after %v", s.server.Args[0], patience)
	}
}

// files are the files of the log.
func (s *shop) files(t *testing.T) *folder { return &folder{t, s.logs} }

// checkPort fails the test if somebody still listens.
func (s *shop) checkPort(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Errorf("the server has ended, and its port is not free: %v", err)
		return
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}

// check compares the files with what was answered.
func (s *shop) check(t *testing.T) {
	t.Helper()
	l := readLedger(s.files(t))
	l.log(t)
	l.check(t)
	for _, number := range s.answered {
		l.checkWriter(t, number, shopRecords)
	}
	last := 0
	for _, number := range s.answered {
		if strings.HasPrefix(number, "last-") {
			last++
		}
	}
	// Of orders without an answer some records may be there, but none twice.
	for number, sequences := range l.sequences {
		seen := map[int]bool{}
		for _, sequence := range sequences {
			if seen[sequence] {
				t.Errorf("order %s: record %d is there twice", number, sequence)
			}
			seen[sequence] = true
		}
	}
	t.Logf("%d orders answered, %d of them in flight at the stop; %d without an answer %v; %d lines of the server's own",
		len(s.answered), last, len(s.refused), errors.Join(s.refused...), l.foreign)
	if len(s.answered) < len(s.refused) {
		t.Errorf("too few answers to tell anything")
	}
	if len(l.files) < 3 {
		t.Errorf("%d files, want a switch every second", len(l.files))
	}
}

// loggers returns the processes whose command line names the directory of the logs.
func (s *shop) loggers(t *testing.T) (pids []int) {
	t.Helper()
	for _, pid := range processes(t) {
		if pid != s.server.Process.Pid && strings.Contains(ofProcess(pid, "cmdline"), s.logs) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// checkLoggers fails the test unless one logreel runs, without a socket or a pipe
// of the server's. It returns its pid.
func (s *shop) checkLoggers(t *testing.T) (logger int) {
	t.Helper()
	var running []int
	eventually(t, "one process of logreel", func() bool { // the server starts it when it has a line
		running = slices.DeleteFunc(s.loggers(t), func(pid int) bool {
			program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
			return errors.Is(err, fs.ErrNotExist) || filepath.Base(program) != "logreel" // has ended, or is the shell
		})
		return len(running) == 1
	})
	logger = running[0]
	eventually(t, "logreel to close what it has inherited", func() bool { return len(streams(t, logger)) == 0 })
	return logger
}

func TestGunicorn(t *testing.T) {
	needs(t, map[string]string{"gunicorn": "gunicorn"})
	needDjango(t)
	needProc(t)
	s := newShop(t)
	d := newFolder(t)
	s.open(t, "sh", "-c", fmt.Sprintf(
		"gunicorn --workers 4 --bind %s --pid %s --access-logfile - shop.wsgi 2>&1 | %s '%s/%s'",
		s.address, d.at("pid"), logreel, s.logs, everySecond))
	master := d.awaitNumber("pid")

	s.checkLoggers(t)
	s.visit(t, func() { sendSignal(t, master, syscall.SIGHUP) })
	s.checkLoggers(t)
	s.visitLast(t, func() { sendSignal(t, master, syscall.SIGTERM) })
	// The shell's status is logreel's.
	s.end(t)
	s.checkPort(t)
	s.check(t)
}

// uwsgiShop is the configuration of uWSGI for the shop.
func uwsgiShop(address string, more ...string) string {
	return strings.Join(append([]string{
		"[uwsgi]", "module = shop.wsgi", "pythonpath = .", "master = true",
		"processes = " + strconv.Itoa(serverWorkers), "http-socket = " + address,
	}, more...), "\n") + "\n"
}

func TestUWSGI(t *testing.T) {
	tests := []struct {
		about string
		// logger is uWSGI's, with %s for logreel and the directory.
		logger string
		// stop is how SIGTERM is made to end the server, which else it restarts.
		stop string
		// status says that a shell stays to write logreel's exit status to a file.
		status bool
	}{
		// Answers break off.
		{"doubled percent signs", `pipe:exec %s %s/%%%%Y%%%%m%%%%d-%%%%H%%%%M%%%%S.log`, "die-on-term = true", false},
		// What is in flight is answered.
		{"--escape", `pipe:%s --escape=@ %s/@Y@m@d-@H@M@S.log; echo $? >>%s`, "hook-master-start = unix_signal:15 gracefully_kill_them_all", true},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			needs(t, map[string]string{"uwsgi": "uwsgi-core and uwsgi-plugin-python3"})
			needDjango(t)
			needProc(t)
			s := newShop(t)
			d := newFolder(t)
			args := []any{logreel, s.logs}
			if test.status {
				args = append(args, d.at("status"))
			}
			d.put("shop.ini", uwsgiShop(s.address, "plugins = python3,logpipe", test.stop, "logger = "+fmt.Sprintf(test.logger, args...)))
			s.open(t, "uwsgi", d.at("shop.ini"))
			master := s.server.Process.Pid

			first := s.checkLoggers(t)
			s.visit(t, func() { sendSignal(t, master, syscall.SIGHUP) })
			if second := s.checkLoggers(t); second == first {
				t.Errorf("the reload has not started another logreel")
			}
			s.visitLast(t, func() { sendSignal(t, master, syscall.SIGTERM) })
			s.end(t)
			if !test.status {
				// The shell would hold the port until logreel has ended.
				s.checkPort(t)
			}
			// Each generation ends by itself at the end of its input.
			eventually(t, "the end of logreel", func() bool { return len(s.loggers(t)) == 0 })
			if test.status {
				got := strings.Fields(d.read("status"))
				for _, status := range got {
					if status != "0" {
						t.Errorf("logreel ended with status %s, want 0", status)
					}
				}
				if len(got) < 2 {
					t.Errorf("%d processes of logreel have ended, want one before the reload and one after", len(got))
				}
				s.checkPort(t)
			}
			s.check(t)
		})
	}
}
