//go:build linux

package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// serverRecipe returns the command of a section of recipes.md, with each old text replaced by the
// new one that follows it.
func serverRecipe(t *testing.T, section string, oldNew ...string) string {
	t.Helper()
	text := readFile(t, "../packaging/examples/recipes.md")
	found := regexp.MustCompile("(?s)\n## " + section + "\n\n```sh\n(.*?)\n```").FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("recipes.md has no %s", section)
	}
	return replaceAll(t, section, found[1], oldNew...)
}

// serve starts what a recipe says, without a shell of its own, so that signals are for logreel.
func (d *folder) serve(command string) *process {
	d.t.Helper()
	cmd := exec.Command("sh", "-c", "exec "+command)
	cmd.Env = append(testEnv(d.dir), markEnv+"="+d.dir)
	d.t.Cleanup(func() { killMarked(d.t, d.dir) })
	return d.launch(cmd)
}

// stop ends the server by a signal, whose last words are to be in the log.
func (p *process) stop(signal syscall.Signal, last string) {
	p.t.Helper()
	p.signal(signal)
	p.waitAny()
	if text := p.content("*.log"); !strings.Contains(text, last) {
		p.t.Errorf("the log ends %q, want %q", text[max(0, len(text)-300):], last)
	}
}

// logs waits until the log has a text.
func (d *folder) logs(text string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%q in the log", text), func() bool { return strings.Contains(d.content("*.log"), text) })
}

// get asks a server for a page.
func get(t *testing.T, address, page string) {
	t.Helper()
	eventually(t, "an answer", func() bool {
		response, err := http.Get("http://" + address + page)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, response.Body)
		return response.Body.Close() == nil
	})
}

func TestRecipeUvicorn(t *testing.T) {
	t.Parallel()
	needs(t, map[string]string{python: "python3-uvicorn"})
	if _, err := try(python, "-c", "import uvicorn"); err != nil {
		t.Skip("python3-uvicorn is missing")
	}
	d := newFolder(t)
	d.put("shop.py", `
async def app(scope, receive, send):
    if scope["type"] == "http":
        if scope["path"] == "/fail":
            raise ValueError("nothing to pay")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
`)
	address := holdPort(t)
	_, port, _ := strings.Cut(address, ":")
	p := d.serve(serverRecipe(t, "uvicorn", "/var/log/shop/", d.dir+"/", "uvicorn shop:app", python+" -m uvicorn --use-colors --port="+port+" shop:app"))
	get(t, address, "/page")
	d.logs(`"GET /page HTTP/1.1" 200`)
	get(t, address, "/fail")
	d.logs("\nValueError: nothing to pay\n")
	p.stop(syscall.SIGTERM, "Finished server process")
	if strings.Contains(d.content("*.log"), "\x1b") {
		t.Error("there are colours in the log")
	}
}

func TestRecipeCelery(t *testing.T) {
	t.Parallel()
	if _, err := try(python, "-c", "import celery"); err != nil {
		t.Skip("python3-celery is missing")
	}
	d := newFolder(t)
	d.makeDir("queue")
	d.put("shop.py", `
import celery
app = celery.Celery("shop", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}
@app.task
def fail():
    raise ValueError("nothing to pay")
`)
	p := d.serve(serverRecipe(t, "Celery", "/var/log/shop/", d.dir+"/", "-- celery ", "-- "+python+" -m celery "))
	d.logs(" ready.")
	ask := exec.Command(python, "-c", "import shop; shop.fail.delay()")
	ask.Dir, ask.Env = d.dir, testEnv(d.dir)
	must(t, ask.Run())
	d.logs("\nValueError: nothing to pay\n")
	p.stop(syscall.SIGTERM, "Warm shutdown (MainProcess)")
}

func TestRecipePostgreSQL(t *testing.T) {
	t.Parallel()
	const programs = "/usr/lib/postgresql/15/bin/"
	if _, err := os.Stat(programs + "initdb"); err != nil {
		t.Skip("postgresql-15 is missing")
	}
	if os.Geteuid() == 0 {
		t.Skip("PostgreSQL does not run as root; the part without root runs this")
	}
	d := newFolder(t)
	run(t, programs+"initdb", "--auth=trust", "--no-sync", d.at("data"))
	p := d.serve(serverRecipe(t, "PostgreSQL", "/var/log/postgresql/", d.dir+"/", "/var/lib/postgresql/15/main", d.at("data")+" -k "+d.dir+" -c listen_addresses="))
	d.logs("ready to accept connections")
	_, _ = try(programs+"psql", "--host="+d.dir, "--command=select 1/0", "postgres")
	d.logs("ERROR:  division by zero")
	p.stop(syscall.SIGINT, "database system is shut down")
}

func TestRecipeHAProxy(t *testing.T) {
	t.Parallel()
	haproxy := "/usr/sbin/haproxy"
	needs(t, map[string]string{haproxy: "haproxy"})
	d := newFolder(t)
	address := holdPort(t)
	d.put("haproxy.cfg", `
global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 60s
  timeout server 60s
  timeout connect 60s
frontend shop
  bind `+address+`
  http-request return status 200
`)
	p := d.serve(serverRecipe(t, "HAProxy", "/var/log/haproxy/", d.dir+"/", "-- haproxy", "-- "+haproxy, "/etc/haproxy/haproxy.cfg", d.at("haproxy.cfg")))
	get(t, address, "/page")
	d.logs(`"GET /page HTTP/1.1"`)
	p.signal(syscall.SIGTERM)
	p.waitAny()
}

func TestRecipeTomcat(t *testing.T) {
	t.Parallel()
	const home = "/usr/share/tomcat10"
	need(t, "java")
	if _, err := os.Stat(filepath.Join(home, "bin/catalina.sh")); err != nil {
		t.Skip("tomcat10 is missing")
	}
	d := newFolder(t)
	for _, name := range []string{"conf", "logs", "temp", "webapps", "work"} {
		d.makeDir(name)
	}
	address := holdPort(t)
	_, port, _ := strings.Cut(address, ":")
	d.put("conf/server.xml", `<Server port="-1"><Service name="Catalina"><Connector port="`+port+`" address="127.0.0.1"/>
		<Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine></Service></Server>`)
	d.put("conf/web.xml", `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0"/>`)
	command := serverRecipe(t, "Tomcat", "/var/log/tomcat/", d.dir+"/", "catalina.sh start", "CATALINA_PID=pid CATALINA_HOME="+home+" CATALINA_BASE=. "+home+"/bin/catalina.sh start")
	start := exec.Command("sh", "-c", command)
	start.Dir, start.Env = d.dir, append(testEnv(d.dir), markEnv+"="+d.dir)
	t.Cleanup(func() { killMarked(t, d.dir) })
	start.Stdout = d.create("said") // which stays open
	start.Stderr = start.Stdout
	if err := start.Run(); err != nil {
		t.Fatalf("%v: %s", err, d.read("said"))
	}
	get(t, address, "/")
	d.logs("Server startup in")
	sendSignal(t, d.awaitNumber("pid"), syscall.SIGTERM)
	d.logs("Destroying ProtocolHandler")
	awaitNoneMarked(t, d.dir)
}
