package archive

import (
	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// Saved is an image that is to be in an archive.
type Saved struct {
	Image *store.Image
	Names []string // full; those without a tag are left out; none keeps the image without a name
}

// The names of docker's format, as moby has them in image/tarexport.
const (
	dockerManifest = "manifest.json"
	dockerLayer    = "layer.tar"
)

// dockerImage is an image in manifest.json.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// NewDocker makes a docker-archive of images, without the layers of which leaveOut has the diffID.
func NewDocker(s *store.Store, images []Saved, leaveOut ...digest.Digest) (*Archive, error) {
	b := newBuilder(s, leaveOut)
	var manifest []dockerImage
	for _, img := range images {
		manifest = append(manifest, describe(img))
	}
	b.json(dockerManifest, manifest)
	for k, img := range images {
		b.blob(manifest[k].Config, img.Image.ID, img.Image.Config.Size)
	}
	for k, img := range images {
		for i, chain := range img.Image.Chains {
			b.layer(manifest[k].Layers[i], chain.DiffID)
		}
	}
	return b.finish()
}

func describe(img Saved) dockerImage {
	d := dockerImage{Config: img.Image.ID.Encoded() + ".json", Layers: []string{}}
	for _, tagged := range tags(img.Names) {
		d.RepoTags = append(d.RepoTags, reference.FamiliarString(tagged))
	}
	for _, chain := range img.Image.Chains {
		d.Layers = append(d.Layers, chain.DiffID.Encoded()+"/"+dockerLayer)
	}
	return d
}

// tags are the names that have one.
func tags(names []string) (list []reference.NamedTagged) {
	for _, name := range names {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			continue
		}
		if _, ok := named.(reference.Digested); ok {
			continue
		}
		if tagged, ok := named.(reference.NamedTagged); ok {
			list = append(list, tagged)
		}
	}
	return list
}
