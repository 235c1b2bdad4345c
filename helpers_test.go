package imagefs_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// bench is an engine on a new store, and a registry for it to pull from.
type bench struct {
	*imagefs.Engine
	t   *testing.T
	reg *registrytest.Server
}

func newBench(t *testing.T) *bench {
	return &bench{
		Engine: imagefs.New(storetest.New(t), registry.New(registry.Options{DockerConfig: t.TempDir(), StallTimeout: time.Second})),
		t:      t,
		reg:    registrytest.New(t),
	}
}

// ref is a name at the bench's registry.
func (b *bench) ref(name string) string { return b.reg.Host + "/" + name }

// pull pulls, and fails the test if that fails.
func (b *bench) pull(req imagefs.PullRequest) ([]*store.Image, *record) {
	b.t.Helper()
	var r record
	images, err := b.Pull(b.t.Context(), req, &r)
	if err != nil {
		b.t.Fatalf("pull %+v: %v", req, err)
	}
	return images, &r
}

// fail pulls what cannot be pulled.
func (b *bench) fail(req imagefs.PullRequest) *imagefs.Error {
	b.t.Helper()
	_, err := b.Pull(b.t.Context(), req, nil)
	var e *imagefs.Error
	if !errors.As(err, &e) {
		b.t.Fatalf("pull %+v: %v", req, err)
	}
	return e
}

// put adds an image to the registry.
func (b *bench) put(repository, tag string, img storetest.Image) ocispec.Descriptor {
	b.t.Helper()
	desc := b.reg.PutImage(repository, tag, img.Config, blobs(img)...)
	desc.Platform = img.Descriptor.Platform
	return desc
}

func blobs(img storetest.Image) (layers []registrytest.Layer) {
	for _, l := range img.Layers {
		layers = append(layers, registrytest.Layer{MediaType: l.Descriptor.MediaType, Data: l.Blob})
	}
	return layers
}

// newImage is an image of one layer for each of names, a file in it.
func newImage(t *testing.T, names ...string) storetest.Image {
	t.Helper()
	return storetest.NewImage(t, newLayers(t, names...)...)
}

func newLayers(t *testing.T, names ...string) (layers []storetest.Layer) {
	for _, name := range names {
		layers = append(layers, storetest.Gzip(t, layertest.Tar(t, layertest.File(name, strings.Repeat(name, 1000)))))
	}
	return layers
}

// imageFor is an image of one layer for a platform, os/arch[/variant].
func imageFor(t *testing.T, platform, name string) storetest.Image {
	t.Helper()
	parts := strings.Split(platform+"/", "/")
	layers := newLayers(t, name)
	var config ocispec.Image
	config.Platform = ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
	config.RootFS = rootFS(layers)
	return storetest.NewImageWithConfig(t, config, layers...)
}

func rootFS(layers []storetest.Layer) ocispec.RootFS {
	root := ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}
	for _, l := range layers {
		root.DiffIDs = append(root.DiffIDs, l.DiffID)
	}
	return root
}

// record keeps what it is told.
type record struct {
	mu     sync.Mutex
	lines  []string
	layers []imagefs.LayerProgress
}

func (r *record) Line(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, text)
}

func (r *record) Layer(p imagefs.LayerProgress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layers = append(r.layers, p)
}

// statuses are those of one layer, each once, in order.
func (r *record) statuses(l storetest.Layer) (list []string) {
	for _, p := range r.layers {
		if p.ID == l.Descriptor.Digest.Encoded()[:12] {
			list = append(list, p.Status)
		}
	}
	return slices.Compact(list)
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// past is what has happened so far.
func (b *bench) past(filters ...string) (events []imagefs.Event) {
	b.t.Helper()
	req := imagefs.EventsRequest{Since: time.Unix(0, 0), Until: time.Now(), Filters: filters}
	err := b.Events(b.t.Context(), req, func(ev imagefs.Event) error {
		events = append(events, ev)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return events
}

// names are all references.
func (b *bench) names() (names []string) {
	for _, ref := range b.Store().Snapshot().References {
		names = append(names, strings.TrimPrefix(ref.Name, b.reg.Host+"/"))
	}
	return names
}
