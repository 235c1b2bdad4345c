package registrytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layer is a layer's blob, as it is sent.
type Layer struct {
	MediaType string
	Data      []byte
}

// PutBlob adds a blob to a repository. No request of [Server.Requests] comes of it, nor of the other Put methods.
func (s *Server) PutBlob(repository, mediaType string, data []byte) ocispec.Descriptor {
	s.t.Helper()
	d := digest.FromBytes(data)
	s.put(http.MethodPost, "/v2/"+repository+"/blobs/uploads/?digest="+d.String(), "application/octet-stream", data)
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

// PutManifest adds a manifest or an index, whatever it holds, under a tag; under its digest alone if tag is "".
func (s *Server) PutManifest(repository, tag, mediaType string, raw []byte) ocispec.Descriptor {
	s.t.Helper()
	d := digest.FromBytes(raw)
	if tag == "" {
		tag = d.String()
	}
	s.put(http.MethodPut, "/v2/"+repository+"/manifests/"+tag, mediaType, raw)
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// PutImage adds a config, layers and an OCI manifest of them. Nothing is checked: the layers need not be what the config
// says.
func (s *Server) PutImage(repository, tag string, config []byte, layers ...Layer) ocispec.Descriptor {
	s.t.Helper()
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    s.PutBlob(repository, ocispec.MediaTypeImageConfig, config),
		Layers:    []ocispec.Descriptor{},
	}
	for _, layer := range layers {
		manifest.Layers = append(manifest.Layers, s.PutBlob(repository, layer.MediaType, layer.Data))
	}
	return s.PutManifest(repository, tag, manifest.MediaType, s.encode(manifest))
}

// PutIndex adds an OCI index of manifests that are there already; their descriptors should have a Platform.
func (s *Server) PutIndex(repository, tag string, manifests ...ocispec.Descriptor) ocispec.Descriptor {
	s.t.Helper()
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: manifests,
	}
	return s.PutManifest(repository, tag, index.MediaType, s.encode(index))
}

func (s *Server) encode(v any) []byte {
	s.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *Server) put(method, target, mediaType string, body []byte) {
	s.t.Helper()
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	s.answer(w, r)
	if w.Code != http.StatusCreated {
		s.t.Fatalf("registrytest: %s %s: %d %s", method, target, w.Code, w.Body)
	}
}
