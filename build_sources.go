package imagefs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/builder/cache"
	"github.com/imagefs/imagefs/builder/copying"
	"github.com/imagefs/imagefs/store"
)

// cacheSource is an image of --cache-from: what its instructions have made is there, one after the other.
type cacheSource struct {
	platform string
	history  []ocispec.History
	diffIDs  []digest.Digest
}

// openSources finds the images of --cache-from, or pulls them. As for docker, what cannot be had is no source.
func (b *build) openSources(ctx context.Context) error {
	if b.req.NoCache {
		return nil
	}
	report := b.newReport(BuildStep{Stage: FirstStage})
	for _, word := range b.req.CacheFrom {
		report.more(1)
		err := report.do(ctx, "importing cache from "+word, func() error { return b.openSource(ctx, word) })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			b.report.Line(fmt.Sprintf("[Warning] no cache from %s: %v", word, err))
		}
	}
	return nil
}

func (b *build) openSource(ctx context.Context, word string) error {
	img, err := b.local(ctx, word, b.req.Platform)
	if KindOf(err) == NotFound {
		var images []*store.Image
		if images, err = b.Pull(ctx, PullRequest{Ref: word, Platform: b.req.Platform}, b.report); err == nil {
			img, err = images[0], b.keep(ctx, images[0])
		}
	}
	if err != nil {
		return err
	}
	c, err := readConfig(b.store, img)
	if err != nil {
		return err
	}
	b.sources = append(b.sources, cacheSource{
		platform: platforms.Format(ocispec.Platform{Architecture: c.Architecture, Variant: c.Variant, OS: c.OS}),
		history:  c.History, diffIDs: c.RootFS.DiffIDs,
	})
	return nil
}

// sourced gives what the step after those that are done has made in sources which were made in the same way so far.
func (s *buildStage) sourced(by string) iter.Seq[cache.Record] {
	return func(yield func(cache.Record) bool) {
		for _, source := range s.sources {
			if r, ok := source.after(s, by); ok && !yield(r) {
				return
			}
		}
	}
}

func (c *cacheSource) after(s *buildStage, by string) (r cache.Record, ok bool) {
	done, layers := len(s.history), len(s.diffIDs)
	switch {
	case len(c.history) <= done || len(c.diffIDs) < layers || !slices.Equal(c.diffIDs[:layers], s.diffIDs):
		return r, false
	case c.platform != platforms.Format(s.platform) || !slices.EqualFunc(c.history[:done], s.history, isSameStep):
		return r, false
	}
	next := c.history[done]
	if instruction(next.CreatedBy) != by || next.Created == nil {
		return r, false
	}
	if !s.latest.IsZero() && !next.Created.Equal(s.now) {
		return r, false // it may have other times
	}
	r.Created = *next.Created
	if next.EmptyLayer {
		return r, true
	}
	if len(c.diffIDs) == layers {
		return r, false // the config contradicts itself
	}
	r.DiffID = c.diffIDs[layers]
	return r, true
}

func isSameStep(a, b ocispec.History) bool {
	return instruction(a.CreatedBy) == instruction(b.CreatedBy) && a.EmptyLayer == b.EmptyLayer
}

// instruction is that of a line of history, as BuildKit writes it too.
func instruction(by string) string { return strings.TrimSuffix(by, " # buildkit") }

// recallConfig looks for a step that has made no layer.
func (s *buildStage) recallConfig(by string) (cache.Record, bool) {
	if r, ok := s.recall(); ok {
		return r, true
	}
	for r := range s.sourced(by) {
		if r.DiffID == "" {
			return r, s.keepRecord(r) == nil
		}
	}
	return cache.Record{}, false
}

// sourcing says when what a source has may stand for what a step would make.
type sourcing int

const (
	never         sourcing = iota // the instruction does not say all that it depends on
	byInstruction                 // if that is the same
	byContent                     // if it is also what the step would write, but for times
)

// recallLayer looks for what the step of the key has made before: into the cache, and then into the sources.
func (s *buildStage) recallLayer(by string, from sourcing, write func(io.Writer) error) (cache.Record, bool, error) {
	if r, ok := s.recall(); ok || from == never {
		return r, ok, nil
	}
	for r := range s.sourced(by) {
		same, err := from == byInstruction, error(nil)
		if from == byContent {
			same, err = s.hasWritten(r, write)
		}
		if err == nil && same {
			err = s.keepRecord(r)
		}
		if err != nil || same {
			return r, same, err
		}
	}
	return cache.Record{}, false, nil
}

// hasWritten tells whether a layer is what write would write.
func (s *buildStage) hasWritten(r cache.Record, write func(io.Writer) error) (bool, error) {
	var there io.Reader = bytes.NewReader(nil)
	if r.DiffID != "" {
		l, err := s.store.Layer(r.DiffID)
		if err != nil {
			return false, err
		}
		there = io.NewSectionReader(readerAt(l.ReadTarAt), 0, l.TarSize())
	}
	in, out := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		out.CloseWithError(write(out))
	}()
	same, err := copying.IsSame(in, there)
	in.Close()
	<-written
	return same, err
}

type readerAt func(p []byte, off int64) (int, error)

func (f readerAt) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }
