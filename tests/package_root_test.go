package tests

import (
	"context"
	"debug/elf"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A whole Debian: installed, upgraded while it writes, removed and purged.
func TestDebianRoot(t *testing.T) {
	t.Parallel()
	root := debian(t)
	first, _, next := packages(t)
	in := func(args ...string) string {
		t.Helper()
		return run(t, "chroot", append([]string{root, "/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, args...)...)
	}
	before := listFiles(t, root)
	install := func(b build) {
		t.Helper()
		deb := b.deb(runtime.GOARCH)
		if err := os.WriteFile(filepath.Join(root, "tmp", filepath.Base(deb)), []byte(readFile(t, deb)), 0o644); err != nil {
			t.Fatal(err)
		}
		in("apt-get", "install", "--yes", "/tmp/"+filepath.Base(deb))
		if out := in("dpkg", "--verify", "logreel") + in("dpkg", "--audit"); out != "" {
			t.Errorf("dpkg: %s", out)
		}
		checkNew(t, root, before, b.installed(t, "vendor-completions"))
		checkWorks(t, b.version, "chroot", root, "logreel")
	}
	install(first)

	// What runs goes on.
	p := newFolder(t).startProgram("chroot", root, "logreel", "--every=never", "/var/log/app/app.log")
	p.send("before")
	install(next)
	p.send("after the upgrade")
	in("apt-get", "remove", "--yes", "logreel")
	checkNew(t, root, before, nil)
	p.send("after the removal")
	install(next)
	in("apt-get", "purge", "--yes", "logreel")
	checkNew(t, root, before, nil)
	if out := in("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Abbrev}\n"); strings.Contains(out, "logreel") {
		t.Errorf("dpkg remembers:\n%s", out)
	}
	p.endSilent()
	if got, want := readFile(t, filepath.Join(root, "var/log/app/app.log")), "before\nafter the upgrade\nafter the removal\n"; got != want {
		t.Errorf("the log holds %q, want %q", got, want)
	}
}

// debian makes a root directory of the Debian that this is, from the mirror that apt
// is told of.
func debian(t *testing.T) string {
	t.Helper()
	need(t, "debootstrap", "apt-get", "chroot")
	if os.Geteuid() != 0 {
		t.Skip("debootstrap needs root")
	}
	release := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\w+)$`).FindStringSubmatch(readFile(t, "/etc/os-release"))
	if release == nil {
		t.Skip("/etc/os-release has no code name")
	}
	mirror, _, _ := strings.Cut(run(t, "apt-get", "indextargets", "--format=$(SITE)",
		"Identifier: Packages", "Codename: "+release[1], "Component: main"), "\n")
	if mirror == "" {
		t.Skip("apt has no list of packages")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, mirror+"/dists/"+release[1]+"/InRelease", nil)
	if err != nil {
		t.Skipf("the mirror is not on the web: %v", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Skipf("the mirror is out of reach: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Skipf("the mirror answers %s", response.Status)
	}
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755))
	out, err := try("debootstrap", "--variant=minbase", release[1], root, mirror)
	if strings.Contains(out, "mounted with noexec or nodev") {
		t.Skip("no devices can be made here")
	}
	if err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, out)
	}
	return root
}

// The same with rpm.
func TestRPMRoot(t *testing.T) {
	t.Parallel()
	need(t, "rpm")
	if os.Geteuid() != 0 {
		t.Skip("rpm --root needs root, to change the root directory")
	}
	first, _, next := packages(t)
	arch := architectures[slices.IndexFunc(architectures, func(a struct {
		debian, rpm string
		machine     elf.Machine
	}) bool {
		return a.debian == runtime.GOARCH
	})].rpm
	root := t.TempDir()
	in := func(args ...string) string {
		t.Helper()
		args = append([]string{"--root", root, "--dbpath", "/var/lib/rpm"}, args...)
		if _, err := os.Stat("/etc/debian_version"); err == nil {
			args = append(args, "--force-debian") // its rpm refuses to install otherwise
		}
		return run(t, "rpm", args...)
	}
	if err := os.MkdirAll(filepath.Join(root, "var/lib/rpm"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, b := range []build{first, next} {
		run(t, "rpm", "-K", "--nosignature", b.rpm(arch))
		in([]string{"-i", "-U"}[i], "--nodeps", "--nosignature", b.rpm(arch))
		if got := in("-qa"); got != "logreel-"+b.version+"-1."+arch+"\n" {
			t.Errorf("installed: %q", got)
		}
		if out := in("-V", "--nodeps", "logreel"); out != "" {
			t.Errorf("rpm -V: %s", out)
		}
		checkNew(t, root, nil, b.installed(t, "site-functions"))
		checkWorks(t, b.version, filepath.Join(root, "usr/bin/logreel"))
	}
	in("-e", "--nodeps", "logreel")
	checkNew(t, root, nil, nil)
	if _, err := os.Stat(filepath.Join(root, "usr/share/doc/logreel")); err == nil {
		t.Error("the directory of the documentation is left")
	}
}

// listFiles returns the files below root, but for those of the package managers and
// those that are written at run time.
func listFiles(t *testing.T, root string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := strings.TrimPrefix(path, root); {
		case slices.Contains([]string{"/dev", "/proc", "/sys", "/tmp", "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/rpm", "/var/log"}, name):
			return fs.SkipDir
		case !d.IsDir(), d.Name() == "logreel":
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkNew checks that root holds these files besides those that were there before. If
// there are to be none, no directory of ours may be left either.
func checkNew(t *testing.T, root string, before, want []string) {
	t.Helper()
	var got []string
	for _, name := range listFiles(t, root) {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if (!info.IsDir() || want == nil) && !slices.Contains(before, name) {
			got = append(got, name)
		}
	}
	for _, name := range before {
		if _, err := os.Lstat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("new files:\n got %q\nwant %q", got, want)
	}
}

// checkWorks checks that the program tells its version and writes a file.
func checkWorks(t *testing.T, version string, program ...string) {
	t.Helper()
	if got := run(t, program[0], append(program[1:], "--version")...); got != "logreel "+version+"\n" {
		t.Errorf("--version: got %q", got)
	}
	dir := t.TempDir()
	if program[0] == "chroot" {
		dir = "/tmp"
	}
	log := filepath.Join(dir, "works.log")
	p := newFolder(t).startProgram(program[0], append(program[1:], "--every=never", log)...)
	p.send("a line")
	p.endSilent()
	if program[0] == "chroot" {
		log = filepath.Join(program[1], log)
	}
	if got := readFile(t, log); got != "a line\n" {
		t.Errorf("the log holds %q", got)
	}
	must(t, os.Remove(log))
}
