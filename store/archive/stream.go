package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// stream is an archive that can be read once, from its start: documents are kept in memory and layers are staged as they
// come, whatever they are called.
type stream struct {
	store    *store.Store
	claim    *store.Claim
	progress Progress

	documents documents
	names     nameSize
	staged    map[string]*store.StagedLayer
	faults    map[string]error // of layers that could not be staged
	links     links
	blobs     func() map[digest.Digest]digest.Digest // of layers in the store, and their diffIDs
}

func newStream(s *store.Store, c *store.Claim, progress Progress) *stream {
	return &stream{
		store: s, claim: c, progress: progress, links: links{},
		blobs:  sync.OnceValue(func() map[digest.Digest]digest.Digest { return layerBlobs(s) }),
		staged: map[string]*store.StagedLayer{}, faults: map[string]error{},
	}
}

// read reads the whole stream.
func (s *stream) read(ctx context.Context, in io.Reader) error {
	r := tar.NewReader(in)
	last := ""
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			last = clean(h.Name)
			err = s.entry(ctx, last, h, r)
		}
		if err != nil {
			return explain(err, last)
		}
	}
}

// explain tells what an error of the tar means that came after the entry last.
func explain(err error, last string) error {
	var d *DamagedError
	switch {
	case errors.As(err, &d):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) && last != "":
		return damaged("", "it is cut short in or after %s", last)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &UnknownError{"it is cut short, or no tar"}
	case errors.Is(err, tar.ErrHeader) && last != "":
		return damaged("", "invalid tar header after %s", last)
	case errors.Is(err, tar.ErrHeader):
		return &UnknownError{"invalid tar header"}
	}
	return err
}

func (s *stream) entry(ctx context.Context, name string, h *tar.Header, r io.Reader) error {
	if err := s.names.add(h); err != nil {
		return err
	}
	s.forget(name)
	switch h.Typeflag {
	case tar.TypeSymlink:
		s.links.symlink(name, h.Linkname)
	case tar.TypeLink:
		s.links[name] = clean(h.Linkname)
	case tar.TypeReg, tar.TypeGNUSparse:
		return s.file(ctx, &entry{r: r, name: name, size: h.Size})
	}
	return nil
}

// forget drops an earlier entry of that name: the last one counts.
func (s *stream) forget(name string) {
	if old := s.staged[name]; old != nil {
		_ = old.Discard()
	}
	s.documents.forget(name)
	delete(s.staged, name)
	delete(s.faults, name)
	delete(s.links, name)
}

func (s *stream) file(ctx context.Context, e *entry) error {
	r := bufio.NewReaderSize(e.r, blockSize)
	block, err := r.Peek(blockSize)
	if err != nil && err != io.EOF {
		return err
	}
	e.r = r
	if !isLayer(block) {
		return s.keep(e)
	}
	if has, err := s.has(ctx, e.name); has || err != nil {
		return err
	}
	staged, err := stageEntry(ctx, s.store, e, s.progress)
	var d *DamagedError
	if errors.As(err, &d) { // perhaps nobody needs it
		s.faults[e.name] = err
		return nil
	}
	if err != nil {
		return err
	}
	s.staged[e.name] = staged
	return nil
}

// keep keeps a document, or what might be one.
func (s *stream) keep(e *entry) error {
	if e.size > maxDocument {
		return nil
	}
	data, err := readDocument(e.name, e.size, e.r)
	if err != nil {
		return err
	}
	return s.documents.keep(e.name, data)
}

// has tells whether the store has what an entry's name says it is: a layer, or a blob of one. It is claimed then, and
// stays.
func (s *stream) has(ctx context.Context, name string) (bool, error) {
	d, ok := digestIn(name)
	if !ok {
		return false, nil
	}
	diffID, isBlob := s.blobs()[d]
	if !isBlob {
		diffID = d
	}
	if err := s.claim.Add(ctx, d, diffID); err != nil {
		return false, err
	}
	if isBlob && !s.store.HasBlob(d) {
		return false, nil
	}
	return s.hasLayer(ctx, diffID)
}

// layerBlobs are the blobs of the layers of all images, and the layers' diffIDs.
func layerBlobs(s *store.Store) map[digest.Digest]digest.Digest {
	blobs := make(map[digest.Digest]digest.Digest)
	for _, img := range s.Snapshot().Images {
		for k, l := range img.Layers {
			blobs[l.Digest] = img.Chains[k].DiffID
		}
	}
	return blobs
}

// hasLayer tells whether the store has a layer, which is claimed, and claims the blob of it that was found.
func (s *stream) hasLayer(ctx context.Context, diffID digest.Digest) (bool, error) {
	found, err := s.store.FindLayer(diffID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := s.claim.Add(ctx, found.Digest); err != nil {
		return false, err
	}
	return s.store.HasBlob(found.Digest), nil
}

func (s *stream) document(name string) ([]byte, error) {
	name, err := s.links.follow(name)
	if err != nil {
		return nil, err
	}
	data, ok := s.documents.byName[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

func (s *stream) stage(_ context.Context, name string) (*store.StagedLayer, error) {
	name, err := s.links.follow(name)
	if err != nil {
		return nil, err
	}
	if err := s.faults[name]; err != nil {
		return nil, err
	}
	if s.staged[name] == nil {
		return nil, fs.ErrNotExist
	}
	return s.staged[name], nil
}

func (s *stream) close() error {
	var errs []error
	for _, staged := range s.staged {
		errs = append(errs, staged.Discard())
	}
	return errors.Join(errs...)
}
