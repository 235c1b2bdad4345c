package content

import (
	"runtime"
	"strings"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// capability is cap_net_raw+ep as setcap writes it.
const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

const created = "2024-05-06T07:08:09.12345Z"

func baseLayer(t testing.TB) storetest.Layer {
	return storetest.Gzip(t, layertest.Tar(t,
		layertest.Dir("etc").WithXattr("user.note", "configuration").WithXattr("trusted.overlay.opaque", "y"),
		layertest.File("etc/hostname", "box\n"),
		layertest.File("etc/shadow", "secret\n").WithMode(0).WithOwner(70000, 80000),
		layertest.Dir("bin"),
		layertest.File("bin/tool", "#!/bin/sh\n").WithMode(0o4755).
			WithXattr("security.capability", capability).WithXattr("user.overlay.origin", "x").WithXattr("user.imagefs.layer", "false"),
		layertest.Link("bin/other", "bin/tool"),
		layertest.File("bin/kept", "kept").WithTime(time.Date(1960, 1, 2, 3, 4, 5, 6, time.UTC)),
		layertest.Link("bin/kept2", "bin/kept"),
		layertest.Symlink("bin/link", "../etc/hostname"),
		layertest.Fifo("run.pipe"),
		layertest.Char("null", 1, 3),
		layertest.Block("disk", 259, 70000),
		layertest.File("large", strings.Repeat("0123456789abcdef", 1<<17)),
		layertest.File("implied/below/here", "x"),
		layertest.Dir("data"),
		layertest.File("data/gone", "gone"),
		layertest.File("odd \xff\n\\name", "odd"),
		layertest.File(strings.Repeat("n", 255), "long"),
		layertest.Dir("empty"),
	))
}

func topLayer(t testing.TB) storetest.Layer {
	return storetest.Gzip(t, layertest.Tar(t,
		layertest.Whiteout("bin/other"),
		layertest.Link("bin/third", "bin/kept"),
		layertest.Opaque("data"),
		layertest.File("data/new", "new"),
		layertest.Whiteout("odd \xff\n\\name"),
		layertest.File("empty", "a file now"),
		layertest.File("two", "two"),
		layertest.Link("deux", "two"),
	))
}

func config(platform ocispec.Platform, layers ...storetest.Layer) ocispec.Image {
	at, err := time.Parse(time.RFC3339, created)
	if err != nil {
		panic(err)
	}
	c := ocispec.Image{Created: &at, Platform: platform, RootFS: ocispec.RootFS{Type: "layers"}}
	for i, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.DiffID)
		c.History = append(c.History,
			ocispec.History{CreatedBy: "ENV A=" + string(rune('a'+i)), EmptyLayer: true, Created: &at},
			ocispec.History{CreatedBy: "ADD layer" + string(rune('0'+i)), Author: "me", Comment: "by hand", Created: &at},
		)
	}
	return c
}

var host = ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}

// shelf is a store with three images: small is the base of app, and other has an index with a platform that is not
// there.
type shelf struct {
	store             *store.Store
	fs                *FS
	log               *record
	small, app, other *store.Image
	index             storetest.Index
}

func stock(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{store: storetest.New(t), log: &record{}}
	base, top := baseLayer(t), topLayer(t)
	s.small = storetest.NewImageWithConfig(t, config(host, base), base).Publish(t, s.store, "docker.io/library/small:latest")
	s.app = storetest.NewImageWithConfig(t, config(host, base, top), base, top).Publish(t, s.store, "docker.io/library/app:1")
	plain := storetest.Tar(layertest.Tar(t, layertest.File("only", "this")))
	other := storetest.NewImageWithConfig(t, config(host, base, top, plain), base, top, plain)
	absent := ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("absent"), Size: 123,
		Platform: &ocispec.Platform{OS: "linux", Architecture: "riscv64", Variant: "v9"},
	}
	attestation := ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("attestation"), Size: 45,
		Platform: &ocispec.Platform{OS: "unknown", Architecture: "unknown"},
	}
	s.index = storetest.NewIndex(t, other.Descriptor, absent, attestation)
	s.other = s.index.Publish(t, s.store, "docker.io/library/other:latest", other)[0]
	s.fs = New(s.store, nil, s.log.printf)
	return s
}
