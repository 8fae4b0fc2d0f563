package codec

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Of is the codec of a packed file, by its first bytes; None for any other file.
func Of(head []byte) Codec {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return Gzip
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return Zstd
	case bytes.HasPrefix(head, []byte("BZh")) && len(head) > 3 && head[3]-'1' < 9:
		return Bzip2
	case bytes.HasPrefix(head, []byte(xzMagic)):
		return XZ
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return Zip
	}
	return None
}

// NewReader unpacks a file of a codec that Of knows. The decoder runs in no goroutine of its own.
func NewReader(c Codec, in io.Reader) (io.ReadCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewReader(in)
	case Zstd:
		// 128 MiB is what zstd's own tool allows without being asked.
		z, err := zstd.NewReader(in, zstd.WithDecoderMaxMemory(128<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(in)), nil
	case XZ:
		z, err := newXZReader(bufio.NewReader(in), 128<<20)
		return io.NopCloser(z), err
	}
	return nil, fmt.Errorf("files packed by %s are not read", c)
}

// NewWriter packs a file; Close ends it and leaves out open.
func NewWriter(c Codec, out io.Writer) (io.WriteCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewWriter(out), nil
	case Zstd:
		return zstd.NewWriter(out)
	}
	return nil, fmt.Errorf("files packed by %s are not written", c)
}
