package store

import (
	"context"
	"io"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// AddBlob stores a blob of any size, of which nothing is known before it has come whole, durably. It is claimed by c, and
// not stored twice.
func (s *Store) AddBlob(ctx context.Context, c *Claim, mediaType string, stream io.Reader) (ocispec.Descriptor, error) {
	f, err := s.scratch.file()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer f.Close()
	desc, err := s.addBlob(ctx, c, f, stream)
	if err != nil {
		os.Remove(f.Name())
	}
	desc.MediaType = mediaType
	return desc, err
}

func (s *Store) addBlob(ctx context.Context, c *Claim, f *os.File, stream io.Reader) (ocispec.Descriptor, error) {
	sum, early := newDigester(), &earlyWriter{file: f}
	if _, err := io.CopyBuffer(io.MultiWriter(early, sum), contextReader{ctx, stream}, make([]byte, 4*blockSize)); err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := ocispec.Descriptor{Digest: sum.digest.Digest(), Size: sum.size}
	if err := c.Add(ctx, desc.Digest); err != nil {
		return desc, err
	}
	if s.HasBlob(desc.Digest) {
		return desc, os.Remove(f.Name())
	}
	if sum.size > blockSize {
		if err := s.writeFile(s.path("checksums", "sha256", desc.Digest.Encoded()), sum.finish().marshal()); err != nil {
			return desc, err
		}
	}
	path, err := s.blobPath(desc.Digest)
	if err != nil {
		return desc, err
	}
	return desc, publish(f, path)
}

// earlyWriter appends to a file that is to be synced.
type earlyWriter struct {
	file  *os.File
	flush writeback
}

func (w *earlyWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.flush.wrote(w.file, n)
	return n, err
}

// contextReader ends a stream with its context, between two reads.
type contextReader struct {
	ctx    context.Context
	stream io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.stream.Read(p)
}
