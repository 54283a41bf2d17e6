package files

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// An admission returns why a file that was there is not to be written to; nil if it may be.
type admission func(at place, st *unix.Stat_t) error

// An untrusted is why something is left alone that somebody else may have put there.
type untrusted string

func (u untrusted) Error() string { return string(u) }

// ours reports whether a user is root or we ourselves: neither would deceive us.
func ours(uid uint32) bool { return uid == 0 || int(uid) == os.Geteuid() }

const othersWrite = 0o022

// private reports whether nobody but root and us may write to a directory. Of one with an
// access control list, the bits of the group tell of all that are in it (acl(5)).
func private(dir *unix.Stat_t) bool { return ours(dir.Uid) && dir.Mode&othersWrite == 0 }

// admitLog is the rule for what lines are appended to.
func (d Disk) admitLog(at place, st *unix.Stat_t) error {
	dir, err := at.status()
	if err != nil || private(dir) {
		return err
	}
	theirs := st.Uid == dir.Uid && dir.Mode&othersWrite == 0 // they could write to it themselves
	shared := st.Gid == dir.Gid && dir.Mode&0o020 != 0
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFCHR:
		return refused("a device", dir)
	case st.Nlink > 1 && !theirs && !d.isSecond(st):
		return refused("a file with another name", dir)
	case os.Geteuid() != 0 && dir.Mode&unix.S_ISVTX == 0: // what we may write to, we may
	case !d.owns(st) && st.Uid != dir.Uid && !shared:
		return refused("a file of "+userName(st.Uid), dir)
	}
	return nil
}

// admitOwn is the rule for files that nobody has a use for but us. On file systems that have
// owners of their own, such as a share that is mounted for one user, ours are the directory's
// owner's.
func (d Disk) admitOwn(at place, st *unix.Stat_t) error {
	dir, err := at.status()
	if err != nil || private(dir) {
		return err
	}
	switch {
	case !d.owns(st) && st.Uid != dir.Uid:
		return refused("a file of "+userName(st.Uid), dir)
	case st.Nlink > 1:
		return refused("a file with another name", dir)
	}
	return nil
}

func (d Disk) owns(st *unix.Stat_t) bool { return ours(st.Uid) || int(st.Uid) == d.Owner }

// isSecond reports whether a file is the one whose second name is expected.
func (d Disk) isSecond(st *unix.Stat_t) bool {
	if d.Second == "" || st.Nlink != 2 {
		return false
	}
	var second unix.Stat_t
	err := in(d.Second, func(at place) error {
		return unix.Fstatat(at.dir, at.name, &second, unix.AT_SYMLINK_NOFOLLOW)
	})
	return err == nil && second.Ino == st.Ino && second.Dev == st.Dev
}

// mayFollow returns why a symlink in a directory is not to be followed; nil if it may be.
//
// Whoever may write to two directories can move any symlink from one to the other, and under
// any name. So in a directory of somebody else's, and in one that everybody may write to and
// that is not sticky, root follows not even its own. A group that root shares a directory with
// is trusted so far: Ubuntu's /var/log is of that kind, and links of root's in it are common.
func mayFollow(dir, link *unix.Stat_t) error {
	fixed := os.Geteuid() != 0 || ours(dir.Uid) && (dir.Mode&0o002 == 0 || dir.Mode&unix.S_ISVTX != 0)
	// What is root's may have been given a second name (link(2)).
	if private(dir) || fixed && ours(link.Uid) && link.Nlink == 1 {
		return nil
	}
	return untrusted(fmt.Sprintf("a symlink of %s, in a directory that %s may write to; not followed, remove it", userName(link.Uid), writers(dir)))
}

func refused(what string, dir *unix.Stat_t) error {
	return untrusted(fmt.Sprintf("%s, in a directory that %s may write to; not written to, remove it", what, writers(dir)))
}

// writers tells who may write to a directory beside root and us.
func writers(dir *unix.Stat_t) string {
	switch {
	case dir.Mode&0o002 != 0:
		return "everybody"
	case dir.Mode&0o020 != 0:
		return "group " + groupName(dir.Gid)
	}
	return userName(dir.Uid)
}

func userName(uid uint32) string {
	if u, err := user.LookupId(strconv.Itoa(int(uid))); err == nil {
		return "user " + u.Username
	}
	return fmt.Sprintf("user %d", uid)
}

func groupName(gid uint32) string {
	if g, err := user.LookupGroupId(strconv.Itoa(int(gid))); err == nil {
		return g.Name
	}
	return strconv.Itoa(int(gid))
}
