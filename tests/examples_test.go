//go:build linux

package tests

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests run the examples of packaging/examples with the programs that they are for.
// Only paths, ports, users and the fields of patterns are replaced. The parts of a test run
// one after the other: Python takes its time to start where all do at once.

// anyPort is where the examples listen on one address, and everyPort where they listen
// on all of them.
const (
	anyPort   = "127.0.0.1:8000"
	everyPort = "0.0.0.0:8000"
)

// example returns the text of an example, with each old text replaced by the new one that
// follows it. All of them have to be there.
func example(t *testing.T, name string, oldNew ...string) string {
	t.Helper()
	return replaceAll(t, name, readFile(t, "../packaging/examples/"+name), oldNew...)
}

func replaceAll(t *testing.T, name, text string, oldNew ...string) string {
	t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Errorf("%s lacks %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	return text
}

// commented returns the commands in an example's comment: the lines that are set off, and
// stand after an empty one. The mark is what is before them.
func commented(t *testing.T, name, mark string, count int) (commands []string) {
	t.Helper()
	inside := false
	for line := range strings.Lines(readFile(t, "../packaging/examples/"+name)) {
		command, found := strings.CutPrefix(line, mark)
		if inside = found && inside || strings.TrimSpace(line) == strings.TrimSpace(mark); inside && found {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	if len(commands) != count {
		t.Fatalf("%s has the commands %q, want %d", name, commands, count)
	}
	return commands
}

func needShop(t *testing.T, packages map[string]string) {
	t.Helper()
	needs(t, map[string]string{"gunicorn": "gunicorn"})
	needs(t, packages)
	needDjango(t)
}

// newExample is newShop with a port that nobody else gets while it starts, which tests that
// run at once would.
func newExample(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.address = holdPort(t)
	return s
}

// holdPort returns an address with a free port. It is bound until the end of the test: the
// kernel gives it to nobody, and a server may still take it, for servers reuse addresses.
func holdPort(t *testing.T) (address string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	loopback := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	must(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1), syscall.Bind(fd, loopback))
	bound, err := syscall.Getsockname(fd)
	must(t, err)
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
}

// openExample starts the shop's server as an example says. Whatever it starts is found
// by a mark in its environment when the test is over.
func (s *shop) openExample(t *testing.T, arg ...string) {
	t.Helper()
	t.Cleanup(func() { killMarked(t, s.logs) })
	s.open(t, "env", append([]string{"LOGREEL_TEST_MARK=" + s.logs, "PYTHONUNBUFFERED="}, arg...)...)
}

// untilFiles calls ask again and again, until a directory has so many files, and returns
// how often.
func (d *folder) untilFiles(dir string, files int, ask func(n int)) (asked int) {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		if len(d.glob(dir+"/*.log")) >= files { // the directory may be the server's to make
			return asked
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("no %d files in %v", files, patience)
		}
		ask(asked)
		asked++
	}
}

// orderUntilSwitched asks for orders until there have been two switches, one after the
// other: each waits for the line of the one before, so that the few lines which uWSGI's
// log-master holds are never too many.
func (s *shop) orderUntilSwitched(t *testing.T, dir string) {
	t.Helper()
	first, logs := len(s.answered), s.files(t)
	logs.untilFiles(dir, len(logs.glob(dir+"/*.log"))+2, func(int) {
		number := fmt.Sprintf("order-%d", len(s.answered))
		s.order(t, number, 0, func() {})
		if len(s.refused) > 0 {
			t.Fatalf("without an answer: %v", s.refused)
		}
		s.awaitLine(t, dir, number)
	})
	if len(s.answered) == first {
		t.Error("no order was asked for")
	}
}

// awaitLine waits until the server's line for an order is in the log.
func (s *shop) awaitLine(t *testing.T, dir, number string) {
	t.Helper()
	line := fmt.Sprintf("/orders/%s/", number)
	eventually(t, "the line of "+number, func() bool { return strings.Contains(s.files(t).content(dir+"/*.log"), line) })
}

// checkExample compares the files of a directory with what was answered: every record of
// every order, and the line that the server logs for the request.
func (s *shop) checkExample(t *testing.T, dir string, request *regexp.Regexp) {
	t.Helper()
	l := readWriters(s.files(t), dir)
	for _, line := range l.broken() {
		t.Errorf("broken: %.300q", line)
	}
	for _, number := range s.answered {
		l.checkWriter(t, number, shopRecords)
	}
	l.checkRequests(t, s, request)
	t.Logf("%d orders answered, %d not", len(s.answered), len(s.refused))
}

// checkSilent fails the test if anything was said past the log.
func (s *shop) checkSilent(t *testing.T) {
	t.Helper()
	if said := complaints(readFile(t, s.output.Name())); said != "" {
		t.Errorf("past the log: %s", said)
	}
}

// stopInFlight calls stop while orders are being handled, and endWell.
func (s *shop) stopInFlight(t *testing.T, stop func()) {
	t.Helper()
	s.visitLast(t, stop)
	s.endWell(t)
}

// endWell waits for the end of the server, and checks that all orders were answered.
func (s *shop) endWell(t *testing.T) {
	t.Helper()
	s.end(t)
	if len(s.refused) > 0 {
		t.Errorf("without an answer: %v", s.refused)
	}
	awaitNoneMarked(t, s.logs) // they close the log before they have gone
	s.checkPort(t)
}

func TestExampleGunicorn(t *testing.T) {
	t.Parallel()
	for i, command := range commented(t, "gunicorn.conf.py", "    ", 2) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			needShop(t, nil)
			s := newExample(t)
			d := newFolder(t)
			d.put("gunicorn.conf.py", example(t, "gunicorn.conf.py", anyPort, s.address))
			s.openExample(t, "bash", "-c", replaceAll(t, "gunicorn.conf.py", command,
				"/var/log/shop/%Y-%m-%d.log", s.logs+"/"+everySecond,
				"/var/log/shop/logreel.err", d.at("said"),
				"--config=", "--pid="+d.at("pid")+" --config="+d.dir+"/",
			))
			master := d.awaitNumber("pid")
			s.orderUntilSwitched(t, ".")
			if workers := len(children(t, master)); workers != serverWorkers {
				t.Errorf("%d workers", workers)
			}
			s.stopInFlight(t, func() { sendSignal(t, master, syscall.SIGTERM) })
			s.checkExample(t, ".", appServers[0].request)
			s.checkSilent(t)
			if text := complaints(d.read("said")); text != "" {
				t.Errorf("logreel said %s", text)
			}
		})
	}
}

