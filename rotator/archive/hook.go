package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// killAfter is how long a command that is to end has before it is killed.
const killAfter = 5 * time.Second

// Mark notes that a file is to be handed on when it is finished.
func Mark(system files.System, path string) error {
	mark, err := system.Temporary(filename.Hidden(path, filename.Pending))
	if err != nil {
		return err
	}
	return mark.Close()
}

// handOn runs the command for a file. It fails with [files.ErrLocked] or errStopped when
// the file is left for later.
func (p *pass) handOn(f *file) error {
	path, aside := filename.Hidden(f.plain, filename.Pending), filename.Hidden(f.plain, filename.Handed)
	mark, err := p.lockIfThere(path)
	if mark == nil && err == nil {
		if mark, err = p.lockIfThere(aside); mark != nil { // killed in unmark
			err = p.Files.Rename(aside, path)
		}
	}
	if mark == nil { // somebody else has handed it on, or is about to
		return err
	}
	if err == nil {
		err = p.run(f, path, aside)
	}
	return errors.Join(err, mark.Close())
}

// run runs the command for a file, and removes its mark.
func (p *pass) run(f *file, mark, aside string) error {
	h, err := p.lock(f)
	if err != nil {
		return ignoreGone(err)
	}
	if err := h.Close(); err != nil {
		return err
	}
	if f.ending != "" { // with the original beside it, it is not complete, or more is to be appended
		if _, err := p.Files.Stat(f.plain, false); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := p.Files.Writable(files.Dir(mark)); err != nil {
		return fmt.Errorf("%w; %s is not handed on, since that could not be noted", err, f.path)
	}
	done, failure := p.execute(f)
	if !done {
		return failure
	}
	return errors.Join(failure, p.unmark(f, mark, aside))
}

// unmark removes the mark of a file that was handed on, unless more is to be. Who opens
// the file marks it after that. So the mark is put aside before the file is looked at: it
// is either seen to be open, or marked anew.
func (p *pass) unmark(f *file, mark, aside string) error {
	if err := p.Files.Rename(mark, aside); err != nil {
		return err
	}
	if more, err := p.more(f); more || err != nil {
		return errors.Join(err, p.Files.Rename(aside, mark))
	}
	f.pending = false
	return p.Files.Remove(aside)
}

// more reports whether lines have come for a file since it was handed on, or may come.
func (p *pass) more(f *file) (more bool, err error) {
	h, err := p.Files.Read(f.plain)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := h.Info()
	more = f.ending != "" || info.Size != f.info.Size || errors.Is(h.Lock(true), files.ErrLocked)
	return more, errors.Join(err, h.Close())
}

// notHandedOn fails with [files.ErrLocked] while another pass runs the command for a file.
func (p *pass) notHandedOn(f *file) error {
	mark, err := p.lockIfThere(filename.Hidden(f.plain, filename.Pending))
	if mark != nil {
		err = mark.Close()
	}
	return err
}

// execute runs the command to its end. It is not done if it could not be started, if a
// signal ended it, or if the pass is to end.
func (p *pass) execute(f *file) (done bool, err error) {
	p.Messages.Detail("--exec: %s", f.path)
	cmd := exec.Command("/bin/sh", "-c", p.Exec, "logreel", f.path)
	cmd.Env = p.Environment
	cmd.Env = append(cmd.Environ(), "LOGREEL_FILE="+f.path, "LOGREEL_START="+instant(f.period.Start), "LOGREEL_END="+instant(f.period.End))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			err = fmt.Errorf("%s: %w", f.path, err)
		}
		// A signal comes from whoever stops everything, such as a supervisor.
		return cmd.ProcessState.Exited(), err
	case <-time.After(p.ExecTimeout):
		terminate(cmd, ended, killAfter)
		return true, fmt.Errorf("%s: ended after %v, the limit of --exec-timeout", f.path, p.ExecTimeout)
	case <-p.Stop:
		terminate(cmd, ended, killAfter)
		return false, errStopped
	}
}

// terminate ends a command and what it has started. What is left after a while is killed.
func terminate(cmd *exec.Cmd, ended <-chan error, after time.Duration) {
	group := -cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // fails if it has just ended
	for begun := time.Now(); syscall.Kill(group, 0) == nil && time.Since(begun) < after; {
		time.Sleep(time.Millisecond)
	}
	_ = syscall.Kill(group, syscall.SIGKILL) // fails if nobody is left
	<-ended
}

// instant spells the start or the end of a period; empty for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
