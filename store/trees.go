package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// noLayers is the name of the tree of images without layers, which have no chainID.
const noLayers = "no-layers"

// Layer opens the unpacked layer diffID; the store closes it.
func (s *Store) Layer(diffID digest.Digest) (*layer.Layer, error) {
	if err := checkDigest(diffID); err != nil {
		return nil, err
	}
	return s.layers.get(diffID.Encoded(), s.layerIndex(diffID.Encoded()), func() (*layer.Layer, error) {
		l, err := layer.Open(s.layerPath(diffID), diffID, largeFiles{store: s})
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("layer %s: %w", diffID, ErrNotFound)
		}
		return l, err
	})
}

// Tree opens the merged tree of an image; the store closes it.
func (s *Store) Tree(img *Image) (*tree.Tree, error) {
	return s.openTree(treeName(img.Chains), img.Chains, tree.Build)
}

// DiffTree opens the tree of layer k of an image alone, and builds it first where it is not stored; the store closes
// it.
func (s *Store) DiffTree(img *Image, k int) (*tree.Tree, error) {
	chains := img.Chains[:k+1]
	return s.openTree(diffName(chains), chains, tree.BuildDiff)
}

// treeName is the name in ROOT/trees of the tree of a stack of layers.
func treeName(chains []Chain) string {
	if len(chains) == 0 {
		return noLayers
	}
	return chains[len(chains)-1].ChainID.Encoded()
}

const diffSuffix = ".diff"

// diffName is the name in ROOT/trees of the tree of the topmost layer of a stack.
func diffName(chains []Chain) string { return treeName(chains) + diffSuffix }

type buildTree func(path string, layers []tree.Layer) error

// openTree opens the tree that build makes of chains, and stores it first where it is not.
func (s *Store) openTree(name string, chains []Chain, build buildTree) (*tree.Tree, error) {
	return s.trees.get(name, s.path("trees", name), func() (*tree.Tree, error) {
		layers, err := s.stack(chains)
		if err != nil {
			return nil, err
		}
		if err := s.ensureTree(name, layers, build); err != nil {
			return nil, err
		}
		return tree.Open(s.path("trees", name), layers)
	})
}

// stack opens the layers of chains.
func (s *Store) stack(chains []Chain) ([]tree.Layer, error) {
	layers := make([]tree.Layer, len(chains))
	for k, c := range chains {
		l, err := s.Layer(c.DiffID)
		if err != nil {
			return nil, err
		}
		layers[k] = l
	}
	return layers, nil
}

// ensureTree stores a tree, unless it is stored.
func (s *Store) ensureTree(name string, layers []tree.Layer, build buildTree) error {
	path := s.path("trees", name)
	if isRegular(path) {
		return nil
	}
	temp, err := s.scratch.name()
	if err != nil {
		return err
	}
	err = build(temp, layers)
	if err == nil {
		err = rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}
