package store

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer"
)

// unknownLife is how long a blob or layer is kept that no published image has had: that of an interrupted pull, or of
// another program that has yet to write its reference.
const unknownLife = 24 * time.Hour

// garbage is what a collection removes. What others are made of comes after them.
type garbage struct{ items []item }

// item is a file or directory, and what [Collected] says of it.
type item struct {
	path  string
	bytes int64
	blob  digest.Digest // "" for none that was published
	layer digest.Digest // diffID
}

// garbage finds what is not marked. What is claimed is marked.
func (s *Store) garbage(m *marks, claimed map[string]bool) (*garbage, error) {
	known := m.named()
	layers, err := s.unmarked(s.path("layers"), m.layers, known.layers)
	if err != nil {
		return nil, err
	}
	m.payloads()
	records, err := m.compressed()
	if err != nil {
		return nil, err
	}
	files, err := s.unusedFiles(m.layers, claimed)
	if err != nil {
		return nil, err
	}
	blobs, err := s.unmarked(s.path(ocispec.ImageBlobsDir, "sha256"), m.blobs, known.blobs)
	if err != nil {
		return nil, err
	}
	sums, err := s.unmarked(s.path("checksums", "sha256"), m.blobs, nil)
	if err != nil {
		return nil, err
	}
	g := &garbage{}
	g.add(s.path("trees"), m.unmarkedTrees(), nil)
	g.add(s.path("layers"), layers, func(i *item, d digest.Digest) { i.layer = d })
	g.add(s.path("files", "sha256"), files, nil)
	g.add(s.path("checksums", "sha256"), sums, nil)
	g.add(s.path("compressed"), records, nil)
	g.add(s.path(ocispec.ImageBlobsDir, "sha256"), blobs, func(i *item, d digest.Digest) {
		if known.blobs[d.Encoded()] {
			i.blob = d
		}
	})
	return g, nil
}

// known is what published images have had, by name.
type known struct{ blobs, layers map[string]bool }

func (v *view) named() known {
	v.store.mu.Lock()
	defer v.store.mu.Unlock()
	k := known{map[string]bool{}, map[string]bool{}}
	for _, r := range v.numbers.byManifest {
		k.blobs[r.Manifest.Digest.Encoded()] = true
		k.blobs[r.Config.Digest.Encoded()] = true
		for _, l := range r.Layers {
			k.blobs[l.Digest.Encoded()] = true
		}
		if r.Index != nil {
			k.blobs[r.Index.Digest.Encoded()] = true
		}
	}
	for _, c := range v.numbers.chains {
		k.layers[c.DiffID.Encoded()] = true
	}
	return k
}

// unmarked returns, sorted, the names in dir that are not marked. If known is not nil, those that are not known are marked
// as long as they are young. What has no digest for its name is not ours.
func (s *Store) unmarked(dir string, marked, known map[string]bool) ([]string, error) {
	all, err := list(dir, func(e os.DirEntry) bool { return isHex(e.Name()) })
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if known != nil && !marked[name] && !known[name] && isYoung(filepath.Join(dir, name)) {
			marked[name] = true
		}
		if !marked[name] {
			names = append(names, name)
		}
	}
	return names, nil
}

func isYoung(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && time.Since(info.ModTime()) < unknownLife
}

// unusedFiles returns the large files that no layer has and nobody claims. If a layer cannot tell, there are none.
func (s *Store) unusedFiles(layers, claimed map[string]bool) ([]string, error) {
	all, err := list(s.path("files", "sha256"), func(e os.DirEntry) bool { return isHex(e.Name()) && !claimed[e.Name()] })
	if len(all) == 0 || err != nil {
		return nil, err
	}
	for name := range layers {
		large, err := layer.Large(s.path("layers", name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, nil
		}
		for _, d := range large {
			delete(all, d.Encoded())
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// isHex tells whether name is what follows "sha256:".
func isHex(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}

func (m *marks) unmarkedTrees() []string {
	var names []string
	for name := range m.view.trees {
		ours := name == noLayers || isHex(strings.TrimSuffix(name, diffSuffix))
		if ours && !m.trees[name] {
			names = append(names, name)
		}
	}
	return names
}

// add adds what is in dir under names, and what it takes of the disk. label, if it is not nil, says what the digests are
// of whose digits the names are.
func (g *garbage) add(dir string, names []string, label func(*item, digest.Digest)) {
	for _, name := range names {
		path := filepath.Join(dir, name)
		i := item{path: path, bytes: usage(path)}
		if label != nil {
			label(&i, digest.NewDigestFromEncoded(digest.SHA256, name))
		}
		g.items = append(g.items, i)
	}
}

// usage is what du says of a file or directory, in bytes. What has gone takes nothing.
func usage(path string) (bytes int64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return bytes
}
