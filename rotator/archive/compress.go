package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

// chunk is how much is read at once.
const chunk = 256 << 10

// errLinked is what compressing fails with while a link leads to the file.
var errLinked = errors.New("a link leads to it; it is compressed when that leads elsewhere")

// compress replaces a file with a compressed one. It fails with an error of isLater when
// the file is left for later.
func (p *pass) compress(f *file) error {
	if h, err := p.lock(f); err != nil { // it is live, or gone
		return err
	} else if err := errors.Join(p.obstacle(f), h.Close()); err != nil {
		return err
	}
	to := &file{path: f.plain + p.Compress.Ending, plain: f.plain}
	if err := p.write(f, to); err != nil {
		return err
	}
	info, err := p.Files.Stat(to.path, false)
	f.path, f.ending, f.info, f.removed = to.path, p.Compress.Ending, info, false
	return err
}

// obstacle returns why a file cannot be compressed; nil if it can.
func (p *pass) obstacle(f *file) error {
	if err := p.linked(f); err != nil {
		return err
	}
	to := f.plain + p.Compress.Ending
	// Of all names that are made, this one is the longest.
	if _, err := p.Files.Stat(filename.Hidden(to, filename.Done), false); isTooLong(err) {
		return err
	}
	switch info, err := p.Files.Stat(to, false); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Regular:
		return fmt.Errorf("%s is in the way and not a regular file", to)
	}
	return p.appendable(f, to)
}

// linked fails with errLinked while a link leads to a file: somebody may be reading by it.
// The rotator points the previous link to a file before it points the other one away.
func (p *pass) linked(f *file) error {
	for _, name := range []string{p.Link, p.PreviousLink} {
		if name == "" {
			continue
		}
		if info, err := p.Files.Stat(name, true); err == nil && info.Same(f.info) {
			return errLinked
		}
	}
	return nil
}

// write compresses a file into a temporary one and puts that in its place.
func (p *pass) write(f, to *file) (err error) {
	temporary := filename.Hidden(to.path, filename.Temporary)
	out, err := p.Files.Temporary(temporary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	info, err := p.lockOpen(out, temporary)
	if err != nil {
		return err
	}
	if info.UID != os.Geteuid() && info.UID != f.info.UID { // who may have it open
		return fmt.Errorf("%s has another owner; remove it", temporary)
	}
	// From here on nobody else can be compressing it.
	if _, err := p.Files.Stat(filename.Hidden(to.path, filename.Done), false); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, files.ErrLocked) // see resume
	}
	mode := f.info.Mode & 0o777
	if err := out.Chown(f.info.UID, f.info.GID); err != nil {
		if is, err := out.Info(); err != nil || is.GID != f.info.GID {
			mode &^= 0o070 // they were for another group
		}
		p.Messages.Detail("%v; the owner of %s is not kept", err, to.path)
	}
	if err = out.Truncate(); err == nil {
		err = p.fill(&syncing{pass: p, out: out, of: f}, f, to)
	}
	if to.info.Regular {
		mode &= to.info.Mode // it has the lines of both
	}
	if err == nil {
		err = errors.Join(out.Chmod(mode), out.SetTimes(f.info.Modified, f.info.Modified), out.Sync())
	}
	if err != nil {
		return errors.Join(err, p.Files.Remove(temporary))
	}
	return p.replace(f, to, temporary)
}

