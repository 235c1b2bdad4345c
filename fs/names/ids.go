package names

import (
	"hash/fnv"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// serialBits are the bits of a node id that are not the path's: see the package's comment.
const (
	serialBits = 12
	serialMask = 1<<serialBits - 1
)

// ids knows the paths of node ids.
type ids struct {
	mu     sync.RWMutex      // guards all below
	paths  map[uint64]string // by id, its serial number 0
	serial map[uint64]uint64 // the latest one given
}

func newIDs() *ids {
	return &ids{paths: map[uint64]string{fuse.FUSE_ROOT_ID: "."}, serial: make(map[uint64]uint64)}
}

// hashID is the id of a path.
func hashID(path string) uint64 {
	if path == "." {
		return fuse.FUSE_ROOT_ID
	}
	h := fnv.New64a()
	h.Write([]byte(path))
	return h.Sum64() &^ serialMask
}

// linkID is the id of a listed symlink. The kernel keeps an inode's target, so another target is another inode.
func linkID(path, target string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(target))
	return hashID(path) | h.Sum64()&serialMask
}

// add makes a path's id known. EIO if another path has it.
func (t *ids) add(path string) (uint64, error) {
	id := hashID(path)
	t.mu.RLock()
	known, ok := t.paths[id]
	t.mu.RUnlock()
	if ok && known == path {
		return id, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.paths[id]; (ok && known != path) || id == 0 {
		return 0, syscall.EIO
	}
	t.paths[id] = path
	return id, nil
}

// next is an id of the path with another serial number than the last ones had.
func (t *ids) next(id uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.serial[id] = (t.serial[id] + 1) & serialMask
	return id | t.serial[id]
}

// path returns the path of an id. ESTALE if it is not known.
func (t *ids) path(id uint64) (string, error) {
	if id != fuse.FUSE_ROOT_ID {
		id &^= serialMask
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	path, ok := t.paths[id]
	if !ok {
		return "", syscall.ESTALE
	}
	return path, nil
}

// retain forgets the paths that do not exist any more.
func (t *ids) retain(exists func(path string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, path := range t.paths {
		if !exists(path) {
			delete(t.paths, id)
			delete(t.serial, id)
		}
	}
}
