package layer

import (
	"context"
	"io"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// UnpackOptions says how [Unpack] stores a layer.
type UnpackOptions struct {
	Large LargeFiles
	// InBlob says that the stream is the blob itself: payloads are left where they are in it.
	InBlob bool
}

// Unpack reads an uncompressed tar stream to its end and writes its layer into dir, which exists and is empty. All
// files are synced when it returns. It returns the diffID, the sha256 of all it read. The stream's own error is returned
// as it is; an archive that is no layer is a [*FormatError]. After an error dir holds rubbish.
//
// When ctx ends, Unpack returns as soon as the stream's Read does.
func Unpack(ctx context.Context, dir string, stream io.Reader, o UnpackOptions) (digest.Digest, error) {
	u, err := newUnpacking(dir, o)
	if err != nil {
		return "", err
	}
	defer u.close()
	if err := u.run(ctx, stream); err != nil {
		return "", err
	}
	if err := u.writeIndex(dir); err != nil {
		return "", err
	}
	return digestOf(u.diffID), nil
}

// unpacking is what an Unpack has made so far. Each of its fields is written by one of the stages that run starts.
type unpacking struct {
	options UnpackOptions
	diffID  [32]byte
	tarSize int64
	archive archive
	hasher  hasher
	payload payloadWriter
	// tarSums is the archive's, and in a layer InBlob the stream hash's.
	tarSums section
}

func newUnpacking(dir string, o UnpackOptions) (*unpacking, error) {
	u := &unpacking{options: o, tarSums: section{dir: dir}}
	u.archive.init(dir)
	u.hasher.init(dir, o.InBlob)
	if o.InBlob {
		return u, nil
	}
	if err := u.payload.create(dir, o.Large); err != nil {
		return nil, err
	}
	if err := u.archive.framing.create(dir, &u.tarSums); err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

// run passes the stream through five stages, each a goroutine: read it, hash it, take the archive apart, hash the
// payloads, write them.
func (u *unpacking) run(ctx context.Context, stream io.Reader) error {
	g, ctx := errgroup.WithContext(ctx)
	free := newBuffers()
	chunks, hashed := make(chan []byte, inFlight), make(chan []byte, inFlight)
	batches, done := make(chan *batch, inFlight), make(chan *batch, inFlight)
	u.archive.connect(ctx, hashed, free, batches)
	g.Go(func() error { return readStream(ctx, stream, free, chunks) })
	g.Go(func() error { return u.hashStream(ctx, chunks, hashed) })
	g.Go(u.archive.read)
	g.Go(func() error { return u.hasher.run(ctx, batches, done) })
	g.Go(func() error { return u.payload.run(ctx, done, u.archive.spare) })
	return g.Wait()
}

func (u *unpacking) close() {
	u.archive.close()
	u.hasher.close()
	u.payload.close()
	u.tarSums.close()
}
