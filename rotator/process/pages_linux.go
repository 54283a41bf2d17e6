package process

import (
	"bufio"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/logreel/logreel/rotator/files"
)

// DropStartPages drops the pages of the program's file that are in memory, which are
// two thirds of what the process has. Most were for the start alone, such as parsing the
// flags; the others come back from the page cache as they are needed.
//
// It does nothing unless the program is linked to run at one address: in any other, the
// loader has written to pages, and what it wrote would be lost.
func DropStartPages() {
	build, ok := debug.ReadBuildInfo()
	if !ok || !slices.Contains(build.Settings, debug.BuildSetting{Key: "-buildmode", Value: "exe"}) {
		return
	}
	maps, err := files.Disk{}.Read("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	here := uint64(reflect.ValueOf(DropStartPages).Pointer())
	afterCode := false
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		// proc_pid_maps(5): the first and the last address, and the rights.
		addresses, rest, _ := strings.Cut(lines.Text(), " ")
		first, last, _ := strings.Cut(addresses, "-")
		from, errFrom := strconv.ParseUint(first, 16, 64)
		to, errTo := strconv.ParseUint(last, 16, 64)
		if errFrom != nil || errTo != nil {
			return
		}
		code := from <= here && here < to
		if code || afterCode && strings.HasPrefix(rest, "r--p") { // the constants follow the code
			// It fails where pages are locked in memory, which is wanted then.
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), unix.MADV_DONTNEED)
		}
		afterCode = code
	}
}
