package store

import (
	"encoding/json"
	"os"

	digest "github.com/opencontainers/go-digest"
)

// cachedLayers are those that steps of builds have made: what builder/cache has written into ROOT/build-cache. A record
// that cannot be read leads nowhere.
func (s *Store) cachedLayers() (map[digest.Digest]bool, error) {
	entries, err := os.ReadDir(s.path("build-cache"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	layers := map[digest.Digest]bool{}
	for _, e := range entries {
		var r struct{ DiffID digest.Digest }
		text, err := readRegular(s.path("build-cache", e.Name()), maxDocument)
		if err == nil && json.Unmarshal(text, &r) == nil && checkDigest(r.DiffID) == nil {
			layers[r.DiffID] = true
		}
	}
	return layers, nil
}

// cached marks layers, and the blobs that published images have had of them: as one of those a layer is used again.
func (m *marks) cached(layers map[digest.Digest]bool) {
	for diffID := range layers {
		m.layers[diffID.Encoded()] = true
	}
	if len(layers) == 0 {
		return
	}
	for _, r := range m.numbers.byManifest {
		for k, number := range r.Chains {
			if layers[m.numbers.byNumber[number].DiffID] {
				m.blob(r.Layers[k].Digest)
			}
		}
	}
}
