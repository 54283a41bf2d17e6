//go:build linux

package tests

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The user who may write to the log directory. It needs no entry in /etc/passwd.
const intruderID = 54321

// An intruder puts into a log directory what leads out of it, as fast as it can.
type intruder struct {
	parent  string // the log directory is log in it; both are the intruder's
	outside string // what it would have changed
	random  *rand.Rand
	rounds  atomic.Int64
	failed  error
	stop    chan struct{}
	stopped chan struct{}
}

// become makes the thread the intruder's. With linking it may link what belongs to others,
// as it could without fs.protected_hardlinks (proc_sys_fs(5)).
func (x *intruder) become(linking bool) error {
	runtime.LockOSThread() // for ever: the thread ends with the goroutine
	calls := [][]uintptr{{unix.SYS_SETGROUPS, 0, 0, 0}, {unix.SYS_SETRESGID, intruderID, intruderID, intruderID}, {unix.SYS_SETRESUID, intruderID, intruderID, intruderID}}
	if linking {
		calls[2] = []uintptr{unix.SYS_SETFSUID, intruderID, 0, 0}
	}
	for _, c := range calls {
		if _, _, errno := unix.RawSyscall(c[0], c[1], c[2], c[3]); errno != 0 && c[0] != unix.SYS_SETFSUID {
			return errno
		}
	}
	if !linking {
		return nil
	}
	only := unix.CapUserData{Effective: 1 << unix.CAP_FOWNER, Permitted: 1 << unix.CAP_FOWNER}
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &[]unix.CapUserData{only, {}}[0])
}

// run takes turns at random.
func (x *intruder) run(linking bool) {
	defer close(x.stopped)
	if x.failed = x.become(linking); x.failed != nil {
		return
	}
	turns := []func(name string){x.symlink, x.symlinkToNothing, x.symlinkToDirectory, x.replace, x.exchange, x.moveParent, x.file, x.directory, x.special, x.rename, x.takeAway}
	if linking {
		turns = []func(name string){x.hardLink}
	}
	for {
		select {
		case <-x.stop:
			return
		default:
			turns[x.random.IntN(len(turns))](x.name())
			x.rounds.Add(1)
		}
	}
}

func (x *intruder) pick(of ...string) string { return of[x.random.IntN(len(of))] }

// pickIn returns a name that is in a directory; another one if there is none.
func (x *intruder) pickIn(dir, another string) string {
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0) // it may be a FIFO
	if err != nil {
		return another
	}
	defer d.Close()
	if names, err := d.Readdirnames(-1); err == nil && len(names) > 0 {
		return x.pick(names...)
	}
	return another
}

// name returns a path that is there, or will soon be.
func (x *intruder) name() string {
	dir := x.parent + "/log"
	second := time.Now().Add(time.Duration(x.random.IntN(3)-1) * time.Second).Format("20060102150405")
	if x.random.IntN(3) == 0 {
		second = x.pickIn(dir, second)
	}
	switch x.random.IntN(4) {
	case 0:
		return dir + "/" + second
	case 1:
		return dir + "/" + x.pick("current", "previous", "hard")
	}
	file := x.pick("app.log", "app.log", "app.log.1", "app.log.2")
	file = x.pick(file, file+".gz", "."+file+".pending", "."+file+".handed", "."+file+".gz.tmp", "."+file+".gz.done")
	if x.random.IntN(4) == 0 {
		file = x.pickIn(dir+"/"+second, file)
	}
	return dir + "/" + second + "/" + file
}

// What follows fails as often as not, since others change the same names.

func (x *intruder) symlink(name string) { _ = os.Symlink(x.outside+"/victim", name) }

func (x *intruder) symlinkToNothing(name string) { _ = os.Symlink(x.outside+"/new", name) }

func (x *intruder) symlinkToDirectory(name string) { _ = os.Symlink(x.outside+"/dir", name) }

func (x *intruder) hardLink(name string) {
	_ = os.Link(x.outside+"/"+x.pick("linked", "linked.gz"), name)
	time.Sleep(time.Millisecond) // or else nothing else would get its turn
}

func (x *intruder) replace(name string) {
	_ = os.Symlink(x.outside+"/"+x.pick("victim", "dir", "new"), x.parent+"/plant")
	_ = os.Rename(x.parent+"/plant", name)
}

func (x *intruder) exchange(name string) {
	_ = os.Symlink(x.outside+"/"+x.pick("victim", "dir"), x.parent+"/plant")
	for range 20 {
		_ = unix.Renameat2(unix.AT_FDCWD, x.parent+"/plant", unix.AT_FDCWD, name, unix.RENAME_EXCHANGE)
	}
	_ = os.RemoveAll(x.parent + "/plant")
}

