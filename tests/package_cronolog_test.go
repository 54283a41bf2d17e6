//go:build linux

package tests

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// copied runs a script in a copy of this system, of which nothing is left afterwards: $1 is
// a directory to make it in, $2 one to be seen at /mnt, and the rest the script and what it
// is called with.
const copied = `set -e
work=$1 mnt=$2
shift 2
mkdir "$work/over" "$work/root"
mount -t tmpfs tmpfs "$work/over"
mkdir "$work/over/upper" "$work/over/work"
mount -t overlay -o "lowerdir=/,upperdir=$work/over/upper,workdir=$work/over/work" overlay "$work/root"
mount --rbind /proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mount --bind "$mnt" "$work/root/mnt"
echo mounted
exec chroot "$work/root" /bin/bash -c "$@"`

// replaced has Apache log through /usr/bin/cronolog, puts logreel into its place, has Apache
// log again, and takes it away. The port is $1, the version of the packages $2, and the
// architecture $3.
const replaced = `set -e
export DEBIAN_FRONTEND=noninteractive
mkdir /trial
cat >/trial/apache.conf <<EOF
ServerName localhost
ServerRoot /trial
PidFile /trial/pid
DefaultRuntimeDir /trial
Mutex sem
Listen 127.0.0.1:$1
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User www-data
Group www-data
ErrorLog /trial/errors
DocumentRoot /usr/share/doc
LogFormat "%r" request
CustomLog "|/usr/bin/cronolog -S /trial/current /trial/%Y/access.log" request
EOF
await() { for try in $(seq 1200); do ! eval "$1" || return 0; sleep 0.05; done; echo "waited for $1"; exit 1; }
ask() { exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /%s HTTP/1.0\r\n\r\n' "$1" >&3 && cat <&3 >/dev/null && exec 3>&-; }
serve() {
	apache2 -f /trial/apache.conf -k start
	await "(ask $1) 2>/dev/null"
	await "grep -q /$1 /trial/*/access.log 2>/dev/null"
	ls -l /proc/*/exe 2>/dev/null | sed -n "s,.*/proc/[0-9]*/exe -> \(/usr/bin/\(cronolog\|logreel\)\)$,\1,p" | sort -u
	apache2 -f /trial/apache.conf -k stop
	await "[ ! -e /trial/pid ]"
}
port=$1
serve first
dpkg --no-triggers -i "/mnt/logreel_$2_$3.deb" "/mnt/logreel-cronolog_$2_all.deb" >/trial/dpkg 2>&1 || { cat /trial/dpkg; exit 1; }
echo "$(readlink /usr/bin/cronolog); $(dpkg-query -Wf '${db:Status-Status}' cronolog)"
serve second
man --warnings -w cronolog
LC_ALL=C dpkg --no-triggers -r logreel-cronolog logreel >/dev/null
ls /usr/bin/cronolog /usr/bin/logreel /usr/share/doc/logreel-cronolog 2>/dev/null || echo gone
cat /trial/*/access.log`

// A system whose Apache logs through cronolog, by its path, has logreel do that without a
// configuration being edited.
func TestPackageInPlaceOfCronolog(t *testing.T) {
	t.Parallel()
	needRoot(t, "unshare", "cronolog", "apache2", "dpkg")
	first, _, _ := packages(t)
	server := newExample(t)
	_, port, _ := strings.Cut(server.address, ":")
	out, err := try("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", copied, "bash", t.TempDir(), first.dist,
		replaced, "bash", port, first.version, runtime.GOARCH)
	if !strings.HasPrefix(out, "mounted\n") {
		t.Skipf("this system cannot be copied here: %s", out)
	}
	want := fmt.Sprintln("mounted") + `/usr/bin/cronolog
logreel; not-installed
/usr/bin/logreel
/usr/share/man/man1/cronolog.1.gz
gone
GET /first HTTP/1.0
GET /second HTTP/1.0
`
	if err != nil || out != want {
		t.Errorf("%v: got\n%s\nwant\n%s", err, out, want)
	}
}

// What the packages hold beside what dpkg and rpm need.
func TestPackageInPlaceOfCronologContents(t *testing.T) {
	t.Parallel()
	need(t, "dpkg-deb", "rpm", python)
	first, again, _ := packages(t)
	for i, path := range first.inPlaceOf() {
		if readFile(t, path) != readFile(t, again.inPlaceOf()[i]) {
			t.Errorf("%s: another build made other bytes", filepath.Base(path))
		}
	}
	files := untar(t, strings.NewReader(run(t, "dpkg-deb", "--fsys-tarfile", first.inPlaceOf()[0])))
	for _, name := range []string{"man/man1/cronolog.1.gz", "doc/logreel-cronolog/copyright", "doc/logreel-cronolog/changelog.gz"} {
		if len(files["./usr/share/"+name]) == 0 {
			t.Errorf("the deb lacks %s", name)
		}
	}
	for option, want := range map[string]string{
		"--requires": "logreel >= " + first.version, "--provides": "cronolog = 1.6.3", "--obsoletes": "cronolog < 1.6.3", "--conflicts": "cronolog < 1.6.3", "--list": "/usr/bin/cronolog",
	} {
		if got := run(t, "rpm", "-qp", "--nosignature", option, first.inPlaceOf()[1]); !strings.Contains("\n"+got, "\n"+want+"\n") {
			t.Errorf("rpm -qp %s: got %q, want %q", option, got, want)
		}
	}
	if got := run(t, python, "python/apk.py", first.inPlaceOf()[2], "logreel-cronolog", first.version, "noarch"); got != "2 files\n" {
		t.Error(got)
	}
}
