//go:build linux

package tests

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What tests do to a file system, most of it as root.

func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	need(t, programs...)
}

// newSmallDisk returns a folder where a file system in memory lies under logs.
func newSmallDisk(t *testing.T, size string) *folder {
	t.Helper()
	d := newFolder(t)
	d.mountMemory("logs", size)
	return d
}

// mountMemory mounts a file system in memory on a directory, which it makes if it is not
// there.
func (d *folder) mountMemory(name, size string) {
	d.t.Helper()
	needRoot(d.t)
	must(d.t, os.MkdirAll(d.at(name), 0o755))
	if err := unix.Mount("logreel-test", d.at(name), "tmpfs", 0, "size="+size); err != nil {
		d.t.Skipf("nothing can be mounted: %v", err)
	}
	d.unmountLater(name)
}

// resize gives a file system in memory another size.
func (d *folder) resize(name, size string) {
	d.t.Helper()
	d.remount(name, 0, "size="+size)
}

func (d *folder) makeReadOnly(name string) {
	d.t.Helper()
	d.remount(name, unix.MS_RDONLY, "")
}

func (d *folder) makeWritable(name string) {
	d.t.Helper()
	d.remount(name, 0, "")
}

// remount sets options of a mounted file system anew.
func (d *folder) remount(name string, flags uintptr, options string) {
	d.t.Helper()
	if err := unix.Mount("", d.at(name), "", unix.MS_REMOUNT|flags, options); err != nil {
		d.t.Fatalf("remounting %s: %v", name, err)
	}
}

// unmount is lazy: files there may be open.
func (d *folder) unmount(name string) {
	d.t.Helper()
	must(d.t, unix.Unmount(d.at(name), unix.MNT_DETACH))
}

// unmountLater unmounts at the end of the test what it has not unmounted.
func (d *folder) unmountLater(name string) {
	d.t.Cleanup(func() {
		if err := unix.Unmount(d.at(name), unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
			d.t.Errorf("unmounting %s: %v", name, err)
		}
	})
}

// newDisk returns a folder where a file system on a loop device lies under logs, which can
// be frozen. It is in memory, so that nothing else keeps it from answering.
func newDisk(t *testing.T) *folder {
	t.Helper()
	needRoot(t, "mkfs.ext4", "mount", "fsfreeze")
	const size = 64 << 20
	image := roomyFolder(t, size)
	image.put("image", "")
	must(t, os.Truncate(image.at("image"), size))
	run(t, "mkfs.ext4", "-q", image.at("image"))
	d := newLogs(t)
	if out, err := try("mount", "-o", "loop", image.at("image"), d.at("logs")); err != nil {
		t.Skipf("no loop device can be mounted: %v: %s", err, out)
	}
	d.unmountLater("logs")
	t.Cleanup(func() {
		// A frozen file system cannot be unmounted, and holds fast who writes there.
		// It fails where the test has thawed it.
		_, _ = try("fsfreeze", "-u", d.at("logs"))
	})
	return d
}

// freeze has a disk answer nobody who writes, until it is thawed.
func (d *folder) freeze(name string) {
	d.t.Helper()
	run(d.t, "fsfreeze", "-f", d.at(name))
}

func (d *folder) thaw(name string) {
	d.t.Helper()
	run(d.t, "fsfreeze", "-u", d.at(name))
}

// forbid makes a file or a directory immutable, for root too, until the function that
// it returns is called.
func (d *folder) forbid(name string) (allow func()) {
	d.t.Helper()
	needRoot(d.t, "chattr")
	path := d.at(name)
	if out, err := try("chattr", "+i", path); err != nil {
		d.t.Skipf("nothing can be made immutable in %s: %v: %s", filepath.Dir(path), err, out)
	}
	d.t.Cleanup(func() { _, _ = try("chattr", "-i", path) }) // where the test has not come to it
	return func() {
		d.t.Helper()
		run(d.t, "chattr", "-i", path)
	}
}

// withoutRoot makes a command one of a user whom permissions bind, and returns a
// folder of that user's.
func withoutRoot(t *testing.T, cmd *exec.Cmd) *folder {
	t.Helper()
	d := newFolder(t)
	if os.Geteuid() != 0 {
		return d
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("root is bound by no permission: %v", err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	gid, err1 := strconv.Atoi(nobody.Gid)
	must(t, err, err1)
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	probe := exec.Command(logreel, "--version")
	probe.SysProcAttr = as
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("root is bound by no permission, and nobody cannot run %s: %v %s", logreel, err, out)
	}
	// What t.TempDir makes is in a directory for its owner alone.
	d.chmod("..", 0o755)
	must(t, os.Chown(d.dir, uid, gid))
	cmd.SysProcAttr = as
	return d
}
