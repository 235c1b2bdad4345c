package main

import (
	"encoding/json"
	"runtime"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// fillRegistry starts a registry with
//
//	box:1           two layers and a configuration, of 2020
//	box:2           one layer more
//	library/box:1   box:1, as a mirror of docker.io has it
//	multi:1         an index for this machine's architecture and for s390x
//	other:1         an index for s390x only
//	stalls:1        whose layer never arrives
func fillRegistry(t *testing.T) *registrytest.Server {
	reg := registrytest.New(t)
	base, etc, more := newLayer(t, "bin/box", 300_000), newLayer(t, "etc/box", 12), newLayer(t, "more", 1)
	put(t, reg, "box", "1", newConfig(runtime.GOARCH, 2020), base, etc)
	put(t, reg, "library/box", "1", newConfig(runtime.GOARCH, 2020), base, etc)
	put(t, reg, "box", "2", newConfig(runtime.GOARCH, 2021), base, etc, more)
	here := put(t, reg, "multi", "here", newConfig(runtime.GOARCH, 2019), base)
	there := put(t, reg, "multi", "there", newConfig("s390x", 2019), etc)
	reg.PutIndex("multi", "1", here, there)
	there = put(t, reg, "other", "there", newConfig("s390x", 2018), etc)
	reg.PutIndex("other", "1", there)
	never := newLayer(t, "never", 500_000)
	put(t, reg, "stalls", "1", newConfig(runtime.GOARCH, 2020), never)
	reg.Next(registrytest.Always, "GET .*"+never.Descriptor.Digest.String(), registrytest.Stall(20))
	return reg
}

func newLayer(t *testing.T, name string, size int) storetest.Layer {
	return storetest.Gzip(t, layertest.Tar(t, layertest.File(name, string(make([]byte, size)))))
}

func newConfig(architecture string, year int) ocispec.Image {
	created := time.Date(year, 1, 2, 3, 4, 5, 6, time.UTC)
	return ocispec.Image{
		Created:  &created,
		Platform: ocispec.Platform{OS: "linux", Architecture: architecture},
		Config: ocispec.ImageConfig{
			Cmd:    []string{"/bin/box", "<&>"},
			Env:    []string{"PATH=/bin"},
			Labels: map[string]string{"maintainer": "me"},
		},
		History: []ocispec.History{
			{Created: &created, CreatedBy: "COPY bin/box /bin/box # buildkit", Comment: "buildkit.dockerfile.v0"},
			{Created: &created, CreatedBy: `CMD ["/bin/box" "<&>"]`, EmptyLayer: true},
		},
	}
}

func put(t *testing.T, reg *registrytest.Server, repository, tag string, config ocispec.Image, layers ...storetest.Layer) ocispec.Descriptor {
	t.Helper()
	config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}
	var blobs []registrytest.Layer
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.DiffID)
		blobs = append(blobs, registrytest.Layer{MediaType: l.Descriptor.MediaType, Data: l.Blob})
	}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	desc := reg.PutImage(repository, tag, raw, blobs...)
	desc.Platform = &config.Platform
	return desc
}
