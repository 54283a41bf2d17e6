package archive

import (
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
