package record

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// sample returns about a number of bytes as an application logs them: of its records 2 %
// are errors, with a traceback if they are to have one, and 30 % are health checks.
func sample(size int, traceback string) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		level, what := "INFO", fmt.Sprintf("GET /cart/%d", i*7919%10_000)
		switch {
		case i%50 == 13:
			level, what = []string{"ERROR", "CRITICAL"}[i/50%2], "payment failed: card declined"
		case i%10 < 3:
			what = "GET /health"
		}
		fmt.Fprintf(&b, "2026-11-27 05:%02d:%02d,%03d %d %s shop.views: %s 200 in %d ms for customer %d\n",
			i/60_000%60, i/1000%60, i%1000, 4000+i%17, level, what, i%97, i*31%100_000)
		if level != "INFO" {
			b.WriteString(traceback)
		}
	}
	return b.Bytes()
}

const traceback = `Traceback (most recent call last):
  File "/srv/shop/views.py", line 118, in pay
    charge(order)
  File "/srv/shop/payment.py", line 42, in charge
    raise Declined("ERROR: card declined")
shop.payment.Declined: ERROR: card declined
`

// A batch is what comes out of a pipe at once.
func BenchmarkRoute(b *testing.B) {
	all := func(texts ...string) (list []*Expression) {
		for _, text := range texts {
			list = append(list, compile(b, text))
		}
		return list
	}
	const start = `^\d{4}-\d\d-\d\d `
	const failed = `\b(ERROR|CRITICAL)\b`
	also := func(text string) []Output { return []Output{{Match: compile(b, text)}} }
	for _, bench := range []struct {
		name      string
		traceback string
		config    Config
	}{
		{"literals", "", Config{Outputs: also(failed)}},
		{"starts", traceback, Config{Start: compile(b, start), Outputs: also(failed)}},
		{"drop", "", Config{Drop: all("GET /health")}},
		{"none", "", Config{Outputs: also(`^\S+ \S+ \d{3}[05] `)}},
		{"four outputs", traceback, Config{Start: compile(b, start), Drop: all("GET /health"), Outputs: []Output{
			{Match: compile(b, failed)}, {Match: compile(b, `GET /cart/77\d\d`), Divert: true}, {},
		}}},
		{"case ignored", "", Config{Outputs: also(`(?i)\bcritical\b`)}},
		{"only starts", traceback, Config{Start: compile(b, start)}},
		{"never starts", traceback, Config{Start: compile(b, `^\d{5}-`)}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			bench.config.MaxLine = 1 << 20
			r := NewRouter(bench.config)
			text := sample(64<<10, bench.traceback)
			batch := make([]byte, len(text))
			memory, pushed := make([]byte, 1<<20), 0
			push := func(_ int, run []byte) { pushed = copy(memory[pushed%len(memory):], run) }
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r.Route(batch[:copy(batch, text)], time.Time{}, nil, push)
			}
		})
	}
}
