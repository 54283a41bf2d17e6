package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A stamp is not before the line was written, nor before the one of the line ahead, and not
// after the end, across several seconds.
func TestStampInstants(t *testing.T) {
	t.Parallel()
	p := start(t, "--stamp=%s.%f ", "--every=1s", "%s.log")
	var sent []time.Time
	for len(sent) < 40 || time.Since(sent[0]) < 2100*time.Millisecond {
		sent = append(sent, time.Now())
		p.write(fmt.Sprint("line ", len(sent)))
		time.Sleep(time.Duration(len(sent)%5) * 20 * time.Millisecond)
	}
	p.end()
	ended := time.Now()
	last := time.Time{}
	n := 0
	for line := range strings.Lines(p.content("*.log")) {
		stamp, text, _ := strings.Cut(line, " ")
		seconds, micros, _ := strings.Cut(stamp, ".")
		s, err := strconv.ParseInt(seconds, 10, 64)
		us, err2 := strconv.ParseInt(micros, 10, 64)
		must(t, err, err2)
		at := time.UnixMicro(s*1e6 + us)
		if want := fmt.Sprintf("line %d\n", n+1); text != want {
			t.Fatalf("got %q, want %q", text, want)
		}
		if at.Before(sent[n].Truncate(time.Microsecond)) || at.Before(last) || at.After(ended) {
			t.Errorf("line %d, written at %v, has %v behind %v", n+1, sent[n], at, last)
		}
		last = at
		n++
	}
	if n != len(sent) {
		t.Errorf("%d lines, want %d", n, len(sent))
	}
}

