package process

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// A User is whom this process is to be instead of root.
type User struct {
	Name   string // as it was given
	UID    int
	GID    int
	Groups []int // all, with GID
}

// NewUser returns a user with the groups that the system's database gives it, as
// initgroups(3) would set them. A group of -1 is the user's own.
func NewUser(name string, uid, gid int) (*User, error) {
	if uid == 0 {
		return nil, errors.New("is root, which is what is to be given up; write another user, or leave it out")
	}
	u := &User{Name: name, UID: uid, GID: gid}
	known, err := user.LookupId(strconv.Itoa(uid))
	switch {
	case err != nil && gid < 0:
		return nil, fmt.Errorf("has no entry in the system's users, so its group is not known; write it too, such as %[1]d:%[1]d", uid)
	case err != nil:
		u.Groups = []int{gid}
		return u, nil
	case gid < 0:
		if u.GID, err = strconv.Atoi(known.Gid); err != nil {
			return nil, err
		}
	}
	ids, err := known.GroupIds()
	if err != nil {
		return nil, err
	}
	u.Groups = []int{u.GID}
	for _, id := range ids {
		group, err := strconv.Atoi(id)
		if err != nil {
			return nil, err
		}
		if id != known.Gid && group != u.GID {
			u.Groups = append(u.Groups, group)
		}
	}
	return u, nil
}

// MayGive reports whether the user may give its files to an owner; -1 is any.
func (u *User) MayGive(uid, gid int) bool {
	return (uid < 0 || uid == u.UID) && (gid < 0 || slices.Contains(u.Groups, gid))
}

// Become makes this process one of the user, with the user's groups and no capabilities,
// in all threads and for ever. After an error the process is to end.
//
// It may still gain rights as any process of that user may, by programs that are set-user-ID:
// no_new_privs is not set, since hooks send mail by such.
func (u *User) Become() error {
	if os.Getuid() == u.UID && os.Geteuid() == u.UID {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("only root can become another user, and this is %s; leave it out", userName(os.Geteuid()))
	}
	if err := syscall.Setgroups(u.Groups); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(u.GID); err != nil {
		return fmt.Errorf("setgid to %d: %w", u.GID, err)
	}
	if err := syscall.Setuid(u.UID); err != nil {
		return fmt.Errorf("setuid to %d: %w", u.UID, err)
	}
	if err := u.giveUpCapabilities(); err != nil {
		return err
	}
	if syscall.Setuid(0) == nil || os.Getuid() != u.UID || os.Geteuid() != u.UID || os.Getegid() != u.GID {
		return errors.New("the system has not taken root away")
	}
	return CheckLimits() // root has no limit
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", uid)
}
