package imagefs

import (
	"testing"
	"time"

	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestSources: a source counts as long as it was made in the same way.
func TestSources(t *testing.T) {
	a, b := digest.FromString("a"), digest.FromString("b")
	then := time.Unix(1, 0).UTC()
	s := newTestBuild(t, nil, "FROM scratch\n")
	s.history = []ocispec.History{{CreatedBy: "COPY a /"}, {CreatedBy: "ENV A=b", EmptyLayer: true}}
	s.diffIDs = []digest.Digest{a}
	for _, test := range []struct {
		name   string
		change func(*cacheSource)
		ok     bool
	}{
		{"the same", func(*cacheSource) {}, true},
		{"BuildKit's", func(c *cacheSource) {
			for i := range c.history {
				c.history[i].CreatedBy += " # buildkit"
			}
		}, true},
		{"another instruction", func(c *cacheSource) { c.history[2].CreatedBy = "RUN y" }, false},
		{"no time", func(c *cacheSource) { c.history[2].Created = nil }, false},
		{"another instruction before", func(c *cacheSource) { c.history[1].CreatedBy = "ENV A=c" }, false},
		{"another layer before", func(c *cacheSource) { c.diffIDs[0] = b }, false},
		{"a layer where there is none", func(c *cacheSource) { c.history[1].EmptyLayer = false }, false},
		{"another platform", func(c *cacheSource) { c.platform = "plan9/mips" }, false},
		{"no further step", func(c *cacheSource) { c.history = c.history[:2] }, false},
		{"a layer too few", func(c *cacheSource) { c.diffIDs = c.diffIDs[:1] }, false},
	} {
		c := cacheSource{
			platform: platforms.Format(s.platform), diffIDs: []digest.Digest{a, b},
			history: []ocispec.History{
				{CreatedBy: "COPY a /"}, {CreatedBy: "ENV A=b", EmptyLayer: true}, {CreatedBy: "RUN x", Created: &then},
			},
		}
		test.change(&c)
		r, ok := c.after(s, "RUN x")
		if ok != test.ok || ok && (r.DiffID != b || !r.Created.Equal(then)) {
			t.Errorf("%s: %v, %v", test.name, r, ok)
		}
		s.latest, s.now = then.Add(1), then.Add(1)
		if _, ok := c.after(s, "RUN x"); ok {
			t.Errorf("%s: taken, although it has other times", test.name)
		}
		s.latest = time.Time{}
	}
}
