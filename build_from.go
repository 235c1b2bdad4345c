package imagefs

import (
	"context"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/builder/cache"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

// from begins a stage.
func (b *build) from(ctx context.Context, stage *dockerfile.Stage, report *stageReport) (*buildStage, error) {
	s := &buildStage{build: b, report: report, stage: stage, platform: b.platform}
	if stage.Platform != "" {
		var err error
		if s.platform, _, err = parsePlatform(stage.Platform); err != nil {
			return nil, err
		}
	}
	switch {
	case stage.Base != nil:
		done, err := b.finished(ctx, stage.Base, report.transcript)
		if err != nil {
			return nil, err
		}
		base := *done
		base.report, base.stage, base.args, base.hasCmd = report, stage, nil, false
		s = &base
	case stage.Image == dockerfile.Scratch:
		s.key = cache.Key("", dockerfile.Scratch, platforms.FormatAll(s.platform))
		s.created = b.now
		report.note(" ---> ")
		return s, nil
	default:
		img, err := s.image(ctx, stage.Image, stage.Platform)
		if err != nil {
			return nil, err
		}
		if err := s.use(img); err != nil {
			return nil, err
		}
		report.note(" ---> " + shortID(img.ID))
		return s, nil
	}
	return s, s.show()
}

// use has the stage begin with an image.
func (s *buildStage) use(img *store.Image) error {
	base, err := readConfig(s.store, img)
	if err != nil {
		return err
	}
	s.platform = ocispec.Platform{Architecture: base.Architecture, Variant: base.Variant, OS: base.OS}
	if base.Config != nil {
		s.config = *base.Config
	}
	// These are of the container that the base was made of.
	s.config.Hostname, s.config.Domainname, s.config.Image = "", "", ""
	s.author, s.history, s.layers, s.diffIDs = base.Author, base.History, img.Layers, base.RootFS.DiffIDs
	s.created = s.now
	if base.Created != nil {
		s.created = *base.Created
	}
	s.key = cache.Key("", "image", img.ID.String())
	return nil
}

// baseName is what a Dockerfile calls an image.
type baseName struct{ word, platform string }

// buildImage is an image that a build needs. It is known when the transcript has ended.
type buildImage struct {
	transcript
	img *store.Image // nil if there is none
}

// image finds an image, or pulls it, once in a build. It stays until the build ends.
func (s *buildStage) image(ctx context.Context, word, platform string) (_ *store.Image, err error) {
	if platform == "" {
		platform = s.req.Platform
	}
	name := baseName{word, platform}
	s.mu.Lock()
	found, known := s.images[name]
	if !known {
		found = &buildImage{transcript: newTranscript()}
		s.images[name] = found
	}
	s.mu.Unlock()
	s.report.add(func(t *teller) { t.tell(&found.transcript) })
	if !known {
		defer found.end()
		report := *s.report
		report.transcript = &found.transcript
		found.img, err = s.findImage(ctx, name, &report)
		return found.img, err
	}
	s.crew.wait(func() { <-found.ended })
	if found.img == nil {
		<-ctx.Done() // since the stage that has looked for it has failed
		return nil, context.Cause(ctx)
	}
	return found.img, nil
}

func (b *build) findImage(ctx context.Context, name baseName, report Reporter) (*store.Image, error) {
	if !b.req.Pull {
		img, err := b.local(ctx, name.word, name.platform)
		if err == nil || KindOf(err) != NotFound {
			return img, err
		}
	}
	if _, err := reference.ParseNormalizedNamed(name.word); err != nil {
		return nil, notFound(name.word)
	}
	images, err := b.Pull(ctx, PullRequest{Ref: name.word, Platform: name.platform}, report)
	if err != nil {
		return nil, err
	}
	return images[0], b.keep(ctx, images[0])
}

// local finds an image in the store, for the platform that was asked for.
func (b *build) local(ctx context.Context, word, platform string) (*store.Image, error) {
	snap, err := b.store.Refresh()
	if err != nil {
		return nil, err
	}
	img, err := Resolve(snap, word)
	if err != nil {
		return nil, err
	}
	if platform != "" {
		if img, err = ofPlatform(snap, img, word, platform); err != nil {
			return nil, err
		}
	}
	if err := b.keep(ctx, img); err != nil {
		return nil, err
	}
	if snap, err = b.store.Refresh(); err != nil {
		return nil, err
	}
	if snap.Image(img.ID) == nil {
		return nil, notFound(word)
	}
	return img, nil
}

// ofPlatform is the image of a name that is for a platform.
func ofPlatform(snap *store.Snapshot, img *store.Image, word, platform string) (*store.Image, error) {
	p, _, err := parsePlatform(platform)
	if err != nil {
		return nil, err
	}
	all := []*store.Image{img}
	if named, err := reference.ParseNormalizedNamed(word); err == nil {
		if ref := snap.Reference(reference.TagNameOnly(named).String()); ref != nil {
			all = ref.Images
		}
	}
	matcher := platforms.Only(p)
	for _, img := range all {
		if img.Manifest.Platform != nil && matcher.Match(*img.Manifest.Platform) {
			return img, nil
		}
	}
	return nil, notFound(word)
}

// keep claims an image.
func (b *build) keep(ctx context.Context, img *store.Image) error {
	all := digestsOf([]archive.Saved{{Image: img}})
	for _, chain := range img.Chains {
		all = append(all, chain.ChainID)
	}
	return b.claim.Add(ctx, all...)
}

// chainOf says what files a stack of layers has.
func chainOf(diffIDs []digest.Digest) string {
	return cache.Key("", stringsOf(diffIDs)...).String()
}

func stringsOf(digests []digest.Digest) []string {
	words := make([]string, len(digests))
	for i, d := range digests {
		words[i] = d.String()
	}
	return words
}
