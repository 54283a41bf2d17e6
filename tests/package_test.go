package tests

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

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

func TestPackagesReproducible(t *testing.T) {
	t.Parallel()
	first, again, _ := packages(t)
	var want []string
	for _, a := range architectures {
		want = append(want, first.deb(a.debian), first.rpm(a.rpm), first.apk(a.rpm), first.tarball(a.debian))
	}
	inPlaceOf := first.inPlaceOf()
	want = append(append(want, inPlaceOf[:]...), filepath.Join(first.dist, "SHA256SUMS"))
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
	out, err := try("sh", "-c", `cd "$1" && exec sha256sum --check --strict SHA256SUMS`, "sh", first.dist)
	if err != nil || strings.Count(out, ": OK\n") != len(want)-1 {
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
			want = append(want, "/usr/lib/logreel drwxr-xr-x root:root ")
			for _, link := range otherNames {
				want = append(want, "/usr/"+link+" l--------- root:root ")
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

// By these names the program takes the command lines of others.
var otherNames = []string{"lib/logreel/cronolog", "lib/logreel/rotatelogs"}

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
			link := h.Typeflag == tar.TypeSymlink && slices.Contains(otherNames, name) && h.Linkname == "../../bin/logreel"
			if !(wanted && h.Typeflag == tar.TypeReg || link) || seen[name] {
				t.Errorf("%s: not wanted", h.Name)
			}
			if seen[name] = true; link {
				mode = h.Mode // which means nothing
			} else if !executable {
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
	for _, link := range otherNames {
		if !seen[link] {
			t.Errorf("%s is missing", link)
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
		out, err := try("lintian", "--allow-root", "--fail-on=error,warning", first.deb("amd64"), first.deb("arm64"), first.inPlaceOf()[0])
		if err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("rpmlint", func(t *testing.T) {
		t.Parallel()
		need(t, "rpmlint")
		first, _, _ := packages(t)
		for _, rpm := range []string{first.rpm("x86_64"), first.rpm("aarch64"), first.inPlaceOf()[1]} {
			out, err := try("rpmlint", "--config=../packaging/rpmlint.toml", "--strict", rpm)
			if err != nil || !strings.Contains(out, "; 0 errors, 0 warnings,") {
				t.Errorf("%s: %v\n%s", filepath.Base(rpm), err, out)
			}
		}
	})
}