// What a worker prints is in the log at once, not when the worker ends.
func TestExampleGunicornPrints(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"gunicorn": "gunicorn"})
	d := newFolder(t)
	d.put("app.py", "print('printed')\ndef app(environ, start): pass\n")
	d.put("gunicorn.conf.py", example(t, "gunicorn.conf.py", anyPort, holdPort(t)))
	cmd := commandLine("", "exec gunicorn --config=gunicorn.conf.py app:app")
	cmd.Env = append(cmd.Env, "PYTHONUNBUFFERED=", "PYTHONDONTWRITEBYTECODE=1", markEnv+"="+d.dir)
	t.Cleanup(func() { killMarked(t, d.dir) })
	p := d.launch(cmd)
	for range serverWorkers {
		p.copies("printed")
	}
	p.signal(syscall.SIGTERM)
	p.wait(0)
}

func TestExampleUWSGI(t *testing.T) {
	t.Parallel()
	const logger = "logger = pipe:exec logreel --tz=Europe/Berlin /var/log/shop/%%Y-%%m-%%d.log\n"
	hook := strings.TrimSpace(regexp.MustCompile("(?m)^;  ( hook-master-start = .*)$").FindString(readFile(t, "../packaging/examples/uwsgi.ini"))[1:])
	escaped := strings.TrimSpace(regexp.MustCompile("(?m)^;    ( logger = .*)$").FindString(readFile(t, "../packaging/examples/uwsgi.ini"))[1:])
	tests := []struct {
		about    string
		replaced []string
		// byLogreel says that logreel starts it.
		byLogreel bool
		// inFlight says that what is in flight is answered.
		inFlight bool
		// longest is the size of records that come through; several at once have to
		// fit into the log-master's socket.
		longest int
	}{
		{"as it is", []string{"/%%Y-%%m-%%d.log", "/%%Y%%m%%d-%%H%%M%%S.log"}, false, false, 12_000},
		{"answering first", []string{
			"\ndie-on-term = true\n", "\n" + hook + "\n",
			logger, strings.ReplaceAll(escaped, "@Y-@m-@d", "@Y@m@d-@H@M@S") + "\n",
		}, false, true, 12_000},
		{"by logreel", []string{
			"\ndie-on-term = true\n", "\n" + hook + "\n",
			"\n" + logger, "\n", "\nlog-master-bufsize = 65536\n", "\n", "python3,logpipe", "python3",
		}, true, true, 200_000},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			needShop(t, map[string]string{"uwsgi": "uwsgi-core and uwsgi-plugin-python3"})
			s := newExample(t)
			d := newFolder(t)
			configuration := example(t, "uwsgi.ini", append(test.replaced, anyPort, s.address)...)
			// What is left of it in a comment does no harm.
			d.put("uwsgi.ini", strings.ReplaceAll(configuration, "/var/log/shop", s.logs))
			command := "exec uwsgi --ini " + d.at("uwsgi.ini")
			if test.byLogreel {
				line := commented(t, "uwsgi.ini", ";   ", 1)[0]
				command = "exec " + replaceAll(t, "uwsgi.ini", line, "/var/log/shop/%Y-%m-%d.log", s.logs+"/"+everySecond, "--ini ", "--ini "+d.dir+"/")
			}
			s.openExample(t, "sh", "-c", command)
			if !test.byLogreel {
				s.checkLoggers(t)
			}
			long := fmt.Sprintf("long@%d", test.longest)
			s.awaitLine(t, ".", "first")
			s.order(t, long, 0, func() {})
			s.awaitLine(t, ".", long)
			s.orderUntilSwitched(t, ".")
			stop := func() { sendSignal(t, s.server.Process.Pid, syscall.SIGTERM) }
			if test.inFlight {
				s.order(t, "last", 400*time.Millisecond, stop)
			} else {
				stop()
			}
			s.endWell(t)
			s.checkExample(t, ".", appServers[1].request)
			if test.byLogreel {
				s.checkSilent(t)
			}
			if text := s.files(t).content("*.log"); !strings.Contains(text, "\ngoodbye to uWSGI.\n") {
				t.Error("its last line is not there")
			}
		})
	}
}

