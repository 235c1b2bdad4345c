package registry

import (
	"encoding/json"
	"mime"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Docker's own media types (distribution, "Image Manifest V 2, Schema 2").
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
)

var manifestTypes = []string{ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, dockerIndex, dockerManifest}

// outline is what tells the kinds of manifests apart.
type outline struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType"`
	Manifests     json.RawMessage `json:"manifests"`
	Layers        json.RawMessage `json:"layers"`
	Config        json.RawMessage `json:"config"`
	FSLayers      json.RawMessage `json:"fsLayers"`
}

func (o outline) isIndex() bool    { return o.Manifests != nil }
func (o outline) isManifest() bool { return o.Layers != nil || o.Config != nil }

// mediaTypeOf is the media type of a manifest that was served with a Content-Type. Content, its own mediaType field and
// the header must not contradict each other (CVE-2021-41190); one that says nothing, as application/json, is no
// contradiction.
func mediaTypeOf(contentType string, raw []byte) (string, error) {
	served, _, _ := mime.ParseMediaType(contentType)
	var o outline
	if json.Unmarshal(raw, &o) != nil {
		return "", fail(ErrProtocol, "neither a manifest nor an index, but %s", orNothing(served))
	}
	if o.SchemaVersion == 1 || o.FSLayers != nil || strings.HasPrefix(served, "application/vnd.docker.distribution.manifest.v1+") {
		return "", fail(ErrUnsupported, "a manifest of Docker's schema 1, which is not supported: push the image again with a newer client")
	}
	claim := o.claim(served)
	switch {
	case !slices.Contains(manifestTypes, claim) && strings.HasPrefix(claim, "application/vnd."):
		return "", fail(ErrUnsupported, "manifests of media type %q are not supported", plain(claim))
	case !slices.Contains(manifestTypes, claim), o.isIndex() == o.isManifest():
		return "", fail(ErrProtocol, "neither a manifest nor an index, but %s", orNothing(served))
	case o.isIndex() != isIndexType(claim), slices.Contains(manifestTypes, served) && served != claim:
		return "", fail(ErrProtocol, "a manifest that is of another media type than %q, as it is served", plain(served))
	}
	return claim, nil
}

// claim is the media type that the manifest has for itself, or is served as, or else must have.
func (o outline) claim(served string) string {
	switch {
	case o.MediaType != "":
		return o.MediaType
	case isGeneric(served) && o.isIndex():
		return ocispec.MediaTypeImageIndex
	case isGeneric(served):
		return ocispec.MediaTypeImageManifest
	}
	return served
}

func isIndexType(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerIndex
}

func isGeneric(mediaType string) bool {
	return mediaType == "" || mediaType == "application/json" || mediaType == "text/plain" || mediaType == "application/octet-stream"
}

func orNothing(mediaType string) string {
	if mediaType == "" {
		return "data of no media type"
	}
	return mediaType
}
