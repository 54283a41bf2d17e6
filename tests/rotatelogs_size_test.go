//go:build linux

package tests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rotatelogsSizes are command lines for lines of ten bytes. A file of rotatelogs is full when it
// is larger than its size, one of logreel before it would be: so the former has ten bytes less.
var rotatelogsSizes = [][]string{
	{"f", "20B"},
	{"-l", "f.%Y-%m-%d-%H%M%S", "30B"},
	{"f", "3", "20B"},
	{"f", "20B", "3", "60"},
	{"-v", "-L", "link", "f-%Y%m%d%H%M%S.log", "5", "30B"},
	{"f-%Y%m%d%H%M%S", "20MB", "-90"},
	{"f-%Y%m%d%H%M", "20B"},
	{"d/f", "86400", "20B", "+60"},
	{"-n", "2", "f", "2"},
	{"-n", "3", "f", "30B"},
	{"-l", "-n", "2", "f", "86400", "20B"},
	{"-n", "1", "f", "2"},
	{"-t", "f", "3"},
	{"-T", "f%Y%m%d%H%M%S", "2"},
}

// randomSizes returns command lines with a size, a time or both.
func randomSizes(count int) (commands [][]string) {
	random := rand.New(rand.NewPCG(2, 5))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range count {
		args := strings.Fields(pick("", "", "-l", "-L link", "-e -l", "-v -D"))
		local := slices.Contains(args, "-l")
		if random.IntN(3) == 0 {
			args = append(append(args, strings.Fields(pick("-n 1", "-n 2", "-n 3", "-t"))...), pick("f", "d/f"))
		} else {
			args = append(args, pick("f", "d/f", "f-%Y%m%d%H%M%S", "f-%Y-%m-%d-%H%M", "d/f%Y%j%H%M%S.log", "f-%d%b%Y_%T"))
		}
		when := [][]string{{"20B"}, {"30B"}, {"40MB"}, {"2"}, {"3"}, {"5s"}, {"3", "20B"}, {"20B", "4", "0"}, {"86400", "30B"}, {"7", "40B"}}
		args = append(args, when[random.IntN(len(when))]...)
		if last := args[len(args)-1]; !local && last != "0" {
			args = append(args, strings.Fields(pick("", "", "60", "+540", "-300", "-210"))...)
		}
		if local && args[len(args)-1] == "0" {
			continue
		}
		commands = append(commands, args)
	}
	return commands
}

// sizesOf returns the command line for the original, or for logreel.
func sizesOf(args []string, original bool) (all []string) {
	for _, arg := range args {
		var size int
		if n, _ := fmt.Sscanf(arg, "%d", &size); n == 1 && original && strings.HasSuffix(arg, "B") {
			arg = strings.Replace(arg, strconv.Itoa(size), strconv.Itoa(size-10), 1)
		}
		all = append(all, arg)
	}
	return all
}

// Where files follow by size, with or without a time, they have the names of rotatelogs and
// the same lines.
func TestRotatelogsSizes(t *testing.T) {
	t.Parallel()
	need(t, "rotatelogs")
	commands := rotatelogsSizes
	if os.Getenv("LOGREEL_ORACLE") != "" {
		commands = randomSizes(oracleTries(t))
	}
	for _, args := range commands {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			for range 5 {
				w, late := startPair(t, "rotatelogs", "022", func(original bool) []string { return sizesOf(args, original) }), false
				for range 6 {
					late = !w.send() || late
				}
				for _, p := range w.running {
					p.end()
				}
				original, ours := w.texts(w.folders[0]), w.texts(w.folders[1])
				if late {
					continue // then names tell other seconds
				}
				if !maps.Equal(original, ours) {
					t.Errorf("rotatelogs has %q, logreel %q", original, ours)
				}
				return
			}
			t.Log("the machine was too slow, five times")
		})
	}
}
