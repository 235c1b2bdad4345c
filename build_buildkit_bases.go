package imagefs

import (
	"context"
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

// linkBases puts those images that the build is based on, or copies from, and that are in the store, into an OCI image layout
// at dir, so that the daemon has them from here. The others it pulls; all of them, if the request says so.
func (b *build) linkBases(ctx context.Context, dir string) ([]buildkit.Base, error) {
	if b.req.Pull {
		return nil, nil
	}
	wanted, err := b.wantedBases()
	if err != nil {
		return nil, err
	}
	var bases []buildkit.Base
	for _, base := range wanted {
		img, err := b.local(ctx, base.Name, base.Platform)
		if KindOf(err) == NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := b.linkImage(img, dir); err != nil {
			return nil, err
		}
		base.Manifest = img.Manifest.Digest
		bases = append(bases, base)
	}
	return bases, nil
}

// wantedBases are all images that the Dockerfile names, each once for each platform.
func (b *build) wantedBases() (bases []buildkit.Base, err error) {
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

// linkImage puts what an image consists of into a layout.
func (b *build) linkImage(img *store.Image, dir string) error {
	blobs := []digest.Digest{img.Manifest.Digest, img.Config.Digest}
	for _, layer := range img.Layers {
		blobs = append(blobs, layer.Digest)
	}
	for _, d := range blobs {
		if err := b.store.LinkBlob(d, dir); err != nil {
			return err
		}
	}
	return nil
}