// fill writes what is to be in the compressed file: what that has already, and then the
// original.
func (p *pass) fill(out *syncing, f, to *file) error {
	switch before, err := p.Files.Read(to.path); {
	case err == nil:
		to.info, err = before.Info()
		if err == nil && (to.info.UID != f.info.UID || to.info.GID != f.info.GID) {
			err = fmt.Errorf("%s has another owner; move one of them away", to.path) // who could read what is the other's
		}
		if err == nil {
			_, err = io.Copy(out, &stoppable{p, before})
		}
		if err := errors.Join(err, before.Close()); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	in, err := p.source(f)
	if err != nil {
		return err
	}
	size, err := p.encode(out, in)
	if err := errors.Join(err, in.Close()); err != nil {
		return err
	}
	if size != in.size { // someone writes to it
		return files.ErrLocked
	}
	return nil
}

// encode compresses what it reads and returns how much that was.
func (p *pass) encode(out io.Writer, in io.Reader) (int64, error) {
	w, err := p.Compress.writer(out)
	if err != nil {
		return 0, err
	}
	// The writer's ReadFrom is hidden, since it may take more at once.
	size, err := io.CopyBuffer(struct{ io.Writer }{w}, &stoppable{p, in}, make([]byte, chunk))
	if closing := w.Close(); err == nil { // else it repeats the error
		err = closing
	}
	return size, err
}

// A source is an original that is read with a newline after its last line, even if a crash has
// left that without one: what is later appended to the compressed file is a new line.
type source struct {
	io.Reader
	files.File
	size int64 // of the file and that newline
}

func (s *source) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// source opens a file to be read in that way.
func (p *pass) source(f *file) (*source, error) {
	h, err := p.Files.Read(f.path)
	if err != nil {
		return nil, err
	}
	info, err := h.Info()
	if err == nil && !info.Same(f.info) { // its owner may be another
		err = files.ErrLocked
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	w := &source{h, h, f.info.Size}
	if info.Torn {
		w.Reader = io.MultiReader(h, strings.NewReader("\n"))
		w.size++
	}
	return w, nil
}

// replace puts the temporary file in the place of the original, if that has not changed
// since it was read. The original gets another name first: as long as it has that, the
// temporary file is complete, or has its final name already. A file system that logs only
// what is synced may keep the later of two renames without the earlier one (btrfs does,
// when somebody syncs another file), so each is made to last before the next.
func (p *pass) replace(f, to *file, temporary string) error {
	h, err := p.lock(f)
	if err == nil {
		defer h.Close() // it was only read
		err = errors.Join(p.unchanged(f, h), p.linked(f), p.notHandedOn(f))
	}
	done := filename.Hidden(to.path, filename.Done)
	if err == nil {
		err = p.Files.Rename(f.path, done)
	}
	if err != nil {
		return errors.Join(err, p.Files.Remove(temporary))
	}
	if err := p.Files.SyncDir(files.Dir(done)); err != nil {
		return err
	}
	if err := p.Files.Rename(temporary, to.path); err != nil {
		return err
	}
	p.Messages.Detail("compressed %s", f.path)
	p.removeDone(done)
	return nil
}

// unchanged fails if a file has changed since it was read.
func (p *pass) unchanged(f *file, h files.File) error {
	info, err := h.Info()
	if err == nil && (info.Size != f.info.Size || !info.Modified.Equal(f.info.Modified)) {
		return files.ErrLocked
	}
	return err
}

// removeDone removes an original after the compressed file has taken its place.
func (p *pass) removeDone(path string) {
	err := p.Files.SyncDir(files.Dir(path))
	if err == nil {
		err = p.Files.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.Messages.Warn("%v; to be removed later", err)
	}
}

// A syncing writer writes all it is given, until the pass is to end. It syncs it bit by
// bit, and makes room for the next bit under Config.KeepSize.
type syncing struct {
	*pass
	out   files.File
	of    *file // what is being compressed
	begun bool
	left  int64 // until the next sync
}

func (s *syncing) Write(p []byte) (n int, err error) {
	if int64(len(p)) > s.left {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	for n < len(p) {
		if err := s.stopped(); err != nil {
			return n, err
		}
		m, err := s.out.Write(p[n:])
		n += m
		if err == nil && m == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
	s.left -= int64(n)
	return n, nil
}

func (s *syncing) next() error {
	if s.begun {
		if err := s.out.Sync(); err != nil {
			return err
		}
	}
	s.begun, s.left = true, s.step()
	if s.KeepSize > 0 && s.ceiling(s.of.plain) < 0 {
		return errCeiling
	}
	return nil
}

// A stoppable reader fails when the pass is to end.
type stoppable struct {
	*pass
	in io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.stopped(); err != nil {
		return 0, err
	}
	return s.in.Read(p)
}
