package pattern

import (
	"testing"
	"time"
)

// Names and periods are asked for at every switch, and by the archive for every file.
func BenchmarkPattern(b *testing.B) {
	berlin, err := LoadZone("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	p, err := New(Config{Pattern: "/var/log/shop/%Y-%m-%dT%H.log", Zone: berlin})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, berlin)
	period := p.Period(now)
	name := p.Name(period)
	for what, work := range map[string]func(){
		"period": func() { p.Period(now) },
		"name":   func() { p.Name(period) },
		"parse":  func() { _, _ = p.Parse(name) },
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				work()
			}
		})
	}
}
