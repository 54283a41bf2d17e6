package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// appendable returns why a file cannot be appended to the compressed one of its name: that
// is cut off, or something else, or has the same lines, since somebody has compressed the
// file by hand and kept it.
func (p *pass) appendable(f *file, to string) error {
	archived, err := p.Files.Read(to)
	if err != nil {
		return err
	}
	defer archived.Close() // it is only read
	original, err := p.Files.Read(f.path)
	if err != nil {
		return err
	}
	defer original.Close() // it is only read
	seen := &prefix{of: original, same: true}
	r, err := p.Compress.reader(&stoppable{p, archived})
	if err == nil {
		_, err = io.CopyBuffer(seen, struct{ io.Reader }{r}, make([]byte, chunk))
		r.Close()
	}
	var fault *fs.PathError
	switch {
	case errors.Is(err, errStopped) || errors.As(err, &fault):
		return err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s is cut off; move it away", to)
	case err != nil:
		return fmt.Errorf("%s is not in the format of %s (%w); move it away", to, p.Compress.Name, err)
	case seen.size > 0 && seen.same:
		return fmt.Errorf("%s has the same lines; move one of them away", to)
	}
	return nil
}

// A prefix finds out whether what is written to it is what a file begins with.
type prefix struct {
	of   io.Reader
	same bool
	size int64
	buf  []byte
}

func (c *prefix) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	if c.same {
		if len(c.buf) < len(p) {
			c.buf = make([]byte, len(p))
		}
		n, err := io.ReadFull(c.of, c.buf[:len(p)])
		c.same = err == nil && bytes.Equal(c.buf[:n], p)
	}
	return len(p), nil
}
