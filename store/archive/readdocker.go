package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// readDocker finds the images of a docker-archive.
func readDocker(src source) ([]named, error) {
	raw, err := src.document(dockerManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &UnknownError{"neither manifest.json nor index.json in it names an image"}
	}
	if err != nil {
		return nil, err
	}
	var manifest []dockerImage
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, &DamagedError{dockerManifest, err}
	}
	if len(manifest) == 0 {
		return nil, damaged(dockerManifest, "it names no image")
	}
	var all []named
	files := make(map[dockerFile]*layerFile)
	for _, m := range manifest {
		entry, err := m.read(src, files)
		if err != nil {
			return nil, err
		}
		all = append(all, entry)
	}
	return all, nil
}

// dockerFile is a layer as manifest.json and a config have it.
type dockerFile struct {
	name   string
	diffID digest.Digest
}

// read finds the image. Its layers are those of files, which it adds to.
func (m dockerImage) read(src source, files map[dockerFile]*layerFile) (e named, err error) {
	if e.names, err = loadedNames(m.RepoTags); err != nil {
		return e, err
	}
	config, err := src.document(m.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return e, damaged(m.Config, "it is missing")
	}
	if err != nil {
		return e, err
	}
	ids, err := diffIDs(config)
	if err != nil {
		return e, &DamagedError{m.Config, err}
	}
	if len(ids) != len(m.Layers) {
		return e, damaged(dockerManifest, "invalid manifest, layers length mismatch: expected %d, got %d", len(m.Layers), len(ids))
	}
	img := &image{config: document{
		desc: ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(config), Size: int64(len(config)),
		},
		raw: config,
	}}
	for i, diffID := range ids {
		key := dockerFile{clean(m.Layers[i]), diffID}
		if files[key] == nil {
			files[key] = &layerFile{name: key.name, diffID: diffID}
		}
		img.layers = append(img.layers, files[key])
	}
	e.images = []*image{img}
	return e, nil
}

// loadedNames are full names with tags, or an error, as docker has it.
func loadedNames(repoTags []string) (names []string, err error) {
	for _, tag := range repoTags {
		name, err := reference.ParseNormalizedNamed(tag)
		if err != nil {
			return nil, &DamagedError{dockerManifest, fmt.Errorf("%q: %w", tag, err)}
		}
		if _, ok := name.(reference.NamedTagged); !ok || !reference.IsNameOnly(reference.TrimNamed(name)) {
			return nil, damaged(dockerManifest, "invalid tag %q", tag)
		}
		names = append(names, name.String())
	}
	return names, nil
}
