package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/logreel/logreel/rotator/filename"
	"github.com/logreel/logreel/rotator/files"
)

const (
	// chunk is how much is read at once.
	chunk = 256 << 10
	// syncEvery is how much compressed data goes to the disk at once. Much more, at the
	// end, would hold up others who sync a file there.
	syncEvery = 4 << 20
	// window is how far back zstd looks. Each further byte takes four bytes of memory.
	window = 2 << 20
)

// A Format is a way to compress. Two files of one format may be appended to each other:
// they are read as one, in both formats (RFC 1952 2.2, RFC 8878 3.1).
type Format struct {
	Name   string
	Ending string
	magic  string // what its files begin with
	writer func(w io.Writer) (io.WriteCloser, error)
}

// formats are those that names may end with.
var formats = []*Format{
	{
		Name: "gzip", Ending: filename.Gzip, magic: "\x1f\x8b",
		writer: func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.DefaultCompression) },
	},
	{
		Name: "zstd", Ending: filename.Zstd, magic: "\x28\xb5\x2f\xfd",
		writer: func(w io.Writer) (io.WriteCloser, error) {
			// zstd(1) takes a file without a frame for a damaged one.
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithZeroFrames(true))
		},
	},
}

// FormatNamed returns the format of a name: gzip or zstd; nil for any other.
func FormatNamed(name string) *Format {
	for _, f := range formats {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// compress replaces a file with a compressed one. It fails with [files.ErrLocked] or
// errStopped when the file is left for later.
func (c Config) compress(f *file) error {
	if h, err := c.grab(f); err != nil { // it is live, or gone
		return ignoreGone(err)
	} else if err := h.Close(); err != nil {
		return err
	}
	to := &file{path: f.plain + c.Compress.Ending, plain: f.plain}
	if err := c.write(f, to); err != nil {
		return ignoreGone(err)
	}
	info, err := c.Files.Stat(to.path, false)
	f.path, f.ending, f.info, f.removed = to.path, c.Compress.Ending, info, false
	return err
}

// ignoreGone returns errStopped for a file that is gone, since somebody else was faster.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errStopped
	}
	return err
}

// write compresses a file into a temporary one and puts that in its place.
func (c Config) write(f, to *file) (err error) {
	if info, err := c.Files.Stat(to.path, false); err == nil && !info.Regular {
		return fmt.Errorf("%s is in the way and not a regular file", to.path)
	}
	temporary := hidden(to.path, endingTemporary)
	out, err := c.Files.Temporary(temporary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := c.own(out, temporary); err != nil {
		return err
	}
	// From here on nobody else can be compressing it.
	if _, err := c.Files.Stat(hidden(to.path, endingDone), false); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, files.ErrLocked) // see takeUp
	}
	mode := f.info.Mode
	if err := out.Chown(f.info.UID, f.info.GID); err != nil {
		if is, err := out.Info(); err != nil || is.GID != f.info.GID {
			mode &^= 0o070 // they were for another group
		}
		c.Messages.Detail("%v; the owner of %s is not kept", err, to.path)
	}
	if err = out.Truncate(); err == nil {
		err = c.fill(out, f, to)
	}
	if err == nil {
		err = errors.Join(out.Chmod(mode), c.Files.SetModified(temporary, f.info.Modified), out.Sync())
	}
	if err != nil {
		return errors.Join(err, c.Files.Remove(temporary))
	}
	return c.replace(f, to, temporary)
}

// own makes sure that nobody else writes to a temporary file, or has given it its final
// name between our opening and locking it.
func (c Config) own(out files.File, temporary string) error {
	if err := out.Lock(true); err != nil {
		return err
	}
	is, err := out.Info()
	if err != nil {
		return err
	}
	if at, err := c.Files.Stat(temporary, false); err != nil || !at.Same(is) {
		return files.ErrLocked
	}
	return nil
}

