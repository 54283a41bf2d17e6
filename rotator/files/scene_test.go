//go:build linux

package files

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A scene is a log directory, and a directory outside of it that must not change.
type scene struct {
	t            *testing.T
	log, outside string
	before       string // the state of the directory outside
}

// newScene makes the directories. Outside there are a file of root's, and a directory with
// one.
func newScene(t *testing.T) *scene {
	t.Helper()
	top := t.TempDir()
	s := &scene{t: t, log: top + "/log", outside: top + "/outside"}
	s.must(os.Mkdir(s.log, 0o755), os.MkdirAll(s.outside+"/dir", 0o755),
		os.WriteFile(s.outside+"/victim", []byte("as it was\n"), 0o640), os.WriteFile(s.outside+"/dir/a.log", []byte("as it was\n"), 0o640))
	return s
}

func (s *scene) must(errs ...error) {
	s.t.Helper()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
}

// own gives away what is in the log directory.
func (s *scene) own(name string, uid, gid int) {
	s.t.Helper()
	s.must(os.Lchown(filepath.Join(s.log, name), uid, gid))
}

func (s *scene) link(target, name string, uid int) {
	s.t.Helper()
	s.must(os.Symlink(target, s.log+"/"+name))
	s.own(name, uid, uid)
}

func (s *scene) write(name string, uid, gid int) {
	s.t.Helper()
	s.must(os.WriteFile(s.log+"/"+name, []byte("there\n"), 0o660))
	s.own(name, uid, gid)
}

// state returns all that can be seen of the directory outside, but when it was last read.
func (s *scene) state() string {
	var all strings.Builder
	s.must(filepath.Walk(s.outside, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		content := []byte{}
		if info.Mode().IsRegular() {
			content, err = os.ReadFile(path)
		}
		st := info.Sys().(*syscall.Stat_t)
		all.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + " " + strconv.Itoa(int(st.Uid)) + ":" + strconv.Itoa(int(st.Gid)) + " " + string(content) + "\n")
		return err
	}))
	return all.String()
}

// both runs a test with openat2(2), and as where a profile forbids that.
func both(t *testing.T, test func(t *testing.T)) {
	for _, without := range []bool{false, true} {
		t.Run(map[bool]string{false: "openat2", true: "without openat2"}[without], func(t *testing.T) {
			was := noOpenat2.Swap(without)
			defer noOpenat2.Store(was)
			test(t)
		})
	}
}

// open opens a log as the rotator does.
func (d Disk) openLog(path string) (f File, err error) {
	if f, err = d.Open(path, false, 0); errors.Is(err, os.ErrNotExist) {
		f, err = d.Open(path, true, 0o640)
	}
	return f, err
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can play several users")
	}
}
