package store

import (
	"encoding/json"
	"fmt"
	"time"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of docker's image manifest version 2, schema 2.
const (
	dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig       = "application/vnd.docker.container.image.v1+json"
)

// document is a manifest or an image index.
type document struct {
	MediaType string               `json:"mediaType"`
	Manifests []ocispec.Descriptor `json:"manifests"` // of an index
	Config    ocispec.Descriptor   `json:"config"`    // of a manifest, as Layers
	Layers    []ocispec.Descriptor `json:"layers"`
}

func (d *document) isIndex() bool {
	return d.MediaType == ocispec.MediaTypeImageIndex || d.MediaType == dockerManifestList || len(d.Manifests) > 0
}

// isImage tells an image's manifest from that of another artifact.
func (d *document) isImage() bool {
	return !d.isIndex() && (d.Config.MediaType == ocispec.MediaTypeImageConfig || d.Config.MediaType == dockerConfig)
}

// readDocument reads the manifest or index d.
func (s *Store) readDocument(d digest.Digest) (*document, error) {
	data, err := s.Blob(d)
	if err != nil {
		return nil, err
	}
	doc := &document{}
	if err := json.Unmarshal(data, doc); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d, err)
	}
	return doc, nil
}

// isAttestation tells whether an index lists desc although nothing runs it: BuildKit's provenance and the like.
func isAttestation(desc ocispec.Descriptor) bool {
	return desc.Platform != nil && desc.Platform.OS == "unknown" && desc.Platform.Architecture == "unknown"
}

// config is what the store needs of an image's config.
type config struct {
	ocispec.Platform
	Created *time.Time     `json:"created"`
	RootFS  ocispec.RootFS `json:"rootfs"`
}

func (c *config) created() time.Time {
	if c.Created == nil {
		return time.Time{}
	}
	return *c.Created
}

// chainIDs gives the chain of each layer, base first.
func (c *config) chainIDs() []digest.Digest {
	return identity.ChainIDs(append([]digest.Digest(nil), c.RootFS.DiffIDs...))
}

// readConfig reads the config of manifest doc.
func (s *Store) readConfig(doc *document) (*config, error) {
	data, err := s.Blob(doc.Config.Digest)
	if err != nil {
		return nil, err
	}
	c := &config{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("config %s: %w", doc.Config.Digest, err)
	}
	if len(c.RootFS.DiffIDs) != len(doc.Layers) {
		return nil, fmt.Errorf("config %s has %d diffIDs for %d layers", doc.Config.Digest, len(c.RootFS.DiffIDs), len(doc.Layers))
	}
	for _, d := range c.RootFS.DiffIDs {
		if err := checkDigest(d); err != nil {
			return nil, fmt.Errorf("config %s: %w", doc.Config.Digest, err)
		}
	}
	return c, nil
}
