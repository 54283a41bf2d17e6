package tests

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
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
	"time"
)

const manual = "../packaging/logreel.1"

func TestManualOptions(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^\.It (Fl .*)`).FindAllStringSubmatch(readFile(t, manual), -1) {
		for option := range strings.SplitSeq(m[1], " , ") {
			documented = append(documented, plainOption(option))
		}
	}
	var helped []string
	for _, o := range options(t) {
		if o.short != "" {
			helped = append(helped, o.short)
		}
		if o.value != "" {
			o.long += "=" + o.value
		}
		helped = append(helped, o.long)
	}
	for _, option := range helped {
		if !slices.Contains(documented, option) {
			t.Errorf("the manual lacks %s", option)
		}
	}
	for _, option := range documented {
		if !slices.Contains(helped, option) {
			t.Errorf("--help lacks %s", option)
		}
	}
}

// plainOption returns an option as --help writes it, from a line of mdoc such as
// "Fl -owner Ns = Ns Ar user Ns Op : Ns Ar group". The number of --preview is
// optional, which --help has no way to show.
func plainOption(mdoc string) string {
	var option, closing string
	for word := range strings.FieldsSeq(mdoc) {
		switch word {
		case "Fl":
			option += "-"
		case "Op":
			option, closing = option+"[", "]"
		case "Ns", "Ar":
		default:
			option += word
		}
	}
	name, value, hasValue := strings.Cut(strings.TrimSuffix(option+closing, "[=n]"), "=")
	if hasValue {
		name += "=" + strings.ToUpper(value)
	}
	return name
}

// The fields of the manual are those that the program takes.
func TestManualFields(t *testing.T) {
	t.Parallel()
	text := readFile(t, manual)
	for c := byte('!'); c <= '~'; c++ {
		if c == '-' {
			continue // leaves out the padding of the field behind it
		}
		field := "%" + string(c)
		documented := strings.Contains(text, "\n.It Cm \\&"+field+"\n")
		out, err := exec.Command(logreel, "--preview=1", "--every=never", "x"+field).CombinedOutput()
		if taken := err == nil; taken != documented {
			t.Errorf("%s: in the manual: %v, taken: %v\n%s", field, documented, taken, out)
		}
	}
}

func TestManualLint(t *testing.T) {
	t.Parallel()
	need(t, "mandoc")
	if out, err := exec.Command("mandoc", "-Tlint", "-W", "warning", manual).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

// The packages pass on the copyright of every module that is compiled in.
func TestCopyright(t *testing.T) {
	t.Parallel()
	info, err := buildinfo.ReadFile(logreel)
	if err != nil {
		t.Fatal(err)
	}
	passedOn := readFile(t, "../packaging/copyright")
	notice := regexp.MustCompile(`(?mi)^\s*copyright (?:\(c\) )?(\d.*?)\.?$`)
	for _, module := range info.Deps {
		dir := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", module.Path))
		var licence string
		for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				licence = string(text)
			}
		}
		m := notice.FindStringSubmatch(licence)
		if m == nil {
			t.Errorf("%s: no copyright found in %s", module.Path, dir)
			continue
		}
		want := "Files: vendor/" + module.Path + "/*\nCopyright: " + m[1] + "\n"
		if !strings.Contains(passedOn, want) {
			t.Errorf("packaging/copyright lacks:\n%s", want)
		}
	}
}

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
	out, err := exec.Command("bash", "-c", script, "bash", builds[0].tree, builds[1].tree, builds[2].tree,
		fmt.Sprint(commitTime)).CombinedOutput()
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

func TestPackagesReproducible(t *testing.T) {
	t.Parallel()
	first, again, _ := packages(t)
	var want []string
	for _, a := range architectures {
		want = append(want, first.deb(a.debian), first.rpm(a.rpm), first.apk(a.rpm), first.tarball(a.debian))
	}
	want = append(want, filepath.Join(first.dist, "SHA256SUMS"))
	slices.Sort(want)
	got, err := filepath.Glob(filepath.Join(first.dist, "*"))
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("dist holds, %v:\n got %q\nwant %q", err, got, want)
	}
	for _, path := range got {
		if readFile(t, path) != readFile(t, filepath.Join(again.dist, filepath.Base(path))) {
			t.Errorf("%s: another build made other bytes", filepath.Base(path))
		}
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = first.dist
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK\n") != len(want)-1 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func TestPackageContents(t *testing.T) {
	t.Parallel()
	first, _, _ := packages(t)
	for _, a := range architectures {
		kinds := map[string]struct {
			prefix, zsh string
			open        func(t *testing.T) io.Reader
		}{
			"deb": {"./usr/", "vendor-completions", func(t *testing.T) io.Reader {
				need(t, "dpkg-deb")
				return strings.NewReader(run(t, "dpkg-deb", "--fsys-tarfile", first.deb(a.debian)))
			}},
			"apk":     {"usr/", "site-functions", func(t *testing.T) io.Reader { return unzip(t, first.apk(a.rpm)) }},
			"tarball": {"logreel-" + first.version + "/", "site-functions", func(t *testing.T) io.Reader { return unzip(t, first.tarball(a.debian)) }},
		}
		for kind, k := range kinds {
			t.Run(kind+" "+a.debian, func(t *testing.T) {
				t.Parallel()
				checkTar(t, k.open(t), k.prefix, first.files(t, k.zsh), a.machine)
			})
		}
		t.Run("rpm "+a.debian, func(t *testing.T) {
			t.Parallel()
			need(t, "rpm", "dpkg-deb")
			rpm := first.rpm(a.rpm)
			query := func(format string) string {
				return run(t, "rpm", "-qp", "--nosignature", "--qf", format, rpm)
			}
			if got, want := query("%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{BUILDTIME} %{BUILDHOST}"),
				fmt.Sprintf("logreel %s 1 %s %d localhost", first.version, a.rpm, commitTime); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			// What the deb holds was looked at; this is the same.
			deb := map[string]string{}
			for name, text := range untar(t, strings.NewReader(run(t, "dpkg-deb", "--fsys-tarfile", first.deb(a.debian)))) {
				name = strings.Replace(name, "vendor-completions", "site-functions", 1)
				deb[strings.TrimPrefix(name, ".")] = fmt.Sprintf("%x", sha256.Sum256(text))
			}
			var want, documents []string
			for name, executable := range first.files(t, "site-functions") {
				name, mode := "/usr/"+name, "-rw-r--r--"
				if executable {
					mode = "-rwxr-xr-x"
				}
				want = append(want, name+" "+mode+" root:root "+deb[name])
				if strings.Contains(name, "/doc/") || strings.Contains(name, "/man/") {
					documents = append(documents, name)
				}
				if strings.Contains(name, "/doc/") {
					want = append(want, filepath.Dir(name)+" drwxr-xr-x root:root ")
				}
			}
			slices.Sort(want)
			want = slices.Compact(want)
			slices.Sort(documents)
			got := slices.Sorted(strings.Lines(query(`[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEDIGESTS}\n]`)))
			if got, want := strings.Join(got, ""), strings.Join(want, "\n")+"\n"; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if got, want := run(t, "rpm", "-qpd", "--nosignature", rpm), strings.Join(documents, "\n")+"\n"; got != want {
				t.Errorf("documentation: got\n%swant\n%s", got, want)
			}
		})
	}
}

func unzip(t *testing.T, path string) io.Reader {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(readFile(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// untar returns the files of an archive.
func untar(t *testing.T, archive io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if files[h.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkTar checks that the archive holds these files below a prefix, with plain
// permissions, root's, and of the time of the commit; and what is in some of them.
func checkTar(t *testing.T, archive io.Reader, prefix string, want map[string]bool, machine elf.Machine) {
	t.Helper()
	seen := map[string]bool{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == ".PKGINFO" {
			continue // what apk knows of the package
		}
		mode := int64(0o755)
		name := strings.TrimPrefix(h.Name, prefix)
		if h.Typeflag != tar.TypeDir {
			executable, wanted := want[name]
			if !wanted || h.Typeflag != tar.TypeReg || seen[name] {
				t.Errorf("%s: not wanted", h.Name)
			}
			if seen[name] = true; !executable {
				mode = 0o644
			}
		}
		if h.Mode != mode || h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != commitTime {
			t.Errorf("%s: mode %o of %d:%d, time %v; want %o of 0:0, %v", h.Name, h.Mode, h.Uid, h.Gid, h.ModTime.UTC(), mode, time.Unix(commitTime, 0).UTC())
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case name == "bin/logreel":
			checkProgram(t, text, machine)
		case strings.HasSuffix(name, "/logreel.1.gz"):
			checkManual(t, text)
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// checkProgram checks that a program is of that machine, static, and stripped.
func checkProgram(t *testing.T, text []byte, machine elf.Machine) {
	t.Helper()
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if program.Machine != machine {
		t.Errorf("the program is for %v", program.Machine)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program is not static")
		}
	}
	if program.Section(".symtab") != nil || program.Section(".debug_info") != nil {
		t.Error("the program is not stripped")
	}
}

// checkManual checks that man, as Debian has it, shows the manual and warns of nothing.
func checkManual(t *testing.T, zipped []byte) {
	t.Helper()
	if _, err := exec.LookPath("man"); err != nil {
		return
	}
	path := filepath.Join(t.TempDir(), "logreel.1.gz")
	if err := os.WriteFile(path, zipped, 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("man", "--warnings", "--encoding=UTF-8", "--local-file", path)
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANROFFSEQ=", "MANWIDTH=80")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if out, err := c.Output(); err != nil || stderr.Len() > 0 || !bytes.Contains(out, []byte("--preview")) {
		t.Errorf("man: %v, %d bytes\n%s", err, len(out), &stderr)
	}
}

// A complaint of lintian or rpmlint is mended, or the file that silences it says why.
func TestPackageLint(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lintian-overrides", "rpmlint.toml"} {
		for paragraph := range strings.SplitSeq(readFile(t, "../packaging/"+name), "\n\n") {
			if !strings.HasPrefix(paragraph, "#") {
				t.Errorf("packaging/%s gives no reason for:\n%s", name, paragraph)
			}
		}
	}
	t.Run("lintian", func(t *testing.T) {
		t.Parallel()
		need(t, "lintian")
		first, _, _ := packages(t)
		out, err := exec.Command("lintian", "--allow-root", "--fail-on=error,warning", first.deb("amd64"), first.deb("arm64")).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("rpmlint", func(t *testing.T) {
		t.Parallel()
		need(t, "rpmlint")
		first, _, _ := packages(t)
		for _, a := range architectures {
			out, err := exec.Command("rpmlint", "--config=../packaging/rpmlint.toml", "--strict", first.rpm(a.rpm)).CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("; 0 errors, 0 warnings,")) {
				t.Errorf("%s: %v\n%s", a.debian, err, out)
			}
		}
	})
}

// need skips the test where a program is missing.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is missing", p)
		}
	}
}

// run runs a command that is to succeed, and returns what it prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", c, err, &stdout, &stderr)
	}
	return stdout.String()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
