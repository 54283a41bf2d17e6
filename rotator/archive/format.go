package archive

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/logreel/logreel/rotator/filename"
)

// window is how far back zstd looks. Each further byte takes four bytes of memory.
const window = 2 << 20

// A Format is a way to compress. Two files of one format may be appended to each other:
// they are read as one, in both formats (RFC 1952 2.2, RFC 8878 3.1).
type Format struct {
	Name   string
	Ending string
	writer func(w io.Writer) (io.WriteCloser, error)
	reader func(r io.Reader) (io.ReadCloser, error) // it fails with io.EOF if there is nothing
}

// formats are those that names may end with.
var formats = []*Format{
	{
		Name: "gzip", Ending: filename.Gzip,
		writer: func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.DefaultCompression) },
		reader: func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
	},
	{
		Name: "zstd", Ending: filename.Zstd,
		writer: func(w io.Writer) (io.WriteCloser, error) {
			// zstd(1) takes a file without a frame for a damaged one.
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithZeroFrames(true))
		},
		reader: func(r io.Reader) (io.ReadCloser, error) {
			in := bufio.NewReader(r)
			if _, err := in.Peek(1); err != nil { // zstd takes nothing for no frame
				return nil, err
			}
			d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
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
