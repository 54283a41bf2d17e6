package tests

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A stream that is made to be hard, how it is selected from, and what is to be selected.
var hostileRecords = []struct {
	about    string
	flags    []string
	make     func() []byte
	selected func(all []byte) []byte
}{
	{
		"lines of 100 MB", []string{"--record-start=^begin", "--also=^begin 1 => also.log"},
		func() []byte {
			long := strings.Repeat("ERROR begin 1 ", 100<<20/14)
			return []byte("begin 1 " + long + "\nbegin 2 " + long + "\nbegin 1\n" + long + "\n")
		},
		func(all []byte) []byte {
			second := bytes.Index(all, []byte("\nbegin 2")) + 1
			third := bytes.LastIndex(all, []byte("\nbegin 1\n")) + 1
			return slices.Concat(all[:second], all[third:])
		},
	},
	{
		"millions of records of one byte", []string{"--also=^x => also.log", "--divert=^y => --every=never diverted.log"},
		func() []byte { return bytes.Repeat([]byte("x\n\n"), 2<<20) },
		func([]byte) []byte { return bytes.Repeat([]byte("x\n"), 2<<20) },
	},
	{
		"NUL and no UTF-8", []string{`--record-start=^\x00`, `--also=^\x00\x{fffd} => also.log`},
		func() []byte {
			return bytes.Repeat([]byte("\x00\xff ERROR\n\xfe\x00 \xc3\x28\n\x00 other\n\n"), 100_000)
		},
		func([]byte) []byte { return bytes.Repeat([]byte("\x00\xff ERROR\n\xfe\x00 \xc3\x28\n"), 100_000) },
	},
	{
		// What takes other engines time that is exponential in the line, and a word that
		// nearly every line has, but not as a word.
		"slow to match", []string{`--also=(x+x+)+y => also.log`, `--drop=\b(ERROR|CRITICAL)\b.*(a|aa)+$`, `--divert=(.*)*(.*)*ERROR!$ => diverted.log`},
		func() []byte {
			line := strings.Repeat("x", 2000) + "\n" + strings.Repeat("xERROR", 300) + "\n" + strings.Repeat("ERROR a", 20) + "b\n"
			return bytes.Repeat([]byte(line), 1000)
		},
		func([]byte) []byte { return nil },
	},
	{
		"never a beginning", []string{`--record-start=^never`, `--also=never => also.log`},
		func() []byte {
			random := rand.NewChaCha8([32]byte{13})
			text := make([]byte, 30<<20)
			_, _ = random.Read(text)
			return append(text, '\n')
		},
		nil,
	},
}

// Whatever comes, every byte of it goes where it belongs, and memory stays bounded.
func TestRecordsHostile(t *testing.T) {
	for _, hostile := range hostileRecords {
		t.Run(hostile.about, func(t *testing.T) {
			d := roomyFolder(t, 1<<30)
			all := hostile.make()
			p := d.startPlain(append(append([]string{"--every=never"}, hostile.flags...), "all.log")...)
			if _, err := io.Copy(p.input, bytes.NewReader(all)); err != nil {
				t.Fatal(err)
			}
			kB := memory(p.pid(), "VmHWM")
			p.endSilent()
			// The buffers of the outputs are full where the machine is busy.
			if most := inputMemory + 3*(16<<10); kB > most {
				t.Errorf("took %d kB, more than %d", kB, most)
			}
			d.expectText("all.log", bytes.NewReader(all))
			if hostile.selected != nil {
				want := hostile.selected(all)
				if len(want) == 0 && !d.exists("also.log") {
					return
				}
				d.expectText("also.log", bytes.NewReader(want))
			}
		})
	}
}