// Java and Node print without times. With a stamp each record has one, and the lines of a
// trace none.
func TestStampOfPrograms(t *testing.T) {
	t.Parallel()
	const shopJS = `console.log("order 1 paid"); console.error(new Error("order 7\n    declined").stack); console.log("order 2 paid")`
	const shopJava = `class Shop { public static void main(String[] a) {
		System.out.println("order 1 paid");
		new IllegalStateException("order 7", new RuntimeException("declined")).printStackTrace();
		System.out.println("order 2 paid"); } }`
	for name, command := range map[string][]string{"node": {"node", "-e", shopJS}, "java": {"java", "-XX:TieredStopAtLevel=1", "Shop.java"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need(t, name)
			d := newFolder(t)
			d.put("Shop.java", shopJava)
			d.startPlain(append([]string{"--stamp", `--record-start=\border \d`, "--every=never", "x.log", "--"}, command...)...).wait(0)
			stamped, plain := 0, 0
			stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4} `)
			for line := range strings.Lines(d.read("x.log")) {
				text := stamp.ReplaceAllString(line, "")
				begins := strings.Contains(text, "order")
				if begins == (text == line) {
					t.Errorf("%q", line)
				}
				if begins {
					stamped++
				} else {
					plain++
				}
			}
			if stamped != 3 || plain < 3 {
				t.Errorf("%d records and %d further lines:\n%s", stamped, plain, d.read("x.log"))
			}
		})
	}
}

// terminalControls are what a terminal does not show, as ECMA-48 and xterm have it.
var terminalControls = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-OQ-WYZ\\` + "`" + `a-~])`)

// What programs draw on a terminal reaches the files as text, and a copy as they drew it.
func TestStripRecordings(t *testing.T) {
	t.Parallel()
	need(t, "script")
	for name, command := range map[string]string{
		"ls":       "ls --color=always -l /usr/bin | head -n 40",
		"grep":     "grep --color=always -n root /etc/passwd /etc/group",
		"progress": `for i in 1 2 3 4 5; do printf '\r\033[2K\033[1;32m%d%%\033[0m [\033[38;5;197m%.*s\033[39m]' $((i*20)) $i =====; done; printf '\033[?25h\n\033]0;done\033\\\033(Bok\n'`,
		"uvicorn":  `printf '\033[32mINFO\033[0m:     127.0.0.1:1 - "\033[1mGET / HTTP/1.1\033[0m" \033[32m200 OK\033[0m\n\033[31mERROR\033[0m:    no\n'`,
		"node":     `node -e 'console.log(require("util").inspect({a:1,b:["x",null,true],c:/x/}, {colors:true, breakLength:20}))'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need(t, strings.Fields(command)[0])
			d := newFolder(t)
			recorded := d.create("recorded")
			c := exec.Command("script", "--quiet", "--return", "--command", command, os.DevNull)
			c.Stdin, c.Stdout = strings.NewReader(""), recorded
			must(t, c.Run(), recorded.Close())
			text := d.read("recorded")
			if !strings.Contains(text, "\x1b") {
				t.Fatalf("no colours: %q", text)
			}
			run(t, "sh", "-c", "logreel --strip-ansi --tee --every=never "+d.at("x.log")+" < "+d.at("recorded")+" > "+d.at("copied"))
			if got, want := d.read("x.log"), terminalControls.ReplaceAllString(text, ""); got != want || strings.Contains(got, "\x1b") {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := d.read("copied"); got != text {
				t.Errorf("copied %q, want %q", got, text)
			}
		})
	}
}

// hostileLines are lines that have a secret each, in places where it is hard to see.
func hostileLines(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		switch r.IntN(7) {
		case 0:
			fmt.Fprintf(&b, "%s password=s3cr3t%d %s\n", strings.Repeat("x", r.IntN(9000)), i, strings.Repeat("y", r.IntN(3000)))
		case 1:
			fmt.Fprintf(&b, "%spass\x1b[0mword\x1b[1m=s3c\x1b[31mr3t\x1b]0;password=s3cr3t\a\n", strings.Repeat("\x1b[2m", r.IntN(1500)))
		case 2:
			fmt.Fprintf(&b, "password=%s tail\n", strings.Repeat("s3cr3t", r.IntN(2000)))
		case 3:
			fmt.Fprintf(&b, "\x00%s\xff\xc3password=s3cr3t\x00\n\n", strings.Repeat("\x00", r.IntN(5)))
		default:
			fmt.Fprintf(&b, "2026-11-27 %s %d password=s3cr3t\nTraceback of %[2]d, password=s3cr3t\n", []string{"INFO", "ERROR", "DEBUG"}[r.IntN(3)], i)
		}
	}
	return b.String()
}

// All flags that look at lines at once, a disk that is full for a while and little memory:
// no output has a secret or a control sequence, and every line that begins a record has its
// stamp.
func TestWrittenUnderFaults(t *testing.T) {
	t.Parallel()
	d := newSmallDisk(t, "256k")
	r := rand.New(rand.NewPCG(14, 1))
	out, failed := hostileLines(r, 400), hostileLines(r, 200)
	d.put("out", out)
	d.put("err", failed)
	copied := d.create("copied")
	cmd := exec.Command("logreel", `--redact=password=([^\s\x00]+)`, "--strip-ansi", "--stamp=%T.%f %{pid} %{stream}|", `--record-start=^2026-\d\d`,
		"--max-line=1K", "--buffer=64K", "--on-full=drop", "--size=20K", "--every=never", "--verbose", "--tee",
		"--also=ERROR => logs/error.log", "--divert=DEBUG => elsewhere/debug.log", "--also=-", "--drop=INFO 7",
		"--stderr=--size=0 logs/stderr.log", "logs/out.log", "--",
		"sh", "-c", "cat out; cat err >&2; read go; cat out; cat err >&2")
	cmd.Stdout = copied
	p := d.launch(cmd)
	p.await(p.said, "no space left on device")
	d.resize("logs", "64m")
	p.await(p.said, ": over after")
	p.send("go")
	if said := p.end(); strings.Contains(said, "logreel: error") {
		t.Errorf("it said %s", said)
	}
	stamp := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{6} \d+ (out|err)\|`)
	for _, pattern := range []string{"logs/out.log*", "logs/stderr.log", "logs/error.log*", "elsewhere/debug.log*"} {
		text := d.content(pattern)
		if text == "" {
			t.Errorf("%s is empty", pattern)
		}
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, "\x1b") {
			t.Errorf("%s has a secret or a colour", pattern)
		}
		for line := range strings.Lines(text) {
			behind := stamp.ReplaceAllString(line, "")
			if begins := strings.HasPrefix(behind, "2026-"); begins && behind == line || strings.HasPrefix(behind, "Traceback") && behind != line {
				t.Fatalf("%s: %.100q", pattern, line)
			}
		}
	}
	if got := d.read("copied"); strings.Contains(got, "s3cr3t") || !strings.Contains(got, "\x1b[2m") || stamp.MatchString(got) {
		t.Error("copies on standard output have a secret, no colours, or stamps")
	}
}