// Django says each thing once, on standard error, and whatever the module it comes from.
func TestExampleDjango(t *testing.T) {
	t.Parallel()
	for _, debug := range []string{"True", "False"} {
		t.Run("DEBUG="+debug, func(t *testing.T) {
			needShop(t, nil)
			server := newWebServer(newLogs(t))
			server.put("site_settings.py", example(t, "django_settings.py")+fmt.Sprintf(`
SECRET_KEY = "only for tests"
DEBUG = %s
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site_urls"
TIME_ZONE = "UTC"
`, debug))
			server.put("site_urls.py", `
import logging, warnings
from django.http import HttpResponse
from django.urls import path
def hello(request, number):
    logging.getLogger("any.thing").info("order %d", number)
    return HttpResponse("ok")
def fail(request):
    raise ValueError("of no value")
urlpatterns = [path("hello/<int:number>", hello), path("fail", fail)]
`)
			server.put("site_wsgi.py", `
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`)
			server.open("logreel", server.at("logs/"+everySecond), "--", "gunicorn", "--bind="+server.address, "site_wsgi")
			asked := server.untilFiles("logs", 3, func(n int) { server.get(fmt.Sprint("/hello/", n), 200) })
			server.get("/nowhere", 404)
			server.get("/fail", 500)
			server.end(syscall.SIGTERM)
			text := server.content("logs/*.log")
			for n := range asked {
				want := regexp.MustCompile(fmt.Sprintf(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO \[\d+\] any\.thing: order %d$`, n))
				if got := len(want.FindAllString(text, -1)); got != 1 {
					t.Errorf("order %d: %d lines", n, got)
				}
			}
			for _, want := range []string{"WARNING [", "django.request: Not Found: /nowhere\n", "ERROR [", "django.request: Internal Server Error: /fail\n", "\nValueError: of no value\n"} {
				if got := strings.Count(text, want); got != 1 {
					t.Errorf("%q is there %d times", want, got)
				}
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}