func (x *intruder) moveParent(string) {
	_ = os.Symlink(x.outside, x.parent+"/way")
	for range 20 {
		_ = unix.Renameat2(unix.AT_FDCWD, x.parent+"/way", unix.AT_FDCWD, x.parent+"/log", unix.RENAME_EXCHANGE)
	}
	_ = os.Remove(x.parent + "/way")
}

func (x *intruder) file(name string) {
	if f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err == nil {
		_ = f.Close()
	}
}

func (x *intruder) directory(name string) { _ = os.Mkdir(name, 0o777) }

func (x *intruder) special(name string) {
	_ = unix.Mknod(name, []uint32{unix.S_IFIFO, unix.S_IFSOCK}[x.random.IntN(2)]|0o666, 0)
}

func (x *intruder) rename(name string) { _ = os.Rename(name, x.name()) }

func (x *intruder) takeAway(name string) {
	_ = os.Rename(name, x.parent+"/plant") // what is above the name may be a FIFO
	_ = os.RemoveAll(x.parent + "/plant")
}

// seen returns all that can be seen of a tree, by path: not when it was read, and of files
// called linked not how many names they have. A name that is gone shows in its directory.
func seen(t *testing.T, tree string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.Walk(tree, func(path string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		is := fmt.Sprintf("%v %d:%d %v", info.Mode(), st.Uid, st.Gid, info.ModTime())
		if !strings.HasPrefix(info.Name(), "linked") {
			is += fmt.Sprintf(" %d names, changed %v", st.Nlink, st.Ctim)
		}
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			must(t, err)
			is += fmt.Sprintf(" %q", content)
		}
		all[path] = is
		return nil
	}))
	return all
}

// Whatever somebody does who may write to the log directory: outside of it nothing is
// written, made, given away, renamed or deleted by root's logreel.
func TestAttack(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for about, flags := range map[string][]string{
		"files for the owner of the directory": {fmt.Sprintf("--owner=%d", intruderID), "--dir-mode=0777", "--mode=0666"},
		"files of root's":                      {"--eager", "--sync=20ms"},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			d := newFolder(t)
			must(t, os.Chmod(d.dir, 0o755), os.Chmod(filepath.Dir(d.dir), 0o755))
			for _, dir := range []string{"outside", "outside/dir", "outside/log", "parent", "parent/log"} {
				d.makeDir(dir)
			}
			for _, name := range []string{"victim", "linked", "linked.gz", "app.log", "dir/app.log", "dir/app.log.gz", "dir/.app.log.pending", "dir/.app.log.gz.tmp", "log/app.log"} {
				d.put("outside/"+name, "as it was\n")
			}
			for _, dir := range []string{"parent", "parent/log"} {
				must(t, os.Chown(d.at(dir), intruderID, intruderID))
			}
			before := seen(t, d.at("outside"))
			check := func() {
				t.Helper()
				for path, is := range seen(t, d.at("outside")) {
					if is != before[path] {
						t.Errorf("%s is %s, was %s", path, is, before[path])
					}
				}
			}
			log := d.at("parent/log")
			p := d.startPlain(append(flags, "--size=4K", "--compress=gzip", "--exec=true", "--keep-count=5",
				"--link="+log+"/current", "--previous-link="+log+"/previous", "--hard-link="+log+"/hard", log+"/%Y%m%d%H%M%S/app.log")...)
			stop := feed(t, p.input, 500, func(n int) []byte { return fmt.Appendf(nil, "line %070d\n", n) })
			var intruders []*intruder
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			for n := range 2 {
				x := &intruder{parent: d.at("parent"), outside: d.at("outside"), random: rand.New(rand.NewPCG(seed, uint64(n))),
					stop: make(chan struct{}), stopped: make(chan struct{})}
				intruders = append(intruders, x)
				go x.run(n == 1)
			}
			begun := time.Now() // a few switches
			eventually(t, "the attack", func() bool {
				return intruders[0].failed != nil || intruders[0].rounds.Load() > 20_000 && time.Since(begun) > 4*time.Second
			})
			for _, x := range intruders {
				close(x.stop)
				<-x.stopped
				must(t, x.failed)
			}
			check()
			// Now all is as it should be, and logreel goes on.
			must(t, os.RemoveAll(d.at("parent")), os.Mkdir(d.at("parent"), 0o755), os.Mkdir(log, 0o755), os.Chown(log, intruderID, intruderID))
			stop()
			p.send("the last line")
			eventually(t, "the last line", func() bool { return strings.Contains(d.content("parent/log/*/app.log*"), "the last line") })
			said := p.endWith(0)
			if !strings.Contains(said, "not followed") {
				t.Errorf("it has met no symlink: %.2000s", said)
			}
			check()
		})
	}
}
