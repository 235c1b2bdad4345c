package imagefs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/scripts/peers"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// What is pushed to the distribution project's registry comes back as the same image, for imagefs and for skopeo, whether it
// was pulled or loaded.
func TestPushToDistribution(t *testing.T) {
	if missing := peers.Missing("docker-registry", "skopeo"); len(missing) > 0 {
		t.Skipf("not installed: %v", missing)
	}
	reg, err := peers.StartRegistry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	b := newBench(t)
	b.put("web", "1", newImage(t, "a", "b"))
	pulled, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.give(b.ref("web:1"), reg.Addr+"/web:pulled")
	loaded := b.build(reg.Addr+"/web:loaded", layertest.Tar(t, layertest.File("big", strings.Repeat("compressible ", 300_000))))
	b.push(imagefs.PushRequest{Ref: reg.Addr + "/web", AllTags: true})
	b.give(reg.Addr+"/web:loaded", reg.Addr+"/team/web:loaded")
	again := b.push(imagefs.PushRequest{Ref: reg.Addr + "/team/web:loaded"})
	if diff := cmp.Diff([]string{"Preparing", "Mounted from web"}, states(again)[loaded.Chains[0].DiffID.Encoded()[:12]]); diff != "" {
		t.Error(diff)
	}

	other := &bench{Engine: newBench(t).Engine, t: t, reg: &registrytest.Server{Host: reg.Addr}}
	for name, img := range map[string]string{
		"web:pulled": pulled[0].ID.String(), "web:loaded": loaded.ID.String(), "team/web:loaded": loaded.ID.String(),
	} {
		got, _ := other.pull(imagefs.PullRequest{Ref: other.ref(name), Platform: "linux/amd64"})
		if got[0].ID.String() != img {
			t.Errorf("%s is %s, want %s", name, got[0].ID, img)
		}
		layout := "oci:" + t.TempDir() + ":x"
		if _, err := peers.Run(t.Context(), "skopeo", "copy", "-q", "--src-tls-verify=false", "docker://"+other.ref(name), layout); err != nil {
			t.Error(err)
		}
	}
	if got := other.Store().Snapshot().Reference(other.ref("web:pulled")).Target.Digest; got != pulled[0].Manifest.Digest {
		t.Errorf("pushed as %s, want %s", got, pulled[0].Manifest.Digest)
	}
}
