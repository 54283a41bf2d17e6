// Package series makes and reads the names of the files of one period: "app.log",
// "app.log.1", "app.log.2" and so on, and "app.log.1.gz" when one of them has been
// compressed. No other package does, so that all parts of the program agree on the series
// that a name belongs to.
//
//	name, ending := series.CutEnding("app.log.1.gz") // "app.log.1", ".gz"
//	base, number := series.CutNumber(name)           // "app.log", 1
//	series.Name(base, number+1)                      // "app.log.2"
//
// # Guarantees
//
//   - A number is one that [Name] writes: from 1 to [Last], without leading zeros. With
//     anything else after the base, a name belongs to another series: "app.log.07" is not
//     of "app.log".
//   - One ending is cut, and no more: nobody compresses a compressed file.
package series

import (
	"strconv"
	"strings"
)

// The endings of compressed files.
const (
	Gzip = ".gz"
	Zstd = ".zst"
)

// Last is the highest number. It fits into any int, and so does the one after it.
const Last = 999_999_999

// Endings returns the endings of compressed files.
func Endings() []string { return []string{Gzip, Zstd} }

// CutEnding returns a name without the ending of a compressed file, and the ending; empty
// if there is none.
func CutEnding(name string) (plain, ending string) {
	for _, ending := range Endings() {
		if plain, ok := strings.CutSuffix(name, ending); ok {
			return plain, ending
		}
	}
	return name, ""
}

// CutNumber returns a name without its number, and the number; 0 if there is none.
func CutNumber(name string) (base string, number int) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name, 0
	}
	digits := name[dot+1:]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > Last || strconv.Itoa(n) != digits {
		return name, 0
	}
	return name[:dot], n
}

// Name returns the name of the file of a series with that number; for 0, the base.
func Name(base string, number int) string {
	if number == 0 {
		return base
	}
	return base + "." + strconv.Itoa(number)
}
