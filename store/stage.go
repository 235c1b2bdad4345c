package store

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// StagedLayer is a layer that was read whole and is not stored yet.
type StagedLayer struct {
	Descriptor ocispec.Descriptor // of the blob: an OCI layer, compressed as the stream was
	DiffID     digest.Digest

	store *Store
	blob  string // the scratch file; "" once the layer is stored or given up
	sums  *checksums
	dir   string // what was unpacked

	mu    sync.Mutex // guards large while the layer is read
	large []stagedFile
}

// stagedFile is a large file under its scratch name.
type stagedFile struct {
	path   string
	size   int64
	digest digest.Digest
}

// StageLayer reads a layer of which nothing is known beforehand, a tar that may be compressed with gzip or zstd, to its end
// and in one pass: an uncompressed one becomes its own pack. A corrupt stream is a [*layer.FormatError]; the stream's own
// error is returned as it is. Nothing is to be seen of the layer until it is committed.
//
// When ctx ends, StageLayer returns as soon as the stream's Read does.
func (s *Store) StageLayer(ctx context.Context, stream io.Reader) (*StagedLayer, error) {
	l := &StagedLayer{store: s}
	if err := l.read(ctx, stream); err != nil {
		_ = l.Discard() // a sweep removes what is left
		return nil, err
	}
	return l, nil
}

// read passes the stream through two stages: what copies it, and what unpacks it.
func (l *StagedLayer) read(ctx context.Context, stream io.Reader) (err error) {
	in := bufio.NewReaderSize(stream, 64<<10)
	if l.Descriptor.MediaType, err = sniff(in); err != nil {
		return err
	}
	blob, err := l.store.scratch.file()
	if err != nil {
		return err
	}
	defer blob.Close() // so that many layers can be staged
	l.blob = blob.Name()
	if l.dir, err = l.store.scratch.mkdir(); err != nil {
		return err
	}
	sum := newDigester()
	var sums io.Writer = sum
	inBlob := l.Descriptor.MediaType == ocispec.MediaTypeImageLayer
	if inBlob { // its digest is the diffID
		sums = &sum.summer
	}
	copied := newQueue()
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() { failed = copyBlob(ctx, blob, io.TeeReader(in, sums), copied) })
	out := unpackInto{dir: l.dir, inBlob: inBlob, large: largeFiles{store: l.store, commit: l.stageLarge}}
	l.DiffID, err = out.run(ctx, copied)
	wg.Wait()
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	l.sums = sum.finish()
	l.Descriptor.Size, l.Descriptor.Digest = l.sums.size, l.DiffID
	if !inBlob {
		l.Descriptor.Digest = sum.digest.Digest()
	}
	return nil
}

// copyBlob writes the blob, durably, and hands it on.
func copyBlob(ctx context.Context, blob *os.File, in io.Reader, out *queue) error {
	var flush writeback
	for {
		b := out.take()
		n, err := readFull(in, b)
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		if _, failed := blob.Write(b[:n]); failed != nil {
			err = failed
		}
		flush.wrote(blob, n)
		out.put(b[:n])
		switch {
		case err == io.EOF:
			out.end(io.EOF)
			return blob.Sync()
		case err != nil:
			out.end(err)
			return err
		case out.abandoned():
			out.end(io.EOF)
			return nil // for a reason that unpacking tells
		}
	}
}

// stageLarge keeps a large file for Commit.
func (l *StagedLayer) stageLarge(f *os.File, d digest.Digest) error {
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.large = append(l.large, stagedFile{path: f.Name(), size: info.Size(), digest: d})
	return nil
}

// Discard removes what was staged. After Commit it does nothing.
func (l *StagedLayer) Discard() error {
	if l.blob == "" {
		return nil
	}
	errs := []error{os.RemoveAll(l.blob)}
	if l.dir != "" {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	for _, f := range l.large {
		errs = append(errs, os.RemoveAll(f.path))
	}
	l.blob = ""
	return errors.Join(errs...)
}
