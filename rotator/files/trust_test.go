//go:build linux

package files

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Users and groups that need no entry in /etc/passwd.
const (
	shop  = 54321 // whose directory it is
	other = 54322
	staff = 54323 // a group
)

// What somebody has planted who may write to the directory.
var planted = []struct {
	name  string
	plant func(s *scene)
	want  string
}{
	{"symlink", func(s *scene) { s.link(s.outside+"/victim", "a.log", shop) }, "a symlink of user 54321, in a directory that user 54321 may write to; not followed, remove it"},
	{"symlink to nothing", func(s *scene) { s.link(s.outside+"/new", "a.log", shop) }, "a symlink of user 54321"},
	{"symlink of another's", func(s *scene) { s.link(s.outside+"/victim", "a.log", other) }, "a symlink of user 54322"},
	{"symlink of root's that was moved there", func(s *scene) {
		s.must(os.Symlink(s.outside+"/victim", s.outside+"/way"), os.Rename(s.outside+"/way", s.log+"/a.log"))
		s.before = s.state()
	}, "a symlink of user root, in a directory that user 54321 may write to"},
	{"symlink of root's in everybody's directory", func(s *scene) {
		s.own(".", 0, 0)
		s.must(os.Chmod(s.log, 0o777))
		s.link(s.outside+"/victim", "a.log", 0)
	}, "a symlink of user root, in a directory that everybody may write to"},
	{"symlink to a symlink of root's", func(s *scene) {
		s.must(os.Symlink("victim", s.outside+"/way"))
		s.before = s.state()
		s.link(s.outside+"/way", "a.log", shop)
	}, "a symlink of user 54321"},
	{"second name of a symlink of root's", func(s *scene) {
		s.must(os.Symlink(s.outside+"/victim", s.outside+"/way"), os.Link(s.outside+"/way", s.log+"/a.log"))
		s.before = s.state()
	}, "a symlink of user root"},
	{"hard link", func(s *scene) { s.must(os.Link(s.outside+"/victim", s.log+"/a.log")) }, "a file with another name, in a directory that user 54321 may write to; not written to, remove it"},
	{"hard link and the second name of another", func(s *scene) {
		s.must(os.Link(s.outside+"/victim", s.log+"/a.log"))
		s.write("second", 0, 0)
	}, "a file with another name"},
	{"file of another's", func(s *scene) { s.write("a.log", other, other) }, "a file of user 54322"},
	{"device", func(s *scene) {
		s.must(unix.Mknod(s.log+"/a.log", unix.S_IFCHR|0o666, 1<<8|3))
		s.own("a.log", shop, shop)
	}, "a device"},
	{"FIFO", func(s *scene) { s.must(unix.Mkfifo(s.log+"/a.log", 0o666)) }, "not a regular file"},
	{"socket", func(s *scene) {
		s.must(unix.Mknod(s.log+"/a.log", unix.S_IFSOCK|0o666, 0))
	}, "no such device or address"},
	{"directory", func(s *scene) { s.must(os.Mkdir(s.log+"/a.log", 0o755)) }, "is a directory"},
	{"in a group's directory", func(s *scene) {
		s.own(".", 0, staff)
		s.must(os.Chmod(s.log, 0o775))
		s.link(s.outside+"/victim", "a.log", other)
	}, "a symlink of user 54322, in a directory that group 54323 may write to"},
	{"in everybody's directory", func(s *scene) {
		s.own(".", 0, 0)
		s.must(os.Chmod(s.log, 0o777|os.ModeSticky))
		s.link(s.outside+"/victim", "a.log", other)
	}, "a symlink of user 54322, in a directory that everybody may write to"},
	{"file in everybody's directory", func(s *scene) {
		s.own(".", 0, 0)
		s.must(os.Chmod(s.log, 0o777|os.ModeSticky))
		s.write("a.log", other, other)
	}, "a file of user 54322"},
}

