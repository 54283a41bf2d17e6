//go:build linux

package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests run the examples for web servers.

// A webServer is a server of which only whole answers are wanted.
type webServer struct {
	*folder
	address string
	client  http.Client
	cmd     *exec.Cmd
	said    *os.File
	ended   chan struct{}
}

// newWebServer prepares a server with its files in a folder, and finds a port for it.
func newWebServer(d *folder) *webServer {
	d.t.Helper()
	s := newExample(d.t) // which has all that
	return &webServer{folder: d, address: s.address, client: s.client, said: s.output}
}

// open starts it and waits until it listens.
func (g *webServer) open(arg ...string) {
	g.t.Helper()
	g.start(arg...)
	eventually(g.t, "the server's answer", func() bool {
		select {
		case <-g.ended:
			g.t.Fatalf("%s: %v", arg[0], g.cmd.ProcessState)
		default:
		}
		connection, err := net.Dial("tcp", g.address)
		return err == nil && connection.Close() == nil
	})
}

// start starts a program that is ended with the test.
func (g *webServer) start(arg ...string) {
	g.t.Helper()
	g.cmd = exec.Command(arg[0], arg[1:]...)
	g.cmd.Dir, g.cmd.Env = g.dir, append(testEnv(g.dir), markEnv+"="+g.dir, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	g.cmd.Stdout, g.cmd.Stderr = g.said, g.said
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(g.t, g.cmd.Start())
	ended := make(chan struct{})
	g.ended = ended
	cmd := g.cmd
	go func() {
		_ = cmd.Wait() // end looks at its status
		close(ended)
	}()
	g.t.Cleanup(func() { <-ended })
	g.t.Cleanup(func() { killMarked(g.t, g.dir) })
}

// get asks for a page and checks the answer's status.
func (g *webServer) get(path string, status int) (body string) {
	g.t.Helper()
	response, err := g.client.Get("http://" + g.address + path)
	must(g.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		g.t.Fatalf("%s: %v, %v, want %d", path, response.Status, err, status)
	}
	return string(text)
}

// end sends a signal to the program, waits for it and all its processes, and checks that
// its exit status is 0.
func (g *webServer) end(signal syscall.Signal) {
	g.t.Helper()
	must(g.t, g.cmd.Process.Signal(signal))
	select {
	case <-g.ended:
	case <-time.After(patience):
		g.t.Fatalf("%v has not ended after %v", g.cmd.Args, patience)
	}
	if got := g.cmd.ProcessState.ExitCode(); got != 0 {
		g.t.Errorf("%s: %v", g.cmd.Args[0], g.cmd.ProcessState)
	}
}

// endAll is end, and waits for what was left behind.
func (g *webServer) endAll(signal syscall.Signal) {
	g.t.Helper()
	g.end(signal)
	awaitNoneMarked(g.t, g.dir)
}

// checkPages fails the test unless the log has one line for each of so many answered
// requests, in the combined format.
func (g *webServer) checkPages(text string, asked int) {
	g.t.Helper()
	for n := range asked {
		want := regexp.MustCompile(fmt.Sprintf(`(?m)^127\.0\.0\.1 - - \[[^]]*\] "GET /\?%d HTTP/1\.1" 200 \d+ "-" "Go-http-client/1\.1"$`, n))
		if got := len(want.FindAllString(text, -1)); got != 1 {
			g.t.Errorf("request %d: %d lines", n, got)
		}
	}
	if got := strings.Count(text, "\n"); got < asked || !strings.HasSuffix(text, "\n") {
		g.t.Errorf("%d lines for %d requests, the last one %.200q", got, asked, text[strings.LastIndexByte(strings.TrimSpace(text), '\n')+1:])
	}
}

// Apache is restarted while a request is half asked: its line is there as well.
func TestExampleApache(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"apache2": "apache2-bin"})
	g := newWebServer(newLogs(t))
	owner, server := "nobody:adm", "User nobody\nGroup nogroup\n"
	if os.Getuid() != 0 {
		owner, server = ownNames(t), ""
	}
	g.put("apache.conf", example(t, "apache.conf",
		"/usr/bin/logreel", logreel, "/var/log/weblog", g.at("logs"), "weblog:adm", owner,
		"access-%Y-%m-%d.log", "access-"+everySecond, "error-%Y-%m-%d.log", "error-"+everySecond))
	g.put("main.conf", server+fmt.Sprintf(`
ServerRoot %[1]s
ServerName localhost
PidFile %[1]s/pid
Listen %[2]s
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LogFormat "%%h %%l %%u %%t \"%%r\" %%>s %%O \"%%{Referer}i\" \"%%{User-Agent}i\"" combined
DocumentRoot %[1]s/www
AliasMatch ^ %[1]s/www/page
Include %[1]s/apache.conf
`, g.dir, g.address))
	g.makeDir("www")
	g.put("www/page", "well\n")
	// The parts of the path up to the test's own directory are root's alone.
	g.chmod("..", 0o755)
	run(t, "chown", owner, g.at("logs"))
	g.open("apache2", "-DFOREGROUND", "-f", g.at("main.conf"))

	page := func(n int) { g.get(fmt.Sprintf("/?%d", n), 200) }
	asked := g.untilFiles("logs", 3, page)
	for _, pid := range children(t, g.cmd.Process.Pid) {
		if os.Getuid() == 0 && strings.HasPrefix(ofProcess(pid, "cmdline"), logreel+"\x00") {
			checkGaveUpRoot(t, pid, "nobody", "adm")
		}
	}
	late, err := net.Dial("tcp", g.address)
	must(t, err)
	defer late.Close()
	fmt.Fprintf(late, "GET /?%d HTTP/1.1\r\nHost: localhost\r\n", asked)
	workers := children(t, g.cmd.Process.Pid)
	must(t, g.cmd.Process.Signal(syscall.SIGUSR1))
	errorLog := func() string { return g.content("logs/error-*.log") }
	const started = "resuming normal operations"
	eventually(t, "Apache's second start", func() bool { return strings.Count(errorLog(), started) == 2 })
	g.get(fmt.Sprintf("/?%d", asked+1), 200)
	fmt.Fprint(late, "User-Agent: Go-http-client/1.1\r\nConnection: close\r\n\r\n")
	must(t, late.SetDeadline(time.Now().Add(patience)))
	if response, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || response.StatusCode != 200 {
		t.Errorf("the late answer: %v %v", response, err)
	}
	_ = late.Close() // for which Apache would wait
	eventually(t, "the end of the loggers before", func() bool {
		return !anyOf(children(t, g.cmd.Process.Pid), workers)
	})
	asked += 2
	asked += g.untilFiles("logs", len(g.names("logs"))+2, func(n int) { page(asked + n) })
	g.endAll(syscall.SIGTERM)

	g.checkPages(g.content("logs/access-*.log"), asked)
	if text := errorLog(); strings.Count(text, started) != 2 || !strings.HasSuffix(text, "AH00491: caught SIGTERM, shutting down\n") {
		t.Errorf("the error log: %s", text)
	}
	for _, name := range g.names("logs") {
		if got := strings.TrimSpace(run(t, "stat", "--format=%U:%G", g.at("logs/"+name))); got != owner {
			t.Errorf("%s is %s's, want %s", name, got, owner)
		}
	}
	if said := complaints(readFile(t, g.said.Name())); said != "" {
		t.Errorf("past the log: %s", said)
	}
}

