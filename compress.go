package imagefs

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/klauspost/pgzip"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

const (
	dockerLayer     = "application/vnd.docker.image.rootfs.diff.tar"
	dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// gzipTypes are the media types that layers stored as plain tars are pushed with.
var gzipTypes = map[string]string{
	ocispec.MediaTypeImageLayer: ocispec.MediaTypeImageLayerGzip,
	dockerLayer:                 dockerLayerGzip,
}

// gzipBlock is what is compressed by itself, in bytes: a part of the result, as are the level and the libraries' versions.
const gzipBlock = 1 << 20

// compress makes the compressed blob of a layer that one pushed, or finds the one that was made before.
func (p *push) compress(ctx context.Context, l *outgoingLayer) error {
	select {
	case p.compressing <- struct{}{}: // it takes all processors by itself
		defer func() { <-p.compressing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	blob, err := p.compressedBefore(ctx, l.diffID)
	if errors.Is(err, store.ErrNotFound) {
		blob, err = p.compressNow(ctx, l)
	}
	if err != nil {
		return err
	}
	l.blob.MediaType, l.blob.Digest, l.blob.Size = gzipTypes[l.stored.MediaType], blob.Digest, blob.Size
	return nil
}

func (p *push) compressedBefore(ctx context.Context, diffID digest.Digest) (ocispec.Descriptor, error) {
	blob, err := p.store.Compressed(diffID)
	if err != nil {
		return blob, err
	}
	if err := p.claim.Add(ctx, blob.Digest); err != nil {
		return blob, err
	}
	return p.store.Compressed(diffID) // it may have gone before it was claimed
}

func (p *push) compressNow(ctx context.Context, l *outgoingLayer) (ocispec.Descriptor, error) {
	tar, err := openBlob(p.store, l.stored.Digest, 0)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer tar.Close()
	counted := &countedReader{stream: tar, report: func(done int64) {
		p.report.Layer(l.progress(StatusPreparing, done, l.stored.Size))
	}}
	out, in := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		in.CloseWithError(gzipTo(in, counted))
	}()
	blob, err := p.store.AddBlob(ctx, p.claim, gzipTypes[l.stored.MediaType], out)
	out.CloseWithError(context.Canceled) // ends the goroutine, if AddBlob failed
	<-ended
	if err != nil {
		return blob, err
	}
	return blob, p.store.SetCompressed(l.diffID, blob)
}

// gzipTo compresses with all processors. The same stream always becomes the same bytes.
func gzipTo(w io.Writer, stream io.Reader) error {
	z := pgzip.NewWriter(w)
	z.ModTime = time.Unix(0, 0) // that is none
	if err := z.SetConcurrency(gzipBlock, runtime.GOMAXPROCS(0)); err != nil {
		return err
	}
	if _, err := io.CopyBuffer(z, stream, make([]byte, gzipBlock)); err != nil {
		return err
	}
	return z.Close()
}

// countedReader reports how far it was read.
type countedReader struct {
	stream io.Reader
	done   int64
	report func(done int64)
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.stream.Read(p)
	r.done += int64(n)
	r.report(r.done)
	return n, err
}
