package imagefs

import (
	"encoding/json"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry"
)

// Docker's media types, as in its image manifest version 2, schema 2. OCI's are in image-spec.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// configTypes are the media types of images' configs; the last is what docker 1.10 called its own.
var configTypes = []string{ocispec.MediaTypeImageConfig, dockerConfig, "application/octet-stream"}

// document is a manifest or an image index. Reading it as both at once shows one that could be taken for either.
type document struct {
	MediaType string               `json:"mediaType"`
	Config    *ocispec.Descriptor  `json:"config"`
	Layers    []ocispec.Descriptor `json:"layers"`
	Manifests []ocispec.Descriptor `json:"manifests"`
}

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerIndex
}

func isManifest(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}

// parseManifest reads and checks a manifest or an index. The error is of kind Unsupported or Corrupt.
func parseManifest(m registry.Manifest) (document, error) {
	var doc document
	mediaType := m.Descriptor.MediaType
	if !isIndex(mediaType) && !isManifest(mediaType) {
		return doc, unsupported(mediaType)
	}
	if err := json.Unmarshal(m.Raw, &doc); err != nil {
		return doc, invalidManifest(m, "%v", err)
	}
	if doc.MediaType != "" && doc.MediaType != mediaType {
		return doc, invalidManifest(m, "it was served as %s and says that it is %s", mediaType, doc.MediaType)
	}
	if isIndex(mediaType) {
		return doc, checkIndex(m, doc)
	}
	return doc, checkManifest(m, doc)
}

func checkIndex(m registry.Manifest, doc document) error {
	if doc.Config != nil || doc.Layers != nil {
		return invalidManifest(m, "an index cannot have a config or layers")
	}
	return checkDescriptors(m, doc.Manifests)
}

func checkManifest(m registry.Manifest, doc document) error {
	if doc.Manifests != nil {
		return invalidManifest(m, "an image's manifest cannot have manifests")
	}
	if doc.Config == nil {
		return invalidManifest(m, "it has no config")
	}
	if err := checkDescriptors(m, append(slices.Clone(doc.Layers), *doc.Config)); err != nil {
		return err
	}
	if !slices.Contains(configTypes, doc.Config.MediaType) {
		return artifact(doc.Config.MediaType)
	}
	return nil
}

func checkDescriptors(m registry.Manifest, descs []ocispec.Descriptor) error {
	for _, d := range descs {
		if err := d.Digest.Validate(); err != nil {
			return invalidManifest(m, "digest %q: %v", d.Digest, err)
		}
		if d.Size < 0 {
			return invalidManifest(m, "%s has a size of %d bytes", d.Digest, d.Size)
		}
	}
	return nil
}

func invalidManifest(m registry.Manifest, format string, args ...any) *Error {
	return &Error{
		Kind:    Corrupt,
		Subject: m.Descriptor.Digest.String(),
		Err:     fmt.Errorf("invalid manifest %s: %w", m.Descriptor.Digest, fmt.Errorf(format, args...)),
		Hint:    hints[Corrupt],
	}
}

func unsupported(mediaType string) *Error {
	return &Error{Kind: Unsupported, Subject: mediaType, Err: fmt.Errorf("unsupported media type %s", mediaType)}
}

func artifact(configType string) *Error {
	err := unsupported(configType)
	err.Hint = "this is an artifact, not a container image"
	return err
}
