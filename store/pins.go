package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	digest "github.com/opencontainers/go-digest"
)

// Pins keep images that are gone from the references readable, with all that is derived of them, as long as somebody has
// the file's lock: a mount, whose kernel may still read them. It is ROOT/mounts/<name>.
type Pins struct {
	store *Store

	mu     sync.Mutex // guards file; taken before ROOT/lock
	file   pinFile
	pinned atomic.Pointer[pinned]
}

// pinned are images by ID, and in the order they were pinned in. It never changes.
type pinned struct {
	images []*Image
	byID   map[digest.Digest]*Image
}

// pin is one pinned image in the file: it also says under which manifest a snapshot had it.
type pin struct {
	ID       digest.Digest `json:"id"`
	Manifest digest.Digest `json:"manifest"`
}

// LockPins makes the pin file name of the store at root and takes its lock, which lasts as long as the file, or a copy of
// the descriptor, in any process, is open. Nothing is pinned then. An error that is EWOULDBLOCK says that another has it.
func LockPins(root, name string) (*os.File, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("%q is no name for a file of pins", name)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "mounts")
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	// Whoever collects has the lock of a dead file for a moment.
	lock, err := acquire(context.Background(), filepath.Join(root, "lock"), nil)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	f, err := tryAcquire(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// OpenPins is for who has such a descriptor, which stays its owner's. A store has one Pins open; [Store.Retained] knows
// its images.
func (s *Store) OpenPins(f *os.File) (*Pins, error) {
	lock, err := acquire(context.Background(), s.path("lock"), nil)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	p := &Pins{store: s, file: pinFile{file: f}}
	pins, err := p.file.read()
	if err != nil {
		return nil, err
	}
	_, v, err := s.reload()
	if err != nil {
		return nil, err
	}
	p.pinned.Store(s.pinnedImages(v, pins))
	s.pins.Store(p)
	return p, nil
}

// pinnedImages makes images of pins, as a snapshot had them.
func (s *Store) pinnedImages(v *view, pins []pin) *pinned {
	s.mu.Lock()
	defer s.mu.Unlock()
	var images []*Image
	for _, p := range pins {
		if img := v.pinned(p); img != nil {
			images = append(images, img)
		}
	}
	return newPinned(images)
}

func newPinned(images []*Image) *pinned {
	p := &pinned{images: images, byID: make(map[digest.Digest]*Image, len(images))}
	for _, img := range images {
		p.byID[img.ID] = img
	}
	return p
}

// Set replaces what is pinned, before it returns. Images that were removed meanwhile cannot be pinned any more, unless
// they are: Set returns those that are pinned. It works on a disk that is full, too: unpinning is how room is made.
func (p *Pins) Set(ctx context.Context, ids []digest.Digest) ([]digest.Digest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lock, err := acquire(ctx, p.store.path("lock"), nil)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	snap, _, err := p.store.reload()
	if err != nil {
		return nil, err
	}
	images, err := p.images(snap, ids)
	if err != nil {
		return nil, err
	}
	pins := make([]pin, len(images))
	for i, img := range images {
		pins[i] = pin{img.ID, img.Manifest.Digest}
	}
	if err := p.store.withReserve(func() error { return p.file.write(pins) }); err != nil {
		return nil, err
	}
	p.pinned.Store(newPinned(images))
	return p.IDs(), nil
}

// images are those of ids that can be pinned: they are in the snapshot, are pinned, or a container stands on them.
func (p *Pins) images(snap *Snapshot, ids []digest.Digest) (images []*Image, err error) {
	inUse := sync.OnceValues(p.store.containerImages)
	for _, id := range ids {
		img := snap.Image(id)
		if img == nil {
			img = p.pinned.Load().byID[id]
		}
		if img == nil {
			containers, err := inUse()
			if err != nil {
				return nil, err
			}
			if slices.Contains(containers, id) {
				img = p.store.removed(id)
			}
		}
		if img != nil {
			images = append(images, img)
		}
	}
	return images, nil
}

// IDs is what is pinned.
func (p *Pins) IDs() []digest.Digest {
	images := p.pinned.Load().images
	ids := make([]digest.Digest, len(images))
	for i, img := range images {
		ids[i] = img.ID
	}
	return ids
}

// Retained returns an image that may be gone from the references but is in the Pins that the store has open, or that a
// working container stands on, as the snapshot had it; ErrNotFound.
func (s *Store) Retained(id digest.Digest) (*Image, error) {
	img := s.Snapshot().Image(id)
	if p := s.pins.Load(); img == nil && p != nil {
		img = p.pinned.Load().byID[id]
	}
	if img == nil {
		return s.InUse(id)
	}
	return img, nil
}

// pinned is a pinned image, whether it is referenced or not; nil if nothing is known of it.
func (v *view) pinned(p pin) *Image {
	r := v.numbers.byManifest[p.Manifest]
	if r == nil {
		r = v.unrecorded(manifestOf(p))
	}
	if r == nil {
		return nil
	}
	return v.make(r, v.chainsOf(r))
}

// pins marks what live mounts pin. The caller holds ROOT/lock.
func (m *marks) pins() error {
	files, err := liveFiles(m.store.path("mounts"), "")
	if err != nil {
		return err
	}
	for _, data := range files {
		pins, _, err := lastPins(data)
		if err != nil {
			return fmt.Errorf("what a mount pins: %w", err)
		}
		for _, p := range pins {
			m.walk(p.Manifest)
			if r := m.numbers.byManifest[p.Manifest]; r != nil {
				m.record(r) // also if its manifest is lost
			}
		}
	}
	return nil
}
