//go:build linux

package tests

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bother sends signals until the episode is over, among them one SIGTERM.
func (e *episode) bother(d time.Duration) {
	random := rand.New(rand.NewPCG(e.seed, e.nth<<48))
	all := []syscall.Signal{syscall.SIGHUP, syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT,
		syscall.SIGQUIT, syscall.SIGWINCH}
	term := time.Now().Add(upTo(random, d))
	for ; !e.over.Load(); time.Sleep(upTo(random, 300*time.Millisecond)) {
		s := all[random.IntN(len(all))]
		if !term.IsZero() && time.Now().After(term) {
			s, term = syscall.SIGTERM, time.Time{}
		}
		if err := e.cmd.Process.Signal(s); err != nil {
			e.t.Errorf("%v: %v", s, err)
			e.over.Store(true)
		}
		e.sent++
	}
}

// hurt does one or two things to logreel for a while, and returns their names.
func (e *episode) hurt(d time.Duration) (did []string) {
	faults := map[string]func() (undo func()){"stopped": e.stop, "forbidden": e.forbidFiles, "moved": e.moveLive}
	if e.mounted {
		faults["full"], faults["no inodes"] = e.fill, e.fillInodes
	}
	names := slices.Sorted(maps.Keys(faults))
	e.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	did = names[:1+e.random.IntN(2)]
	for _, name := range did {
		undo := faults[name]()
		defer undo()
	}
	time.Sleep(d)
	return did
}

func (e *episode) stop() (undo func()) {
	signal := func(s syscall.Signal) {
		if err := e.cmd.Process.Signal(s); err != nil {
			e.t.Errorf("%v: %v", s, err)
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

// forbidFiles lets no file be made: root may not where the directory is immutable, and other
// users where it says so.
func (e *episode) forbidFiles() (undo func()) {
	logs := e.at("root/logs")
	if e.mounted && exec.Command("chattr", "+i", logs).Run() == nil {
		return func() { e.try(exec.Command("chattr", "-i", logs).Run()) }
	}
	e.try(os.Chmod(logs, 0o555))
	return func() { e.try(os.Chmod(logs, 0o755)) }
}

func (e *episode) try(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Error(err)
	}
}

// moveLive moves the last file away, which is the live one, if one is. Its new name says
// how many were moved before.
func (e *episode) moveLive() (undo func()) {
	files := e.files()
	last := files[len(files)-1]
	if name, live := strings.CutPrefix(last, "root/logs/"); live {
		e.moved++
		err := os.Rename(e.at(last), e.at(fmt.Sprintf("root/gone/%s@%d", name, e.moved)))
		if err != nil && !errors.Is(err, os.ErrPermission) { // when no file can be made, none can be moved
			e.t.Error(err)
		}
	}
	return func() {}
}

// fill leaves no room on the disk.
func (e *episode) fill() (undo func()) {
	return e.shrink(func(st unix.Statfs_t) string {
		return fmt.Sprintf("size=%d", max(st.Blocks-st.Bfree, 1)*uint64(st.Bsize)) // 0 would be no limit
	})
}

// fillInodes leaves room for no other file.
func (e *episode) fillInodes() (undo func()) {
	return e.shrink(func(st unix.Statfs_t) string { return fmt.Sprintf("nr_inodes=%d", st.Files-st.Ffree) })
}

// shrink takes what is free from the file system, without taking memory.
func (e *episode) shrink(option func(unix.Statfs_t) string) (undo func()) {
	root := e.at("root")
	mount := func(options string) error { return unix.Mount("", root, "", unix.MS_REMOUNT, options) }
	for range 100 {
		var st unix.Statfs_t
		e.try(unix.Statfs(root, &st))
		// Refused when more has been written meanwhile.
		if mount(option(st)) == nil {
			break
		}
	}
	return func() { e.try(mount(soakRoom)) }
}
