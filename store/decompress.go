package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/inflate"
	"github.com/imagefs/imagefs/store/layer"
)

// layerTypes are the media types of layers: tars, whatever their compression. As docker does, the bytes are believed
// rather than the type about how they are compressed.
var layerTypes = map[string]bool{
	ocispec.MediaTypeImageLayer:     true,
	ocispec.MediaTypeImageLayerGzip: true,
	ocispec.MediaTypeImageLayerZstd: true,

	"application/vnd.oci.image.layer.nondistributable.v1.tar":      true,
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": true,
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": true,
	"application/vnd.docker.image.rootfs.diff.tar":                 true,
	"application/vnd.docker.image.rootfs.diff.tar.gzip":            true,
	"application/vnd.docker.image.rootfs.diff.tar.zstd":            true,
	"application/vnd.docker.image.rootfs.foreign.diff.tar":         true,
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":    true,
}

// maxWindow is how much of what came before a zstd stream may refer to, in bytes: what zstd --long needs.
const maxWindow = 128 << 20

// decompress copies what in holds into out, uncompressed. An error that is not in's own wraps a *layer.FormatError and the
// decompressor's.
func decompress(in *queue, out *queue) error {
	stream, closeStream, err := openStream(in)
	if err == nil {
		defer closeStream()
		err = out.fill(stream)
	}
	if err != nil && !errors.Is(err, in.failed) { // in may have failed further on
		err = fmt.Errorf("%w: %w", &layer.FormatError{Detail: "it cannot be decompressed"}, err)
	}
	return err
}

// sniff finds out how a stream is compressed: the media type of a layer that is.
func sniff(r *bufio.Reader) (mediaType string, err error) {
	magic, err := r.Peek(4)
	if err == io.EOF {
		err = nil
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return ocispec.MediaTypeImageLayerGzip, err
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return ocispec.MediaTypeImageLayerZstd, err
	}
	return ocispec.MediaTypeImageLayer, err
}

func openStream(in io.Reader) (stream io.Reader, closeStream func(), err error) {
	r := bufio.NewReaderSize(in, 64<<10)
	compression, err := sniff(r)
	if err != nil {
		return nil, nil, err
	}
	switch compression {
	case ocispec.MediaTypeImageLayerGzip:
		z, err := inflate.NewReader(r)
		return z, func() {}, err
	case ocispec.MediaTypeImageLayerZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}
