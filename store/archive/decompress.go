package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/imagefs/imagefs/store/inflate"
)

// maxWindow is how much of what came before a zstd stream may refer to, in bytes: what zstd --long needs.
const maxWindow = 128 << 20

// input is what an archive is read from. It remembers why it failed, so that this is not taken for something else.
type input struct {
	r   io.Reader
	err error
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// Decompress returns the tar that in holds, compressed or not, and what ends its use.
func Decompress(in io.Reader) (tar io.Reader, end func(), err error) {
	r := bufio.NewReaderSize(in, 128<<10)
	start, err := r.Peek(len(magicXz))
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	end = func() {}
	switch {
	case len(start) == 0:
		err = &UnknownError{"it is empty"}
	case bytes.HasPrefix(start, magicGzip):
		tar, err = inflate.NewReader(r)
	case bytes.HasPrefix(start, magicZstd):
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow)); err == nil {
			tar, end = z, z.Close
		}
	case bytes.HasPrefix(start, magicXz):
		if err = checkDictionary(r); err == nil {
			tar, err = xz.NewReader(r)
		}
	case bytes.HasPrefix(start, magicBzip2):
		tar = bzip2.NewReader(r)
	default:
		tar = r
	}
	return tar, end, err
}

// IsCompressed tells whether a file that begins so is decompressed.
func IsCompressed(start []byte) bool {
	for _, magic := range [][]byte{magicGzip, magicZstd, magicXz, magicBzip2} {
		if bytes.HasPrefix(start, magic) {
			return true
		}
	}
	return false
}