func TestPlanted(t *testing.T) { // not parallel, as all here: they change what is known of the kernel
	needRoot(t)
	for _, test := range planted {
		t.Run(test.name, func(t *testing.T) {
			both(t, func(t *testing.T) {
				s := newScene(t)
				s.own(".", shop, shop)
				s.before = s.state()
				test.plant(s)
				f, err := Disk{Second: s.log + "/second"}.openLog(s.log + "/a.log")
				if f != nil {
					_, _ = f.Write([]byte("a line\n"))
				}
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %s", err, test.want)
				}
				if got := s.state(); got != s.before {
					t.Errorf("outside is %s, was %s", got, s.before)
				}
			})
		})
	}
}

// The second name that is expected is not looked for by way of a symlink that somebody planted.
func TestPlantedSecond(t *testing.T) {
	needRoot(t)
	both(t, func(t *testing.T) {
		s := newScene(t)
		s.must(os.Link(s.outside+"/victim", s.log+"/a.log"))
		s.link(s.outside, "dir", shop)
		s.own(".", shop, shop)
		s.before = s.state()
		if _, err := (Disk{Second: s.log + "/dir/victim"}).openLog(s.log + "/a.log"); err == nil || !strings.Contains(err.Error(), "a file with another name") {
			t.Errorf("got %v", err)
		}
		if got := s.state(); got != s.before {
			t.Errorf("outside is %s, was %s", got, s.before)
		}
	})
}

