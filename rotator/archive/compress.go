package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/logreel/logreel/rotator/files"
)

const (
	// chunk is how much is read at once.
	chunk = 256 << 10
	// syncEvery is how much compressed data goes to the disk at once. Much more at the
	// end would make others wait who sync a file there.
	syncEvery = 4 << 20
	// window is how far back zstd looks. A larger one needs more memory: four times as
	// much as it is larger.
	window = 2 << 20
)

// A Format is a way to compress. Files of both formats may be appended to each other:
// what is in them is read as one (RFC 1952 2.2, RFC 8878 3.1).
type Format struct {
	Name   string
	Ending string
	writer func(w io.Writer) (io.WriteCloser, error)
	reader func(r io.Reader) (io.ReadCloser, error)
}

// formats are those that names may end with.
var formats = []*Format{
	{
		Name: "gzip", Ending: ".gz",
		writer: func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.DefaultCompression) },
		reader: func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
	},
	{
		Name: "zstd", Ending: ".zst",
		writer: func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
		},
		reader: func(r io.Reader) (io.ReadCloser, error) {
			d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, err
			}
			return d.IOReadCloser(), nil
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

// compress replaces a file by a compressed one. It fails with [files.ErrLocked] or
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

// ignoreGone is for a file that somebody else was faster with.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errStopped
	}
	return err
}

// write compresses a file into a temporary one and puts that in its place, unless that
// has been done already.
func (c Config) write(f, to *file) (err error) {
	temporary := hidden(to.path, endingTemporary)
	out, err := c.Files.Temporary(temporary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := c.own(out, temporary); err != nil {
		return err
	}
	// Only now nobody else can be about to compress it.
	if done, err := c.compressed(f, to); done || err != nil {
		return errors.Join(err, c.Files.Remove(temporary))
	}
	mode := f.info.Mode
	if err := out.Chown(f.info.UID, f.info.GID); err != nil {
		if is, err := out.Info(); err != nil || is.GID != f.info.GID {
			mode &^= 0o070 // another group was meant
		}
		c.Voice.Detail("%v; the owner of %s is not kept", err, to.path)
	}
	if err = out.Truncate(); err == nil {
		err = c.fill(out, f, to)
	}
	if err == nil {
		err = errors.Join(out.Chmod(mode), c.Files.SetModified(temporary, f.info.Modified), out.Sync())
	}
	if err == nil {
		err = c.replace(f, to, temporary)
	}
	if err != nil {
		return errors.Join(err, c.Files.Remove(temporary))
	}
	c.Voice.Detail("compressed %s", f.path)
	return nil
}

// own makes sure that nobody else writes to a temporary file, or has made it a file of
// the log between our opening and locking it.
func (c Config) own(out files.File, temporary string) error {
	if err := out.Lock(true, false); err != nil {
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

// fill writes what is to be in the compressed file: what is there of it already, and
// then the file.
func (c Config) fill(out files.File, f, to *file) error {
	switch before, err := c.Files.Read(to.path); {
	case err == nil:
		_, err = io.Copy(&steady{c, out, 0}, before)
		if err := errors.Join(err, before.Close()); err != nil {
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

// squeeze compresses what it reads and returns how much that was.
func (c Config) squeeze(out files.File, in io.Reader) (int64, error) {
	w, err := c.Compress.writer(&steady{c, out, 0})
	if err != nil {
		return 0, err
	}
	// Its ReadFrom is hidden, since it may take more at once.
	size, err := io.CopyBuffer(struct{ io.Writer }{w}, &stoppable{c, in}, make([]byte, chunk))
	if closing := w.Close(); err == nil { // else it says the same again
		err = closing
	}
	return size, err
}

// A whole is a file that is read with a newline behind its last line, if a crash has left
// that without one: what may be appended to the compressed file is not to be glued to it.
type whole struct {
	io.Reader
	files.File
	size int64 // of both
}

func (w *whole) Read(p []byte) (int, error) { return w.Reader.Read(p) }

// whole opens a file to be read so.
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

// replace puts the temporary file in the place of the one that was compressed, if that
// is still what was read.
func (c Config) replace(f, to *file, temporary string) error {
	h, err := c.grab(f)
	if err != nil {
		return err
	}
	info, err := h.Info()
	if err == nil && (info.Size != f.info.Size || !info.Modified.Equal(f.info.Modified)) {
		err = files.ErrLocked
	}
	if err == nil {
		err = c.Files.Rename(temporary, to.path)
	}
	if err != nil {
		return errors.Join(err, h.Close())
	}
	// From here on the compressed file counts; a crash leaves both.
	if err = c.Files.SyncDir(dirOf(f.path)); err == nil {
		err = c.Files.Remove(f.path)
	}
	if err != nil {
		c.Voice.Warn("%v; to be removed later", err)
	}
	_ = h.Close() // it was only read, and the temporary name is not ours any more
	return nil
}

// compressed reports whether a file has been compressed already, and only the original
// was not removed, and removes that.
//
// A file that was written to after that was made anew, and is younger.
func (c Config) compressed(f, to *file) (bool, error) {
	info, err := c.Files.Stat(to.path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Regular {
		return false, fmt.Errorf("%s is in the way and not a regular file", to.path)
	}
	if !info.Modified.Equal(f.info.Modified) {
		return false, nil
	}
	if ends, err := c.endsWith(to, f); err != nil || !ends {
		return false, err
	}
	return true, ignoreGone(c.delete(f))
}

// endsWith reports whether what is in a compressed file ends with what is in another.
func (c Config) endsWith(to, f *file) (same bool, err error) {
	plain, err := c.whole(f)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	size := int64(0)
	err = c.unpack(to, func(r io.Reader) (err error) {
		size, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, chunk))
		return err
	})
	if err != nil || size < plain.size {
		return false, err
	}
	err = c.unpack(to, func(r io.Reader) (err error) {
		if _, err := io.CopyN(io.Discard, r, size-plain.size); err != nil {
			return err
		}
		same, err = equal(r, plain)
		return err
	})
	return same, err
}

// unpack reads what is in a compressed file.
func (c Config) unpack(to *file, read func(r io.Reader) error) error {
	h, err := c.Files.Read(to.path)
	if err != nil {
		return err
	}
	r, err := c.Compress.reader(&stoppable{c, h})
	if err == nil {
		err = errors.Join(read(r), r.Close())
	}
	if err != nil && !errors.Is(err, errStopped) {
		err = fmt.Errorf("%s is damaged (%w); move it away", to.path, err)
	}
	return errors.Join(err, h.Close())
}

// equal reports whether both readers read the same.
func equal(a, b io.Reader) (bool, error) {
	left, right := make([]byte, chunk), make([]byte, chunk)
	for {
		n, errLeft := io.ReadFull(a, left)
		m, errRight := io.ReadFull(b, right)
		for _, err := range []error{errLeft, errRight} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return false, err
			}
		}
		if n != m || string(left[:n]) != string(right[:n]) {
			return false, nil
		}
		if errLeft != nil || errRight != nil {
			return (errLeft != nil) == (errRight != nil), nil
		}
	}
}

// clearTemporary removes a temporary file that nobody is writing.
func (c Config) clearTemporary(path string) {
	h, err := c.Files.Read(path)
	if err != nil {
		return // it is gone, or nothing of ours
	}
	if c.own(h, path) == nil {
		if err := c.Files.Remove(path); err != nil {
			c.Voice.Warn("%v", err)
		}
	}
	_ = h.Close() // it was only read
}

// A steady writer writes all it is given, to the disk bit by bit, until the pass is to
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
