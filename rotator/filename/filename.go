// Package filename makes and reads the names of the files of one period: "app.log",
// "app.log.1", "app.log.2" and so on, "app.log.1.gz" when one of them has been compressed,
// and hidden ones that belong to another, such as ".app.log.pending". No other package
// does, so that all parts of the program agree on what a name belongs to.
//
//	name, ending := filename.CutEnding("app.log.1.gz") // "app.log.1", ".gz"
//	base, number := filename.CutNumber(name)           // "app.log", 1
//	filename.Numbered(base, number+1)                  // "app.log.2"
//	filename.Hidden("logs/app.log", filename.Pending)  // "logs/.app.log.pending"
//
// # Guarantees
//
//   - A number is one that [Numbered] writes: from 1 to [LastNumber], without leading
//     zeros. Anything else belongs to the base: "app.log.07" is not a file of "app.log".
//   - One ending is cut, and no more: nobody compresses a compressed file.
package filename

import (
	"strconv"
	"strings"
)

// The endings of compressed files.
const (
	Gzip = ".gz"
	Zstd = ".zst"
)

// The endings of hidden files.
const (
	Pending   = ".pending" // the file is to be handed on
	Handed    = ".handed"  // the same, but that it has just been handed on
	Temporary = ".tmp"     // a compressed file that is being written
	Done      = ".done"    // the original of a compressed file that is complete
)

// LastNumber is the highest number. It fits into any int, and so does the one after it.
const LastNumber = 999_999_999

// Endings returns the endings of compressed files.
func Endings() []string { return []string{Gzip, Zstd} }

// HiddenEndings returns the endings of hidden files.
func HiddenEndings() []string { return []string{Pending, Handed, Temporary, Done} }

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
	if err != nil || n < 1 || n > LastNumber || strconv.Itoa(n) != digits {
		return name, 0
	}
	return name[:dot], n
}

// Numbered returns a name with a number behind it; for 0, the name itself.
func Numbered(base string, number int) string {
	if number == 0 {
		return base
	}
	return base + "." + strconv.Itoa(number)
}

// Longest is how many bytes a name may have on most file systems (NAME_MAX).
const Longest = 255

// Hidden returns the path of the hidden file that belongs to another: ".NAME" and the
// ending.
func Hidden(path, ending string) string {
	cut := strings.LastIndexByte(path, '/') + 1
	return path[:cut] + "." + path[cut:] + ending
}

// CutHidden returns the name that a hidden name belongs to, and its ending; ok is false
// for a name that is not one of [Hidden].
func CutHidden(name string) (of, ending string, ok bool) {
	of, ok = strings.CutPrefix(name, ".")
	if !ok {
		return name, "", false
	}
	for _, ending := range HiddenEndings() {
		if of, ok := strings.CutSuffix(of, ending); ok {
			return of, ending, true
		}
	}
	return name, "", false
}