// What becomes many times as much finds room in an output of its own that has no buffer.
func TestWrittenMore(t *testing.T) {
	t.Parallel()
	b := strings.Repeat("b", 1_000_000)
	for _, test := range []struct {
		flags, input string
		want         int
	}{
		{"'--stamp=%T '", strings.Repeat("\n", 300_000), 10 * 300_000},
		{"--redact=b", strings.Repeat(b+"\n", 3), 3 * (3*len(b) + 1)},
		{"'--redact=ab*c' --redact=b", b[:500_000] + "a" + b + "d" + b[:500_000] + "\n", 3*2*len(b) + 3}, // which is held back
	} {
		d := newFolder(t)
		d.put("input", test.input)
		run(t, "sh", "-c", "cd "+d.dir+"; logreel "+test.flags+" --buffer=0 '--also=--every=never also.log' --every=never x.log < input")
		for _, name := range []string{"x.log", "also.log"} {
			if got := d.read(name); len(got) != test.want {
				t.Errorf("%s: %d bytes in %s, want %d", test.flags, len(got), name, test.want)
			}
		}
	}
}

// The expressions of the manual replace what they are for, and nothing else.
func TestManualRedactions(t *testing.T) {
	t.Parallel()
	samples := map[string][2]string{
		"bearer tokens":              {"Authorization: Bearer eyJh.b-c_d=, bearer abc", "Authorization: Bearer ***, bearer ***"},
		"passwords in URLs":          {"postgres://app:p@ss@db/x http://h:80/ http://h/a:b@c", "postgres://app:***@db/x http://h:80/ http://h/a:b@c"},
		"passwords in query strings": {`"GET /?a=1&token=x.y&b=2 HTTP/1.1" /?password=z`, `"GET /?a=1&token=***&b=2 HTTP/1.1" /?password=***`},
		"passwords in JSON":          {`{"user": "ann", "password": "a\"b", "x": 1}`, `{"user": "ann", "password": "***", "x": 1}`},
		"card numbers":               {"4111 1111 1111 1111, 5500-0000-0000-0004 and 378282246310005; order 1234567 2026", "***, *** and ***; order 1234567 2026"},
	}
	_, table, _ := strings.Cut(readFile(t, manual), "\nSuch expressions are\n")
	table, _, _ = strings.Cut(table, "\n.El\n")
	rows := regexp.MustCompile(`(?m)^\.It (.*)\n\.Ql (.*)$`).FindAllStringSubmatch(table, -1)
	if len(rows) != len(samples) {
		t.Errorf("%d rows in the manual, and samples of %d", len(rows), len(samples))
	}
	for _, row := range rows {
		expression := strings.NewReplacer(`\e`, `\`, `\ `, " ", `\(dq`, `"`).Replace(row[2])
		p := startPlain(t, "--redact="+expression, "--every=never", "x.log")
		p.send(samples[row[1]][0])
		p.end()
		if got := p.read("x.log"); got != samples[row[1]][1]+"\n" {
			t.Errorf("%s with %s: got %q, want %q", row[1], expression, got, samples[row[1]][1])
		}
	}
}