// fill writes what is to be in the compressed file: what that has already, and then the
// original.
func (c Config) fill(out files.File, f, to *file) error {
	switch before, err := c.Files.Read(to.path); {
	case err == nil:
		if err := errors.Join(c.copy(out, before, to), before.Close()); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	in, err := c.whole(f)
	if err != nil {
		return err
	}
	size, err := c.squeeze(out, in)
	if err := errors.Join(err, in.Close()); err != nil {
		return err
	}
	if size != in.size { // someone writes to it
		return files.ErrLocked
	}
	return nil
}

// copy copies a compressed file, and fails if it is something else.
func (c Config) copy(out, in files.File, to *file) error {
	head := make([]byte, len(c.Compress.magic))
	n, err := io.ReadFull(in, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if head = head[:n]; n > 0 && string(head) != c.Compress.magic {
		return fmt.Errorf("%s is not in the format of %s; move it away", to.path, c.Compress.Name)
	}
	_, err = io.Copy(&steady{c, out, 0}, io.MultiReader(bytes.NewReader(head), &stoppable{c, in}))
	return err
}

// squeeze compresses what it reads and returns how much that was.
func (c Config) squeeze(out files.File, in io.Reader) (int64, error) {
	w, err := c.Compress.writer(&steady{c, out, 0})
	if err != nil {
		return 0, err
	}
	// The writer's ReadFrom is hidden, since it may take more at once.
	size, err := io.CopyBuffer(struct{ io.Writer }{w}, &stoppable{c, in}, make([]byte, chunk))
	if closing := w.Close(); err == nil { // else it repeats the error
		err = closing
	}
	return size, err
}

// A whole is a file that is read with a newline after its last line, even if a crash has
// left that without one: what is later appended to the compressed file is a new line.
type whole struct {
	io.Reader
	files.File
	size int64 // of the file and that newline
}

func (w *whole) Read(p []byte) (int, error) { return w.Reader.Read(p) }

// whole opens a file to be read in that way.
func (c Config) whole(f *file) (*whole, error) {
	h, err := c.Files.Read(f.path)
	if err != nil {
		return nil, err
	}
	info, err := h.Info()
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	w := &whole{h, h, f.info.Size}
	if info.Torn {
		w.Reader = io.MultiReader(h, strings.NewReader("\n"))
		w.size++
	}
	return w, nil
}

// replace puts the temporary file in the place of the original, if that has not changed
// since it was read. The original gets another name first: as long as it has that, the
// temporary file is complete, or has its final name already.
func (c Config) replace(f, to *file, temporary string) error {
	h, err := c.grab(f)
	if err == nil {
		defer h.Close() // it was only read
		err = errors.Join(c.unchanged(f, h), c.notHandedOn(f))
	}
	done := hidden(to.path, endingDone)
	if err == nil {
		err = c.Files.Rename(f.path, done)
	}
	if err != nil {
		return errors.Join(err, c.Files.Remove(temporary))
	}
	if err := c.Files.Rename(temporary, to.path); err != nil {
		return err
	}
	c.Messages.Detail("compressed %s", f.path)
	c.removeDone(done)
	return nil
}

// unchanged fails if a file has changed since it was read.
func (c Config) unchanged(f *file, h files.File) error {
	info, err := h.Info()
	if err == nil && (info.Size != f.info.Size || !info.Modified.Equal(f.info.Modified)) {
		return files.ErrLocked
	}
	return err
}

// removeDone removes an original after the compressed file has taken its place.
func (c Config) removeDone(path string) {
	err := c.Files.SyncDir(files.Dir(path))
	if err == nil {
		err = c.Files.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Messages.Warn("%v; to be removed later", err)
	}
}

// A steady writer writes all it is given, and syncs it bit by bit, until the pass is to
// end.
type steady struct {
	c       Config
	out     files.File
	pending int
}

func (s *steady) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if err := s.c.stopped(); err != nil {
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
	if s.pending += n; s.pending >= syncEvery {
		s.pending = 0
		return n, s.out.Sync()
	}
	return n, nil
}

// A stoppable reader fails when the pass is to end.
type stoppable struct {
	c  Config
	in io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.c.stopped(); err != nil {
		return 0, err
	}
	return s.in.Read(p)
}
