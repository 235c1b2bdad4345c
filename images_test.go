package imagefs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

// createdAgo is an image with a file of n bytes, made that long before now, with a label.
func createdAgo(t *testing.T, ago time.Duration, n int, label string) storetest.Image {
	t.Helper()
	l := storetest.Gzip(t, layertest.Tar(t, layertest.File("f", strings.Repeat("x", n))))
	created := now.Add(-ago)
	config := ocispec.Image{Created: &created, RootFS: rootFS([]storetest.Layer{l})}
	config.Platform = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	config.Config.Labels = map[string]string{"is": label}
	return storetest.NewImageWithConfig(t, config, l)
}

func imagesStore(t *testing.T) (*store.Store, map[string]string) {
	s := storetest.New(t)
	old := createdAgo(t, 15*24*time.Hour, 1000, "old")
	old.Publish(t, s, "docker.io/library/alpine:3.18")
	old.Publish(t, s, "docker.io/library/alpine:3.19")
	old.Publish(t, s, "docker.io/library/alpine@"+old.Descriptor.Digest.String())
	young := createdAgo(t, time.Hour, 2345678, "young")
	young.Publish(t, s, "reg.example/web:1")
	digestOnly := createdAgo(t, 2*time.Hour, 12, "digest only")
	digestOnly.Publish(t, s, "docker.io/me/x@"+digestOnly.Descriptor.Digest.String())
	nameless := createdAgo(t, 3*time.Hour, 0, "nameless")
	nameless.Publish(t, s, "")
	multi := createdAgo(t, 4*time.Hour, 5, "first")
	other := createdAgo(t, 5*time.Hour, 6, "second")
	other.Descriptor.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	storetest.NewIndex(t, multi.Descriptor, other.Descriptor).Publish(t, s, "docker.io/me/multi:2", multi, other)
	ids := make(map[string]string)
	for name, img := range map[string]storetest.Image{
		"OLD": old, "YOUNG": young, "DIGESTONLY": digestOnly, "NAMELESS": nameless, "MULTI": multi, "OTHER": other,
	} {
		ids[name] = img.ID.Encoded()[:12]
	}
	return s, ids
}

func TestImagesTable(t *testing.T) {
	s, ids := imagesStore(t)
	want := `REPOSITORY        TAG             IMAGE ID       CREATED       SIZE
reg.example/web   1               YOUNG   About an hour ago   2.35MB
me/x              <none>          DIGESTONLY   2 hours ago   12B
<none>            <none>          NAMELESS   3 hours ago   0B
me/multi          2               MULTI   4 hours ago   5B
me/multi          2@linux-arm64   OTHER   5 hours ago   6B
alpine            3.18            OLD   2 weeks ago   1kB
alpine            3.19            OLD   2 weeks ago   1kB
`
	for name, id := range ids {
		want = strings.ReplaceAll(want, name, id)
	}
	got := string(imagefs.ImagesTable(imagefs.Images(s.Snapshot()), now))
	squeeze := func(s string) []string {
		var lines []string
		for line := range strings.Lines(s) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return lines
	}
	if diff := cmp.Diff(squeeze(want), squeeze(got)); diff != "" {
		t.Error(diff)
	}
	if first, _, _ := strings.Cut(got, "\n"); first != "REPOSITORY        TAG             IMAGE ID       CREATED             SIZE" {
		t.Errorf("columns: %q", first)
	}
}

func TestFilterImages(t *testing.T) {
	s, _ := imagesStore(t)
	for filter, want := range map[string]string{
		"dangling=true":                        "me/x:<none> <none>:<none>",
		"dangling=false":                       "reg.example/web:1 me/x:<none> me/multi:2 me/multi:2@linux-arm64 alpine:3.18 alpine:3.19",
		"reference=alpine":                     "alpine:3.18 alpine:3.19",
		"reference=alpine:*9":                  "alpine:3.19",
		"reference=*/*":                        "reg.example/web:1 me/x:<none> me/multi:2 me/multi:2@linux-arm64",
		"before=me/multi:2":                    "me/multi:2@linux-arm64 alpine:3.18 alpine:3.19",
		"since=me/multi:2":                     "reg.example/web:1 me/x:<none> <none>:<none>",
		"label=is":                             "reg.example/web:1 me/x:<none> <none>:<none> me/multi:2 me/multi:2@linux-arm64 alpine:3.18 alpine:3.19",
		"label=is=nameless":                    "<none>:<none>",
		"label=isnt":                           "",
		"reference=alpine label=is=x":          "",
		"reference=alpine:3.18 reference=me/x": "me/x:<none> alpine:3.18",
	} {
		rows, err := imagefs.FilterImages(s, s.Snapshot(), imagefs.Images(s.Snapshot()), strings.Fields(filter))
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		}
		var names []string
		for _, r := range rows {
			names = append(names, fmt.Sprintf("%s:%s", r.Repository, r.Tag))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", filter, got, want)
		}
	}
	for _, filter := range []string{"x=y", "x", "dangling=perhaps", "reference=[", "before=Upper"} {
		_, err := imagefs.FilterImages(s, s.Snapshot(), imagefs.Images(s.Snapshot()), []string{filter})
		if imagefs.KindOf(err) != imagefs.Invalid {
			t.Errorf("%s: %v", filter, err)
		}
	}
}
