package content

import (
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestOthersReadASchema2Layout reads the layout of an image whose manifest is docker's, which keeps its digest. skopeo
// takes it where it is given no name. With a name, skopeo looks for OCI's own media types, as umoci always does: to them
// such an image has to be copied.
func TestOthersReadASchema2Layout(t *testing.T) {
	needs(t, "skopeo", "umoci")
	st := storetest.New(t)
	old := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1"))))
	im := old.Schema2().Publish(t, st, "docker.io/library/old:1")
	dir, _ := mount(t, New(st, nil, t.Logf))
	script := `skopeo inspect --format '{{.Digest}}' oci:$1
		! skopeo inspect oci:$1:latest 2>/dev/null
		! umoci stat --image $1 2>/dev/null
		skopeo copy -q oci:$1 oci:copy:latest
		umoci stat --image copy >/dev/null`
	diff(t, "skopeo", shell(t, script, filepath.Join(dir, im.ID.Encoded(), "oci")), im.Manifest.Digest.String()+"\n")
}
