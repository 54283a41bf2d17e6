//go:build linux

package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Compressing has the lowest priority of all, needs little memory, and none of ours. It is
// serial, since it takes a processor for a while.
func TestArchiveModest(t *testing.T) {
	const megabytes = 200
	for _, format := range []string{"gzip", "zstd"} {
		t.Run(format, func(t *testing.T) {
			size := megabytes
			if format == "gzip" { // which takes its time
				size = megabytes / 4
			}
			d := roomyFolder(t, uint64(size)<<20)
			d.putBusyLog("20200101-000000.log", size)
			p := d.start("--compress="+format, everySecond)
			child := 0
			eventually(t, "a process that compresses", func() bool { child = archiverOf(t, p.pid()); return child != 0 })
			before := memory(p.pid(), "VmRSS")
			eventually(t, "something compressed", func() bool {
				info, err := os.Stat(d.at(".20200101-000000.log" + map[string]string{"gzip": ".gz", "zstd": ".zst"}[format] + ".tmp"))
				return err == nil && info.Size() > 0
			})
			checkLowest(t, child)
			ended := make(chan int)
			go func() {
				peak := 0
				for at := memory(child, "VmHWM"); at > 0; at = memory(child, "VmHWM") {
					peak = at
					time.Sleep(5 * time.Millisecond)
				}
				ended <- peak
			}()
			p.write("a line meanwhile")
			p.says("compressed 20200101-000000.log")
			most := <-ended
			after := memory(p.pid(), "VmRSS")
			t.Logf("%d MB: at most %d kB for compressing; logreel had %d kB before and %d kB after", size, most, before, after)
			if most == 0 || most > 64<<10 {
				t.Errorf("compressing took %d kB, want less than 64 MB", most)
			}
			if after > before+4<<10 {
				t.Errorf("logreel has grown from %d to %d kB", before, after)
			}
			p.end()
		})
	}
}

// putBusyLog makes a file of megabytes of lines as a server has them.
func (d *folder) putBusyLog(name string, megabytes int) {
	d.t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	var part strings.Builder
	for n := 0; part.Len() < 8<<20; n++ {
		fmt.Fprintf(&part, "2020-01-01 00:%02d:%02d,%03d INFO shop.orders [%08x] 10.0.%d.%d GET /orders/%d 200 %dms\n",
			n/60%60, n%60, n%1000, random.Uint32(), random.IntN(256), random.IntN(256), random.IntN(1_000_000), random.IntN(500))
	}
	d.put(name, strings.Repeat(part.String(), megabytes/8))
}

// checkLowest fails the test unless all threads of a process have the lowest priority. It
// gives them the usual one, if it may: beside busy processes the lowest takes minutes.
func checkLowest(t *testing.T, pid int) {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("%v: no threads", err)
	}
	for _, thread := range threads {
		stat := readFile(t, fmt.Sprintf("/proc/%d/task/%s/stat", pid, thread.Name()))
		_, rest, _ := strings.Cut(stat, ") ")
		if nice := strings.Fields(rest)[16]; nice != "19" { // proc_pid_stat(5), the 19th of all
			t.Errorf("thread %s has nice %s", thread.Name(), nice)
		}
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, 0) // root may
		}
		if _, err := exec.LookPath("ionice"); err != nil {
			t.Log("ionice is missing; the priority of the disk is not looked at")
			continue
		}
		if got := strings.TrimSpace(run(t, "ionice", "-p", thread.Name())); got != "idle" {
			t.Errorf("thread %s has the priority %q of the disk", thread.Name(), got)
		}
	}
}