// ownNames returns the test's own user and group.
func ownNames(t *testing.T) string {
	t.Helper()
	me, err := user.Current()
	must(t, err)
	group, err := user.LookupGroupId(me.Gid)
	must(t, err)
	return me.Username + ":" + group.Name
}

func TestExampleNginx(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{"nginx": "nginx"})
	d := newLogs(t)
	fifo := d.at("fifo")
	commands := commented(t, "nginx.conf", "#   ", 2)
	run(t, "sh", "-c", replaceAll(t, "nginx.conf", commands[0], "/run/nginx-access.log", fifo))
	reader := newWebServer(d)
	reader.start("sh", "-c", replaceAll(t, "nginx.conf", commands[1], "/run/nginx-access.log", fifo, "/var/log/nginx", d.at("logs"), "%Y-%m-%d.log", everySecond))

	g := newWebServer(d)
	d.put("example.conf", example(t, "nginx.conf", "/run/nginx-access.log", fifo))
	me, _, _ := strings.Cut(ownNames(t), ":")
	conf := fmt.Sprintf(`
pid %[1]s/pid;
error_log stderr warn;
worker_processes 2;
events {}
http {
	client_body_temp_path %[1]s/tmp; proxy_temp_path %[1]s/tmp; fastcgi_temp_path %[1]s/tmp; uwsgi_temp_path %[1]s/tmp; scgi_temp_path %[1]s/tmp;
	include %[1]s/example.conf;
	server { listen %[2]s; location / { return 200 "well\n"; } }
}`, d.dir, g.address)
	if os.Getuid() == 0 {
		conf = "user " + me + ";\n" + conf
	}
	d.put("main.conf", conf)
	g.open("nginx", "-p", d.dir, "-e", "stderr", "-c", d.at("main.conf"), "-g", "daemon off;")
	asked := d.untilFiles("logs", 3, func(n int) { g.get(fmt.Sprintf("/?%d", n), 200) })
	g.end(syscall.SIGQUIT)
	reader.endAll(syscall.SIGTERM)
	g.checkPages(d.content("logs/access-*.log"), asked)
	for _, said := range []*os.File{g.said, reader.said} {
		if text := complaints(readFile(t, said.Name())); strings.TrimSpace(text) != "" {
			t.Errorf("past the log: %s", text)
		}
	}
}
