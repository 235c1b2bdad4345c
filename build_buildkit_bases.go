package imagefs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/builder/buildkit"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/store"
)

// linkBases puts images into an OCI image layout at dir: what the build is based on, or copies from, and the store has, so
// that the daemon has it from here; and what had the build's names before, since much of that is what comes back. The daemon
// pulls other bases; all of them, if the request says so. It tells whether there is a layout.
func (b *build) linkBases(ctx context.Context, dir string) (bases []buildkit.Base, linked bool, err error) {
	wanted, err := b.wantedBases()
	if err != nil {
		return nil, false, err
	}
	link := func(word, platform string) (*store.Image, error) {
		img, err := b.local(ctx, word, platform)
		if KindOf(err) == NotFound {
			return nil, nil
		}
		if err == nil {
			linked, err = true, b.linkImage(img, dir)
		}
		return img, err
	}
	for _, base := range wanted {
		img, err := link(base.Name, base.Platform)
		if err != nil {
			return nil, false, err
		}
		if img != nil {
			base.Manifest = img.Manifest.Digest
			bases = append(bases, base)
		}
	}
	for _, name := range b.names {
		if _, err := link(name, ""); err != nil {
			return nil, false, err
		}
	}
	return bases, linked, nil
}

// wantedBases are all images that the Dockerfile names, each once for each platform; none, if they are to be pulled.
func (b *build) wantedBases() (bases []buildkit.Base, err error) {
	if b.req.Pull || b.plan == nil {
		return nil, nil
	}
	add := func(word, platform string) {
		base := buildkit.Base{Name: buildKitName(word), Platform: platform}
		if base.Name != "" && !b.isStage(base.Name) && !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	target := platforms.FormatAll(b.platform)
	for _, stage := range b.plan.Stages {
		platform := b.platform
		if stage.Platform != "" {
			if platform, _, err = parsePlatform(stage.Platform); err != nil {
				return nil, err
			}
		}
		add(stage.Image, platforms.FormatAll(platform))
		for _, command := range stage.Commands {
			for _, from := range dockerfile.Froms(command) {
				if b.plan.Find(from, stage.Index) == nil {
					add(from, target)
				}
			}
		}
	}
	return bases, nil
}

// buildKitName is what BuildKit calls an image; "" if the word is none's.
func buildKitName(word string) string {
	named, err := reference.ParseNormalizedNamed(word)
	if err != nil || word == dockerfile.Scratch {
		return ""
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}

// isStage tells whether a stage has an image's name. BuildKit would put the image in the place of the stage.
func (b *build) isStage(name string) bool {
	return slices.ContainsFunc(b.file.Stages, func(s instructions.Stage) bool { return strings.EqualFold(s.Name, name) })
}

// linkImage puts what an image consists of into a layout. What is not there may not be needed.
func (b *build) linkImage(img *store.Image, dir string) error {
	blobs := []digest.Digest{img.Manifest.Digest, img.Config.Digest}
	for _, layer := range img.Layers {
		blobs = append(blobs, layer.Digest)
	}
	for _, d := range blobs {
		if err := b.store.LinkBlob(d, dir); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}
