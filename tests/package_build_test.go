package tests

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A build is a run of packaging/build in a copy of the repository.
type build struct{ version, tree, dist string }

// packageBuilds are made once, for all tests of packages: two of the same commit in
// different directories, and one of the version that comes after it.
var packageBuilds = sync.OnceValues(func() (builds [3]build, err error) {
	changelog, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		return builds, err
	}
	heading := regexp.MustCompile(`(?m)^## (\d+\.\d+\.)(\d+) - `).FindSubmatchIndex(changelog)
	if heading == nil {
		return builds, errors.New("CHANGELOG.md names no version")
	}
	number, err := strconv.Atoi(string(changelog[heading[4]:heading[5]]))
	if err != nil {
		return builds, err
	}
	series := string(changelog[heading[2]:heading[3]])
	work := filepath.Join(filepath.Dir(logreel), "packages")
	for i, version := range []string{series + strconv.Itoa(number), series + strconv.Itoa(number), series + strconv.Itoa(number+1)} {
		dir := filepath.Join(work, strings.Repeat("x", 5*i+1))
		builds[i] = build{version, filepath.Join(dir, "logreel"), filepath.Join(dir, "logreel", "dist")}
	}
	if err := copyTree(builds[0].tree, ".."); err != nil {
		return builds, err
	}
	next := slices.Insert(slices.Clone(changelog), heading[0],
		fmt.Appendf(nil, "## %s - 2026-12-31\n\n- Another version.\n\n", builds[2].version)...)
	script := `set -e
		cd "$1"
		git init -q
		git add --all
		export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost
		GIT_COMMITTER_DATE=@$4 git commit -q --no-verify --message=commit --date=@$4
		git clone -q . "$2"
		git clone -q . "$3"`
	out, err := try("bash", "-c", script, "bash", builds[0].tree, builds[1].tree, builds[2].tree, fmt.Sprint(commitTime))
	if err != nil {
		return builds, fmt.Errorf("%w: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(builds[2].tree, "CHANGELOG.md"), next, 0o644); err != nil {
		return builds, err
	}
	environments := [3][]string{
		{"umask 022; exec packaging/build"},
		// Nothing of this is to show.
		{"umask 077; exec packaging/build", "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "GOAMD64=v3", "HOSTNAME=elsewhere"},
		{"umask 022; exec packaging/build " + runtime.GOARCH},
	}
	var wait sync.WaitGroup
	var errs [3]error
	for i, b := range builds {
		wait.Go(func() {
			c := exec.Command("bash", "-c", environments[i][0])
			c.Dir = b.tree
			c.Env = slices.Concat(os.Environ(), []string{"SOURCE_DATE_EPOCH=", "DIST="}, environments[i][1:])
			if out, err := c.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("packaging/build: %w\n%s", err, out)
			}
		})
	}
	wait.Wait()
	return builds, errors.Join(errs[:]...)
})

// commitTime is the time of the commit that is built: all files are of that time.
const commitTime = 1767323045

// copyTree copies the repository, but for its history and what was built in it.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case name == ".git" && !d.IsDir(): // of a work tree
			return nil
		case name == ".git" || name == "dist":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case !d.Type().IsRegular() || strings.HasSuffix(name, ".test"):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, info.Mode().Perm())
	})
}

// packages returns what packageBuilds makes.
func packages(t *testing.T) (first, again, next build) {
	t.Helper()
	need(t, "bash", "git")
	if os.Getenv("LOGREEL") != "" {
		t.Skip("only what is built here is packaged")
	}
	builds, err := packageBuilds()
	if err != nil {
		t.Fatal(err)
	}
	return builds[0], builds[1], builds[2]
}

// architectures are the names of one architecture: Go's and Debian's, that of rpm and
// apk, and the one in the program.
var architectures = []struct {
	debian, rpm string
	machine     elf.Machine
}{
	{"amd64", "x86_64", elf.EM_X86_64},
	{"arm64", "aarch64", elf.EM_AARCH64},
}

func (b build) deb(arch string) string {
	return filepath.Join(b.dist, "logreel_"+b.version+"_"+arch+".deb")
}
func (b build) rpm(arch string) string {
	return filepath.Join(b.dist, "logreel-"+b.version+"-1."+arch+".rpm")
}
func (b build) apk(arch string) string {
	return filepath.Join(b.dist, "logreel_"+b.version+"_"+arch+".apk")
}
func (b build) tarball(arch string) string {
	return filepath.Join(b.dist, "logreel-"+b.version+"-linux-"+arch+".tar.gz")
}

// inPlaceOf are the packages that put it in the place of cronolog: a deb, an rpm and an apk.
func (b build) inPlaceOf() [3]string {
	return [3]string{
		filepath.Join(b.dist, "logreel-cronolog_"+b.version+"_all.deb"),
		filepath.Join(b.dist, "logreel-cronolog-"+b.version+"-1.noarch.rpm"),
		filepath.Join(b.dist, "logreel-cronolog_"+b.version+"_noarch.apk"),
	}
}

// installed returns the paths that a package gives a system, but for directories.
func (b build) installed(t *testing.T, zsh string) (paths []string) {
	t.Helper()
	for _, name := range otherNames {
		paths = append(paths, "/usr/"+name)
	}
	for name := range b.files(t, zsh) {
		paths = append(paths, "/usr/"+name)
	}
	return paths
}

// files returns the names below /usr of what is installed, and whether it can be run.
// zsh is the directory of its completions.
func (b build) files(t *testing.T, zsh string) map[string]bool {
	t.Helper()
	files := map[string]bool{
		"bin/logreel": true,
		"share/bash-completion/completions/logreel":    false,
		"share/doc/logreel/README.md":                  false,
		"share/doc/logreel/changelog.gz":               false,
		"share/doc/logreel/copyright":                  false,
		"share/fish/vendor_completions.d/logreel.fish": false,
		"share/man/man1/logreel.1.gz":                  false,
		"share/zsh/" + zsh + "/_logreel":               false,
	}
	if zsh == "vendor-completions" {
		files["share/lintian/overrides/logreel"] = false
	}
	examples := filepath.Join(b.tree, "packaging", "examples")
	err := filepath.WalkDir(examples, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		files["share/doc/logreel/examples"+strings.TrimPrefix(path, examples)] = err == nil && info.Mode()&0o100 != 0
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
