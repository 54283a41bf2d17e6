//go:build linux

package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	need(t, programs...)
}

// mountMemory makes a directory and mounts a file system in memory there.
func mountMemory(t *testing.T, dir, size string) {
	t.Helper()
	needRoot(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("logreel-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("nothing can be mounted: %v", err)
	}
	unmountLater(t, dir)
}

// remount sets options of a mounted file system anew.
func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, options); err != nil {
		t.Fatalf("remounting %s: %v", dir, err)
	}
}

// unmountLater is lazy, since a logreel that a failed test leaves may have a file open.
func unmountLater(t *testing.T, dir string) {
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
}

// mountDisk makes a directory and mounts a file system on a loop device there, which
// can be frozen. It lies in memory, so that nothing else keeps it from answering.
func mountDisk(t *testing.T, dir string) {
	t.Helper()
	needRoot(t, "mkfs.ext4", "mount", "fsfreeze")
	const size = 64 << 20
	image := filepath.Join(roomyDir(t, size), "image")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(image, nil, 0o600), os.Truncate(image, size)); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", image)
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		t.Skipf("no loop device can be mounted: %v: %s", err, out)
	}
	unmountLater(t, dir)
	t.Cleanup(func() {
		// A frozen file system cannot be unmounted, and holds fast who writes there.
		// It fails where the test has thawed it.
		_ = exec.Command("fsfreeze", "-u", dir).Run()
	})
}

// forbid makes a file or a directory immutable, for root too, until the function that
// it returns is called.
func forbid(t *testing.T, path string) (allow func()) {
	t.Helper()
	needRoot(t, "chattr")
	if out, err := exec.Command("chattr", "+i", path).CombinedOutput(); err != nil {
		t.Skipf("nothing can be made immutable in %s: %v: %s", filepath.Dir(path), err, out)
	}
	t.Cleanup(func() { _ = exec.Command("chattr", "-i", path).Run() }) // where the test has not come to it
	return func() {
		t.Helper()
		run(t, "chattr", "-i", path)
	}
}

// makeLogs makes the directory that most tests here let logreel write into.
func makeLogs(t *testing.T) (dir, logs string) {
	t.Helper()
	dir = t.TempDir()
	logs = filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, logs
}

// keepOpen opens a file, to read it when its name is gone.
func keepOpen(t *testing.T, path string) (read func() string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func() string {
		t.Helper()
		info, err := f.Stat()
		text := make([]byte, info.Size())
		if _, err1 := f.ReadAt(text, 0); errors.Join(err, err1) != nil {
			t.Fatal(err, err1)
		}
		return string(text)
	}
}
