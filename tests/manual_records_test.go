package tests

import (
	"bytes"
	"log"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const pythonTraceback = `Traceback (most recent call last):
  File "/srv/shop/views.py", line 7, in pay
    charge(order)
  File "/srv/shop/payment.py", line 42, in charge
    raise Declined(order)
shop.payment.Declined: order 7

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/views.py", line 9, in pay
    raise Failed from e
shop.views.Failed
`

const javaTrace = `java.lang.IllegalStateException: order 7
	at com.shop.Payment.charge(Payment.java:42) ~[classes/:na]
	at java.base/java.lang.Thread.run(Thread.java:840) ~[na:na]
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.connect0(Native Method) ~[na:na]
	... 12 common frames omitted
`

const goTrace = `goroutine 7 [running]:
main.charge(...)
	/srv/shop/payment.go:42 +0x1d
`

// manualSamples are records as each of the manual's programs logs them by default.
var manualSamples = map[string][]string{
	"Python, date in front": {
		"2026-11-27 05:00:00,123 INFO shop.views: paid\n",
		"2026-11-27 05:00:00,124 - shop.views - ERROR - order 7\n" + pythonTraceback,
		"2026-11-27T05:00:00.125+0000 WARNING slow\n",
	},
	"Python, level in front": {
		"INFO:shop.views:paid\n", "ERROR:shop.views:order 7\n" + pythonTraceback,
		"ERROR 2026-11-27 05:00:00,124 views 4711 139872 order 7\n" + pythonTraceback, // Django's "verbose"
		"CRITICAL order 7\n", // Django's "simple"
	},
	"gunicorn": {
		"[2026-11-27 05:00:00 +0000] [4711] [INFO] Starting gunicorn 20.1.0\n",
		"[2026-11-27 05:00:01 +0000] [4712] [ERROR] Error handling request /pay\n" + pythonTraceback,
		"[2026-11-27 05:00:02 +0000] [4711] [WARNING] Worker with pid 4712 was terminated due to signal 9\n",
	},
	"its access log": {
		"127.0.0.1 - - [27/Nov/2026:05:00:00 +0000] \"GET /health HTTP/1.1\" 200 2 \"-\" \"curl/7.88.1\"\n",
		"::1 - ann [27/Nov/2026:05:00:00 +0000] \"GET / HTTP/1.1\" 200 2 \"-\" \"-\"\n",
		"- - - [27/Nov/2026:05:00:00 +0000] \"POST /pay HTTP/1.0\" 500 145 \"-\" \"-\"\n",
	},
	"uWSGI": {
		"*** Starting uWSGI 2.0.21-debian (64bit) on [Fri Nov 27 05:00:00 2026] ***\ncompiled with version: 12.2.0 on 26 January 2023\n",
		"[uWSGI] getting INI configuration from shop.ini\n",
		"*** Operational MODE: preforking ***\nspawned uWSGI master process (pid: 4711)\n",
		"[pid: 4712|app: 0|req: 1/1] 127.0.0.1 () {30 vars in 330 bytes} [Fri Nov 27 05:00:01 2026] GET /pay => generated 145 bytes in 8 msecs (HTTP/1.1 500) 3 headers in 99 bytes (1 switches on core 0)\n",
		"[pid: 4713|app: 0|req: 1/2] 127.0.0.1 () {30 vars in 330 bytes} [Fri Nov 27 05:00:01 2026] GET / => generated 2 bytes in 1 msecs (HTTP/1.1 200) 3 headers in 99 bytes (1 switches on core 0)\n",
	},
	"log4j and logback": {
		"05:00:00.123 [main] INFO com.shop.Payment -- paid\n",
		"05:00:00.124 [main] ERROR com.shop.Payment -- order 7\n" + javaTrace,
		"2026-11-27T05:00:00.124+00:00 ERROR 4711 --- [           main] com.shop.Payment : order 7\n" + javaTrace, // Spring Boot
		"2026-11-27 05:00:00,124 WARN  [main] com.shop.Payment: slow\n",
	},
	"Go with slog": {
		logged(func(b *bytes.Buffer) { slog.New(slog.NewTextHandler(b, nil)).Info("paid", "order", 7) }),
		logged(func(b *bytes.Buffer) { slog.New(slog.NewTextHandler(b, nil)).Error("order\n7") }) + goTrace,
		logged(func(b *bytes.Buffer) { slog.New(slog.NewTextHandler(b, nil)).Warn("slow") }),
	},
	"Go with log": {
		logged(func(b *bytes.Buffer) { log.New(b, "", log.LstdFlags).Print("paid") }),
		logged(func(b *bytes.Buffer) { log.New(b, "", log.LstdFlags|log.Lshortfile).Print("order 7\n" + goTrace) }),
		logged(func(b *bytes.Buffer) { log.New(b, "", log.LstdFlags|log.Lmicroseconds).Print("slow") }),
	},
	"errors of nginx": {
		"2026/11/27 05:00:00 [notice] 4711#4711: using the \"epoll\" event method\n",
		"2026/11/27 05:00:01 [error] 4712#4712: *1 open() \"/srv/favicon.ico\" failed (2: No such file or directory), client: 127.0.0.1\n",
	},
	"JSON": {
		logged(func(b *bytes.Buffer) { slog.New(slog.NewJSONHandler(b, nil)).Error("order\n7", "trace", goTrace) }),
		"{\"level\": \"error\",\n  \"order\": 7}\n",
		"{\"level\":\"info\"}\nprinted\n",
	},
}

// logged returns what a function logs.
func logged(f func(b *bytes.Buffer)) string {
	var b bytes.Buffer
	f(&b)
	return b.String()
}

// With what the manual says, each program's records are told apart: where a file may have
// one byte, each record has one to itself.
func TestManualRecords(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(readFile(t, manual), "\nBeginnings of records:\n")
	table, _, _ = strings.Cut(table, "\n.El\n")
	rows := regexp.MustCompile(`(?m)^\.It (.*) Ta Ql (.*)$`).FindAllStringSubmatch(table, -1)
	if len(rows) != len(manualSamples) {
		t.Errorf("%d rows in the manual, and samples of %d", len(rows), len(manualSamples))
	}
	for _, row := range rows {
		t.Run(row[1], func(t *testing.T) {
			t.Parallel()
			want := manualSamples[row[1]]
			d := newFolder(t)
			p := d.start("--record-start="+strings.NewReplacer(`\e`, `\`, `\ `, " ").Replace(row[2]), "--size=1", "--every=never", "x.log")
			p.send(strings.TrimSuffix(strings.Join(want, ""), "\n"))
			p.end()
			var got []string
			for _, name := range d.inOrder() {
				got = append(got, d.read(name))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", row[2], got, want)
			}
		})
	}
}
