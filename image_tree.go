package imagefs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	units "github.com/docker/go-units"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// ImageTree is what `podman image tree` tells of an image.
type ImageTree struct {
	ID     digest.Digest
	Tags   []string
	Size   int64       // bytes
	Layers []TreeLayer // base first
}

// TreeLayer is a layer of an image.
type TreeLayer struct {
	DiffID digest.Digest
	Size   int64    // bytes, of its regular files
	TopOf  []string // the tags of the images that end with it; those without a tag by their short IDs
}

// Tree tells of an image's layers, and which images in the store end with each of them.
func Tree(s *store.Store, snap *store.Snapshot, img *store.Image) (ImageTree, error) {
	all := namesByImage(snap)
	t := ImageTree{ID: img.ID, Tags: tagsOf(all[img]), Size: img.Size}
	for _, chain := range img.Chains {
		l, err := s.Layer(chain.DiffID)
		if err != nil {
			return t, err
		}
		row := TreeLayer{DiffID: chain.DiffID, Size: l.Size()}
		for _, other := range snap.Images {
			if n := len(other.Chains); n > 0 && other.Chains[n-1].ChainID == chain.ChainID {
				row.TopOf = append(row.TopOf, topName(other, tagsOf(all[other]))...)
			}
		}
		slices.Sort(row.TopOf)
		t.Layers = append(t.Layers, row)
	}
	return t, nil
}

func tagsOf(names *imageNames) []string {
	if names == nil {
		return nil
	}
	return names.repoTags()
}

func topName(img *store.Image, tags []string) []string {
	if len(tags) == 0 {
		return []string{shortID(img.ID)}
	}
	return tags
}

// Text formats the tree as podman does.
func (t ImageTree) Text() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Image ID: %s\nTags:     [%s]\nSize:     %s\n", shortID(t.ID), strings.Join(t.Tags, " "), treeSize(t.Size))
	if len(t.Layers) == 0 {
		out.WriteString("No Image Layers\n")
		return out.Bytes()
	}
	out.WriteString("Image Layers\n")
	for i, l := range t.Layers {
		branch := "├── "
		if i == len(t.Layers)-1 {
			branch = "└── "
		}
		fmt.Fprintf(&out, "%sID: %s Size: %7s", branch, shortID(l.DiffID), treeSize(l.Size))
		if len(l.TopOf) > 0 {
			fmt.Fprintf(&out, " Top Layer of: [%s]", strings.Join(l.TopOf, " "))
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func treeSize(n int64) string { return units.HumanSizeWithPrecision(float64(n), 4) }
