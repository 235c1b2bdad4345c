package imagefs

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// imageNames are the references that lead to one image, in the order of the store.
type imageNames struct {
	tags    []imageTag
	digests []reference.Canonical
}

type imageTag struct {
	ref    reference.NamedTagged
	target ocispec.Descriptor
	// other is the image's platform, as in linux-arm64, where the tag means another platform's image first; or "".
	other string
}

// namesByImage finds the names of all images of snap. Those that are no name of docker's are left out.
func namesByImage(snap *store.Snapshot) map[*store.Image]*imageNames {
	all := make(map[*store.Image]*imageNames)
	for i := range snap.References {
		ref := &snap.References[i]
		named, err := reference.ParseNormalizedNamed(ref.Name)
		if err != nil {
			continue
		}
		for k, img := range ref.Images {
			img = snap.Image(img.ID)
			names := all[img]
			if names == nil {
				names = new(imageNames)
				all[img] = names
			}
			names.add(named, ref.Target, img, k > 0)
		}
	}
	return all
}

// namesOfImage finds the names of one image.
func namesOfImage(snap *store.Snapshot, img *store.Image) *imageNames {
	names := new(imageNames)
	for i := range snap.References {
		ref := &snap.References[i]
		k := slices.IndexFunc(ref.Images, func(other *store.Image) bool { return other.ID == img.ID })
		if k < 0 {
			continue
		}
		if named, err := reference.ParseNormalizedNamed(ref.Name); err == nil {
			names.add(named, ref.Target, img, k > 0)
		}
	}
	return names
}

func (n *imageNames) add(named reference.Named, target ocispec.Descriptor, img *store.Image, other bool) {
	switch named := named.(type) {
	case reference.Canonical:
		n.digests = append(n.digests, named)
	case reference.NamedTagged:
		tag := imageTag{ref: named, target: target}
		if other {
			tag.other = PlatformName(img)
		}
		n.tags = append(n.tags, tag)
	}
}

// repoTags and repoDigests are docker's, sorted as docker does: by their full names, as the store has them.
func (n *imageNames) repoTags() []string {
	list := []string{}
	for _, tag := range n.tags {
		list = append(list, reference.FamiliarString(tag.ref))
	}
	return slices.Compact(list)
}

func (n *imageNames) repoDigests() []string {
	list := []string{}
	for _, ref := range n.digests {
		list = append(list, reference.FamiliarString(ref))
	}
	return slices.Compact(list)
}

// PlatformName spells an image's platform as one word of a path, as docker spells it with slashes: linux-arm-v7. An image
// whose platform is not known is named by its short ID.
func PlatformName(img *store.Image) string {
	p := img.Manifest.Platform
	if p == nil || p.OS == "" || p.Architecture == "" {
		return shortID(img.ID)
	}
	normal := platforms.Normalize(*p)
	name := platforms.Format(normal)
	if normal.OSVersion != "" {
		name += "-" + normal.OSVersion
	}
	return strings.ReplaceAll(name, "/", "-")
}