// A directory that was put into the place of the one just made is not given away. In a private
// directory nobody can, and on some file systems all has one owner, or one mode.
func TestNewDirectory(t *testing.T) {
	needRoot(t)
	for name, test := range map[string]struct {
		owner  int // of the directory that it is in
		change func(dir string) error
		want   bool
	}{
		"new":                  {shop, func(string) error { return nil }, true},
		"the owner's":          {shop, func(dir string) error { return os.Chown(dir, shop, shop) }, true},
		"not empty":            {shop, func(dir string) error { return os.WriteFile(dir+"/a", nil, 0o600) }, false},
		"another's":            {shop, func(dir string) error { return os.Chown(dir, other, shop) }, false},
		"open for all":         {shop, func(dir string) error { return os.Chmod(dir, 0o755) }, false},
		"another's in ours":    {0, func(dir string) error { return os.Chown(dir, other, shop) }, true},
		"open for all in ours": {0, func(dir string) error { return os.Chmod(dir, 0o755) }, true},
	} {
		top := t.TempDir()
		dir := filepath.Join(top, "dir")
		err := errors.Join(os.Mkdir(dir, 0o700), test.change(dir), os.Chown(top, test.owner, 0))
		fd, errOpen := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err := errors.Join(err, errOpen); err != nil {
			t.Fatal(err)
		}
		if err := in(dir, func(at place) error {
			got, err := at.made(fd)
			if got != test.want {
				t.Errorf("%s: got %t", name, got)
			}
			return err
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	}
}

// Nothing is done by way of a directory that somebody has put a symlink in the place of.
func TestPlantedDirectory(t *testing.T) {
	needRoot(t)
	d := Disk{}
	for op, do := range map[string]func(path string) error{
		"open":        func(path string) error { _, err := d.Open(path+"/a.log", false, 0); return err },
		"make":        func(path string) error { _, err := d.Open(path+"/b.log", true, 0o640); return err },
		"mkdir":       func(path string) error { _, err := d.Mkdir(path + "/new"); return err },
		"temporary":   func(path string) error { _, err := d.Temporary(path + "/a.log"); return err },
		"read":        func(path string) error { _, err := d.Read(path + "/a.log"); return err },
		"names":       func(path string) error { _, err := d.Names(path); return err },
		"remove":      func(path string) error { return d.Remove(path + "/a.log") },
		"rmdir":       func(path string) error { return d.Rmdir(filepath.Dir(path) + "/dir/empty") },
		"rename from": func(path string) error { return d.Rename(path+"/a.log", filepath.Dir(path)+"/taken") },
		"rename to":   func(path string) error { return d.Rename(filepath.Dir(path)+"/mine", path+"/a.log") },
		"symlink":     func(path string) error { return d.Symlink("x", path+"/link") },
		"link": func(path string) error {
			info, _ := d.Stat(path+"/a.log", false)
			return d.Link(path+"/a.log", path+"/c", info)
		},
		"times":        func(path string) error { return d.SetTimes(path+"/a.log", time.Now(), time.Now()) },
		"sync":         func(path string) error { return d.SyncDir(path) },
		"space":        func(path string) error { _, _, err := d.Space(path + "/a.log"); return err },
		"may be wrote": func(path string) error { return d.Writable(path) },
	} {
		t.Run(op, func(t *testing.T) {
			both(t, func(t *testing.T) {
				s := newScene(t)
				s.must(os.Mkdir(s.outside+"/dir/empty", 0o755))
				s.write("mine", shop, shop)
				s.link(s.outside+"/dir", "dir", shop)
				s.own(".", shop, shop)
				s.before = s.state()
				if err := do(s.log + "/dir"); err == nil || !strings.Contains(err.Error(), "a symlink of user 54321") {
					t.Errorf("got %v", err)
				}
				if got := s.state(); got != s.before {
					t.Errorf("outside is %s, was %s", got, s.before)
				}
			})
		})
	}
}

// Temporary files and marks that somebody else has made are not taken for ours.
func TestPlantedTemporary(t *testing.T) {
	needRoot(t)
	for name, plant := range map[string]func(s *scene){
		"symlink":    func(s *scene) { s.link(s.outside+"/victim", "t", shop) },
		"hard link":  func(s *scene) { s.must(os.Link(s.outside+"/victim", s.log+"/t")) },
		"file":       func(s *scene) { s.write("t", other, shop) },
		"to nothing": func(s *scene) { s.link(s.outside+"/new", "t", shop) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.own(".", shop, shop)
			s.before = s.state()
			plant(s)
			_, err := Disk{}.Temporary(s.log + "/t")
			if errTimes := (Disk{}).SetTimes(s.log+"/t", time.Now(), time.Now()); err == nil || errTimes == nil {
				t.Errorf("got %v and %v", err, errTimes)
			}
			if got := s.state(); got != s.before {
				t.Errorf("outside is %s, was %s", got, s.before)
			}
		})
	}
}

// What we made is ours, though a share that is mounted for one user says it is that one's.
func TestTemporaryOfTheOwner(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	s.own(".", shop, shop)
	s.write("t", shop, shop)
	f, err := Disk{}.Temporary(s.log + "/t")
	s.must(err)
	s.must(f.Close(), Disk{}.SetTimes(s.log+"/t", time.Unix(1, 0), time.Unix(2, 0)))
	if info, err := (Disk{}).Stat(s.log+"/t", false); err != nil || !info.Modified.Equal(time.Unix(2, 0)) || !info.Accessed.Equal(time.Unix(1, 0)) {
		t.Errorf("got %v, %v", info, err)
	}
}

// What is as it should be is opened, and the line is where it belongs.
func TestNobodyLockedOut(t *testing.T) {
	for _, test := range []struct {
		name    string
		root    bool
		disk    Disk
		prepare func(s *scene) (path, file string)
	}{
		{"nothing there", false, Disk{}, func(s *scene) (string, string) { return "a.log", "log/a.log" }},
		{"our own link", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.Symlink(s.outside+"/victim", s.log+"/a.log"))
			return "a.log", "outside/victim"
		}},
		{"our own link to nothing", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.Symlink("../outside/new", s.log+"/a.log"))
			return "a.log", "outside/new"
		}},
		{"our own links to a directory", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.Symlink("../outside", s.log+"/one"), os.Symlink("one/dir", s.log+"/two"))
			return "two/a.log", "outside/dir/a.log"
		}},
		{"dots", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.Symlink("../outside/dir", s.log+"/way"))
			return "./way/../victim", "outside/victim"
		}},
		{"our own file with two names", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.WriteFile(s.log+"/a.log", nil, 0o600), os.Link(s.log+"/a.log", s.log+"/b"))
			return "a.log", "log/a.log"
		}},
		{"a group's directory", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.Chmod(s.log, 0o775), os.Symlink("../outside/victim", s.log+"/a.log"))
			return "a.log", "outside/victim"
		}},
		{"root's link to a directory of the application's", true, Disk{}, func(s *scene) (string, string) {
			s.must(os.Symlink("../outside", s.log+"/data"), os.Chown(s.outside, shop, shop))
			return "data/a.log", "outside/a.log"
		}},
		{"somebody's link in root's directory", true, Disk{}, func(s *scene) (string, string) {
			s.link("../outside", "data", shop)
			return "data/a.log", "outside/a.log"
		}},
		{"root's link in a group's directory", true, Disk{}, func(s *scene) (string, string) {
			s.link("../outside/victim", "a.log", 0)
			s.own(".", 0, staff)
			s.must(os.Chmod(s.log, 0o775))
			return "a.log", "outside/victim"
		}},
		{"root's link in everybody's sticky directory", true, Disk{}, func(s *scene) (string, string) {
			s.link("../outside/victim", "a.log", 0)
			s.must(os.Chmod(s.log, 0o777|os.ModeSticky))
			return "a.log", "outside/victim"
		}},
		{"a file of root's in the application's directory", true, Disk{}, func(s *scene) (string, string) {
			s.write("a.log", 0, 0)
			s.own(".", shop, shop)
			return "a.log", "log/a.log"
		}},
		{"the application's old file", true, Disk{}, func(s *scene) (string, string) {
			s.write("a.log", shop, shop)
			s.own(".", shop, shop)
			return "a.log", "log/a.log"
		}},
		{"the application's file with a backup's second name", true, Disk{}, func(s *scene) (string, string) {
			s.write("a.log", shop, shop)
			s.must(os.Link(s.log+"/a.log", s.outside+"/backup"))
			s.own(".", shop, shop)
			return "a.log", "log/a.log"
		}},
		{"a file of --owner", true, Disk{Owner: other}, func(s *scene) (string, string) {
			s.write("a.log", other, other)
			s.own(".", shop, shop)
			return "a.log", "log/a.log"
		}},
		{"a member's file in a group's directory", true, Disk{}, func(s *scene) (string, string) {
			s.own(".", 0, staff)
			s.must(os.Chmod(s.log, 0o775|os.ModeSetgid))
			s.write("a.log", other, staff)
			return "a.log", "log/a.log"
		}},
		{"ours in everybody's directory", false, Disk{}, func(s *scene) (string, string) {
			s.must(os.Chmod(s.log, 0o777|os.ModeSticky), os.WriteFile(s.log+"/a.log", nil, 0o600))
			return "a.log", "log/a.log"
		}},
		{"a hard link of logreel's", true, Disk{Second: "second"}, func(s *scene) (string, string) {
			s.write("a.log", 0, 0)
			s.must(os.Link(s.log+"/a.log", s.log+"/second"))
			s.own(".", shop, shop)
			return "a.log", "log/a.log"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root {
				needRoot(t)
			}
			both(t, func(t *testing.T) {
				s := newScene(t)
				path, file := test.prepare(s)
				if test.disk.Second != "" {
					test.disk.Second = s.log + "/second"
				}
				for range 2 {
					f, err := test.disk.openLog(s.log + "/" + path)
					if err != nil {
						t.Fatal(err)
					}
					_, err = f.Write([]byte("a line\n"))
					s.must(err, f.Close())
				}
				content, err := os.ReadFile(filepath.Dir(s.log) + "/" + file)
				if err != nil || strings.Count(string(content), "a line\n") != 2 {
					t.Errorf("the file has %q, %v", content, err)
				}
			})
		})
	}
}

// Devices, and what only the kernel can follow, can be written to.
func TestDevices(t *testing.T) {
	both(t, func(t *testing.T) {
		name := t.TempDir() + "/a.log"
		held, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		for _, path := range []string{"/dev/null", "/proc/self/fd/" + strconv.Itoa(int(held.Fd())), "/dev/fd/" + strconv.Itoa(int(held.Fd())),
			"/proc/self/root" + name, "/proc/self/cwd/../files/../../../../../../../../../../../../.." + name} {
			f, err := Disk{}.Open(path, false, 0)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if _, err := f.Write([]byte("a line\n")); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if content, err := os.ReadFile(name); err != nil || strings.Count(string(content), "a line\n") != 4 {
			t.Errorf("the file has %q, %v", content, err)
		}
	})
}

// Symlinks that lead round and round end somewhere.
func TestLoop(t *testing.T) {
	both(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := errors.Join(os.Symlink("b", dir+"/a"), os.Symlink("a", dir+"/b")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/a", "/a/x"} {
			if _, err := (Disk{}).openLog(dir + path); !errors.Is(err, unix.ELOOP) {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}
