package archive_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestSchema2 writes an image that docker pushed for those who know OCI's media types only; its ID stays.
func TestSchema2(t *testing.T) {
	for _, program := range []string{"skopeo", "umoci"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	s := storetest.New(t)
	img := storetest.NewImage(t, layers(t)...).Schema2().Publish(t, s, "docker.io/library/old:1")
	a, err := archive.NewOCI(s, []archive.Saved{{Image: img, Names: []string{"docker.io/library/old:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, a)
	file, dir := filepath.Join(t.TempDir(), "old.tar"), t.TempDir()
	data, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	script := `set -e
		test "$(skopeo inspect --raw --config oci-archive:$1:docker.io/library/old:1 | sha256sum | cut -c -64)" = $2
		tar -C $3 -xf $1
		umoci stat --image $3:docker.io/library/old:1 >/dev/null`
	if out, err := exec.Command("sh", "-c", script, "sh", file, img.ID.Encoded(), dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
