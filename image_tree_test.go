package imagefs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestTree(t *testing.T) {
	s := storetest.New(t)
	layers := newLayers(t, "a", "bb", "c")
	storetest.NewImage(t, layers[:1]...).Publish(t, s, "docker.io/library/base:1")
	storetest.NewImage(t, layers[:2]...).Publish(t, s, "")
	img := storetest.NewImage(t, layers...).Publish(t, s, "reg.example/web:1")
	storetest.NewImage(t, layers...).Publish(t, s, "docker.io/library/web:2")
	snap := s.Snapshot()
	tree, err := imagefs.Tree(s, snap, img)
	if err != nil {
		t.Fatal(err)
	}
	want := `Image ID: IMAGE
Tags:     [web:2 reg.example/web:1]
Size:     4kB
Image Layers
├── ID: LAYER0 Size:     1kB Top Layer of: [base:1]
├── ID: LAYER1 Size:     2kB Top Layer of: [NAMELESS]
└── ID: LAYER2 Size:     1kB Top Layer of: [reg.example/web:1 web:2]
`
	short := func(s string) string { return s[:12] }
	got := strings.NewReplacer(
		short(img.ID.Encoded()), "IMAGE", short(storetest.NewImage(t, layers[:2]...).ID.Encoded()), "NAMELESS",
		short(layers[0].DiffID.Encoded()), "LAYER0", short(layers[1].DiffID.Encoded()), "LAYER1",
		short(layers[2].DiffID.Encoded()), "LAYER2",
	).Replace(string(tree.Text()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	empty := storetest.NewImage(t).Publish(t, s, "docker.io/library/empty:1")
	if tree, err = imagefs.Tree(s, s.Snapshot(), empty); err != nil || !strings.HasSuffix(string(tree.Text()), "No Image Layers\n") {
		t.Errorf("%s%v", tree.Text(), err)
	}
}
