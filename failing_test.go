package imagefs_test

import (
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestFailingPulls(t *testing.T) {
	for _, test := range failingPulls {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			img := newImage(t, "a", "b")
			b.put("web", "1", img)
			req := imagefs.PullRequest{Ref: b.ref("web:1")}
			test.arrange(t, b, img, &req)
			e := b.fail(req)
			if e.Kind != test.kind {
				t.Errorf("kind %v, want %v: %v", e.Kind, test.kind, e)
			}
			if !strings.Contains(e.Err.Error(), test.says) {
				t.Errorf("says %q, want %q in it", e.Err, test.says)
			}
			if e.Subject == "" && req.Ref != "" {
				t.Errorf("no subject: %v", e)
			}
			snap := b.Store().Snapshot()
			if len(snap.References)+len(snap.Images) > 0 {
				t.Errorf("published %v %v", snap.References, snap.Images)
			}
		})
	}
}

type failingPull struct {
	name    string
	arrange func(t *testing.T, b *bench, img storetest.Image, req *imagefs.PullRequest)
	kind    imagefs.Kind
	says    string
}

// asking is for what is wrong with the request alone.
func asking(wrong imagefs.PullRequest) func(*testing.T, *bench, storetest.Image, *imagefs.PullRequest) {
	return func(_ *testing.T, b *bench, _ storetest.Image, req *imagefs.PullRequest) {
		*req = wrong
		req.Ref = strings.ReplaceAll(wrong.Ref, "HOST", b.reg.Host)
	}
}

// serving is for a registry that misbehaves when it is asked for the first layer.
func serving(behavior registrytest.Behavior) func(*testing.T, *bench, storetest.Image, *imagefs.PullRequest) {
	return func(_ *testing.T, b *bench, img storetest.Image, _ *imagefs.PullRequest) {
		b.reg.Next(registrytest.Always, "GET .*"+img.Layers[0].Descriptor.Digest.String(), behavior)
	}
}

// holding is for an image that is wrong, made of a sound one. spoil may change all of both; the manifest then gets the
// digests and sizes of what img has.
func holding(spoil func(t *testing.T, img *storetest.Image, m *ocispec.Manifest)) func(*testing.T, *bench, storetest.Image, *imagefs.PullRequest) {
	return func(t *testing.T, b *bench, img storetest.Image, _ *imagefs.PullRequest) {
		var m ocispec.Manifest
		if err := json.Unmarshal(img.Manifest, &m); err != nil {
			t.Fatal(err)
		}
		spoil(t, &img, &m)
		config := b.reg.PutBlob("web", m.Config.MediaType, img.Config)
		m.Config = config
		for i, l := range img.Layers {
			m.Layers[i] = b.reg.PutBlob("web", m.Layers[i].MediaType, l.Blob)
		}
		b.reg.PutManifest("web", "1", m.MediaType, mustJSON(t, m))
	}
}

