package imagefs

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// imageNames are the references that lead to one image, in the order of the store.
type imageNames struct {
	tags    []imageTag
	digests []fullName
}

type imageTag struct {
	fullName
	target digest.Digest
	// other is the image's platform, as in linux-arm64, where the tag means another platform's image first; or "".
	other string
}

// namesByImage finds the names of all images of snap.
func namesByImage(snap *store.Snapshot) map[*store.Image]*imageNames {
	all := make(map[*store.Image]*imageNames)
	for i := range snap.References {
		ref := &snap.References[i]
		name, ok := parseFullName(ref.Name)
		if !ok {
			continue
		}
		for k, img := range ref.Images {
			img = snap.Image(img.ID)
			names := all[img]
			if names == nil {
				names = new(imageNames)
				all[img] = names
			}
			names.add(name, ref.Target.Digest, img, k > 0)
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
		if name, ok := parseFullName(ref.Name); ok {
			names.add(name, ref.Target.Digest, img, k > 0)
		}
	}
	return names
}

func (n *imageNames) add(name fullName, target digest.Digest, img *store.Image, other bool) {
	if name.tag == "" {
		n.digests = append(n.digests, name)
		return
	}
	tag := imageTag{fullName: name, target: target}
	if other {
		tag.other = PlatformName(img)
	}
	n.tags = append(n.tags, tag)
}

// repoTags and repoDigests are docker's, sorted as docker does: by their full names, as the store has them.
func (n *imageNames) repoTags() []string {
	list := []string{}
	for _, tag := range n.tags {
		list = append(list, tag.String())
	}
	return slices.Compact(list)
}

func (n *imageNames) repoDigests() []string {
	list := []string{}
	for _, name := range n.digests {
		list = append(list, name.String())
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
