package content

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// platforms lists the platforms of the index the image came through, or its own: platform, and the manifest's digest and
// size in bytes as the index has them, and the image's ID, or "-" for one that was not pulled.
func (im *image) platforms(snap *store.Snapshot) ([]byte, error) {
	manifests, err := im.manifests()
	if err != nil {
		return nil, err
	}
	pulled := make(map[digest.Digest]digest.Digest, len(snap.Images))
	for _, other := range snap.Images {
		pulled[other.Manifest.Digest] = other.ID
	}
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, m := range manifests {
		id := string(pulled[m.Digest])
		if id == "" {
			id = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", platformName(m.Platform), m.Digest, m.Size, id)
	}
	err = table.Flush()
	return out.Bytes(), err
}

// manifests returns the images that the index lists: not what it lists beside them, such as attestations.
func (im *image) manifests() ([]ocispec.Descriptor, error) {
	if im.Index == nil {
		return []ocispec.Descriptor{im.Manifest}, nil
	}
	data, err := im.fs.store.Blob(im.Index.Digest)
	if err != nil {
		return nil, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, err
	}
	images := index.Manifests[:0]
	for _, m := range index.Manifests {
		if platformName(m.Platform) != "unknown/unknown" {
			images = append(images, m)
		}
	}
	return images, nil
}

// platformName is os/arch[/variant]; "-" if it is not known.
func platformName(p *ocispec.Platform) string {
	if p == nil {
		return "-"
	}
	return strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/")
}