var failingPulls = []failingPull{
	{"bad reference", asking(imagefs.PullRequest{Ref: "HOST/Web"}), imagefs.Invalid, "must be lowercase"},
	{"no reference", asking(imagefs.PullRequest{}), imagefs.Invalid, "invalid reference format"},
	{"scratch", asking(imagefs.PullRequest{Ref: "scratch"}), imagefs.Invalid, "'scratch' is a reserved name"},
	{"bad platform", asking(imagefs.PullRequest{Ref: "HOST/web:1", Platform: "a/b/c/d"}), imagefs.Invalid, "a/b/c/d"},
	{"two platforms", asking(imagefs.PullRequest{Ref: "HOST/web:1", Platform: "linux/arm64", AllPlatforms: true}), imagefs.Invalid, "--all-platforms"},
	{"a tag and all tags", asking(imagefs.PullRequest{Ref: "HOST/web:1", AllTags: true}), imagefs.Invalid, "tag can't be used with --all-tags/-a"},
	{"no such tag", asking(imagefs.PullRequest{Ref: "HOST/web:2"}), imagefs.NotFound, "/web:2 not found"},
	{"no such digest", asking(imagefs.PullRequest{Ref: "HOST/web@" + digest.FromString("x").String()}), imagefs.NotFound, "not found"},
	{"no such repository", asking(imagefs.PullRequest{Ref: "HOST/nope"}), imagefs.NotFound, "nope not found"},
	{
		"authentication required",
		func(t *testing.T, b *bench, _ storetest.Image, _ *imagefs.PullRequest) {
			b.reg.RequireBasic("user", "secret")
		},
		imagefs.Denied, "pull access denied for",
	},
	{
		"not listening",
		func(t *testing.T, b *bench, _ storetest.Image, req *imagefs.PullRequest) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			req.Ref = l.Addr().String() + "/web"
		},
		imagefs.Refused, "connection refused",
	},
	{"missing layer", serving(registrytest.Error(404, "BLOB_UNKNOWN", "blob unknown")), imagefs.Corrupt, "blob unknown"},
	{"wrong bytes", serving(registrytest.Flip(20)), imagefs.Corrupt, "filesystem layer verification failed for digest"},
	{"cut short", serving(registrytest.Truncate(20)), imagefs.Corrupt, "layer sha256:"},
	{
		"index without an image",
		func(t *testing.T, b *bench, _ storetest.Image, _ *imagefs.PullRequest) {
			other := b.put("web", "other", imageFor(t, "linux/s390x", "x"))
			b.reg.PutIndex("web", "1", other)
		},
		imagefs.Unsupported, "no matching manifest for linux/",
	},
	{
		"nested index",
		func(t *testing.T, b *bench, img storetest.Image, _ *imagefs.PullRequest) {
			inner := b.reg.PutIndex("web", "inner", b.put("web", "1", img))
			b.reg.PutIndex("web", "1", inner)
		},
		imagefs.Unsupported, "unsupported media type " + ocispec.MediaTypeImageIndex,
	},
	{
		"schema 1",
		func(t *testing.T, b *bench, _ storetest.Image, _ *imagefs.PullRequest) {
			b.reg.PutManifest("web", "1", "application/vnd.docker.distribution.manifest.v1+prettyjws", []byte(`{"schemaVersion":1,"fsLayers":[]}`))
		},
		imagefs.Unsupported, "schema 1",
	},
	{
		"unknown manifest",
		func(t *testing.T, b *bench, _ storetest.Image, _ *imagefs.PullRequest) {
			b.reg.PutManifest("web", "1", "application/vnd.example+json", []byte(`{"mediaType":"application/vnd.example+json"}`))
		},
		imagefs.Unsupported, "application/vnd.example+json",
	},
	{
		"artifact",
		holding(func(_ *testing.T, _ *storetest.Image, m *ocispec.Manifest) {
			m.Config.MediaType = "application/vnd.cncf.helm.config.v1+json"
		}),
		imagefs.Unsupported, "unsupported media type application/vnd.cncf.helm.config.v1+json",
	},
	{
		"unknown layer",
		holding(func(_ *testing.T, _ *storetest.Image, m *ocispec.Manifest) {
			m.Layers[1].MediaType = "application/vnd.example.layer"
		}),
		imagefs.Unsupported, "application/vnd.example.layer",
	},
	{
		"wrong diffID",
		holding(func(_ *testing.T, img *storetest.Image, _ *ocispec.Manifest) {
			img.Config = bytes.Replace(img.Config, []byte(img.Layers[0].DiffID), []byte(digest.FromString("x")), 1)
		}),
		imagefs.Corrupt, "filesystem layer verification failed for digest",
	},
	{
		"fewer diffIDs",
		holding(func(t *testing.T, img *storetest.Image, _ *ocispec.Manifest) {
			img.Config = mustJSON(t, ocispec.Image{RootFS: rootFS(img.Layers[:1])})
		}),
		imagefs.Corrupt, "layers from manifest don't match image configuration",
	},
	{
		"config that is no JSON",
		holding(func(_ *testing.T, img *storetest.Image, _ *ocispec.Manifest) { img.Config = []byte("{") }),
		imagefs.Corrupt, "invalid image configuration",
	},
	{
		"corrupt gzip",
		holding(func(_ *testing.T, img *storetest.Image, _ *ocispec.Manifest) {
			blob := img.Layers[0].Blob
			blob[len(blob)-6] ^= 1 // of the checksum
		}),
		imagefs.Corrupt, "layer sha256:",
	},
	{
		"corrupt zstd",
		holding(func(_ *testing.T, img *storetest.Image, _ *ocispec.Manifest) {
			img.Layers[0].Blob = []byte("\x28\xb5\x2f\xfd and no more")
		}),
		imagefs.Corrupt, "layer sha256:",
	},
}
