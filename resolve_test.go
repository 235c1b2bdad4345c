package imagefs_test

import (
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestResolve(t *testing.T) {
	s := storetest.New(t)
	alpine := newImage(t, "alpine")
	alpine.Publish(t, s, "docker.io/library/alpine:latest")
	alpine.Publish(t, s, "docker.io/library/alpine@"+alpine.Descriptor.Digest.String())
	web := newImage(t, "web")
	web.Publish(t, s, "reg.example:5000/a/b:1")
	multi := imageFor(t, "linux/s390x", "multi")
	index := storetest.NewIndex(t, multi.Descriptor)
	index.Publish(t, s, "docker.io/me/multi:2", multi)
	for word, want := range map[string]digest.Digest{
		"alpine":                                      alpine.ID,
		"alpine:latest":                               alpine.ID,
		"library/alpine":                              alpine.ID,
		"docker.io/alpine":                            alpine.ID,
		"index.docker.io/library/alpine":              alpine.ID,
		"docker.io/library/alpine:latest":             alpine.ID,
		"alpine@" + alpine.Descriptor.Digest.String(): alpine.ID,
		"alpine:whatever@" + alpine.Descriptor.Digest.String():   alpine.ID,
		"reg.example:5000/a/b:1":                                 web.ID,
		"reg.example:5000/a/b@" + web.Descriptor.Digest.String(): web.ID,
		web.ID.String():                                             web.ID,
		web.ID.Encoded():                                            web.ID,
		web.ID.Encoded()[:12]:                                       web.ID,
		"sha256:" + web.ID.Encoded()[:5]:                            web.ID,
		web.Descriptor.Digest.String():                              web.ID,
		web.Descriptor.Digest.Encoded()[:12]:                        web.ID,
		"me/multi:2":                                                multi.ID,
		"me/multi@" + index.Descriptor.Digest.String():              multi.ID,
		"me/multi@" + multi.Descriptor.Digest.String():              multi.ID,
		index.Descriptor.Digest.String():                            multi.ID,
		index.Descriptor.Digest.Encoded()[:16]:                      multi.ID,
		"docker.io/me/multi:2@" + multi.Descriptor.Digest.String():  multi.ID,
		"docker.io/me/multi:no@" + index.Descriptor.Digest.String(): multi.ID,
	} {
		img, err := imagefs.Resolve(s.Snapshot(), word)
		if err != nil || img.ID != want {
			t.Errorf("%s: %v, %v", word, img, err)
		}
	}
	for word, want := range map[string]imagefs.Kind{
		"":                              imagefs.Invalid,
		"Alpine":                        imagefs.Invalid,
		"a b":                           imagefs.Invalid,
		"alpine:3.19":                   imagefs.NotFound,
		"b:1":                           imagefs.NotFound,
		"zz":                            imagefs.NotFound,
		digest.FromString("x").String(): imagefs.NotFound,
		"other@" + alpine.Descriptor.Digest.String(): imagefs.NotFound,
	} {
		if _, err := imagefs.Resolve(s.Snapshot(), word); imagefs.KindOf(err) != want {
			t.Errorf("%q: %v", word, err)
		}
	}
}

// TestResolveAmbiguous needs two images whose IDs begin with the same digit: of seventeen, two do.
func TestResolveAmbiguous(t *testing.T) {
	seen := make(map[string]bool)
	snap := &store.Snapshot{}
	for i := range 17 {
		id := digest.FromString(string(rune('a' + i)))
		snap.Images = append(snap.Images, &store.Image{ID: id, Manifest: ocispec.Descriptor{Digest: id}})
		first := id.Encoded()[:1]
		if seen[first] {
			if _, err := imagefs.Resolve(snap, first); imagefs.KindOf(err) != imagefs.Invalid {
				t.Errorf("%s: %v", first, err)
			}
			return
		}
		seen[first] = true
	}
}

func FuzzResolve(f *testing.F) {
	for _, word := range []string{"alpine", "a/b:c@sha256:12", "sha256:", "localhost:5000/x", "\x00", "a:b:c"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		_, err := imagefs.Resolve(&store.Snapshot{}, word)
		if kind := imagefs.KindOf(err); kind != imagefs.NotFound && kind != imagefs.Invalid {
			t.Errorf("%q: %v", word, err)
		}
	})
}
