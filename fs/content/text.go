package content

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
)

// generator makes the bytes of a file from what the store holds.
type generator func(*store.Snapshot) ([]byte, error)

func constant(data []byte) generator {
	return func(*store.Snapshot) ([]byte, error) { return data, nil }
}

// text is a file that is generated.
type text struct {
	im    *image
	ident uint64
	where string // below the image
	make  generator
	live  bool // make's result depends on the snapshot, not only on the image
}

func (t text) id() uint64   { return t.ident }
func (t text) path() string { return t.im.where(t.where) }

func (t text) attr(a *fuse.Attr) error {
	snap := t.im.fs.store.Snapshot()
	mtime := t.im.Created
	if t.live {
		mtime = later(mtime, renamed(snap, t.im.Image))
	}
	data, err := t.current(snap)
	if err != nil {
		return err
	}
	t.im.fs.fill(a, unix.S_IFREG|0o444, 1, int64(len(data)), mtime)
	return nil
}

// readAt reads the bytes whose size attr told last, so that the two agree however the store has changed since: the
// kernel will ask attr again when it is told of the change.
func (t text) readAt(p []byte, off int64) (int, error) {
	data, err := t.im.fs.texts.get(t.ident, nil, t.generate)
	if err != nil || off >= int64(len(data)) {
		return 0, err
	}
	return copy(p, data[off:]), nil
}

// current returns the whole content as of snap.
func (t text) current(snap *store.Snapshot) ([]byte, error) {
	if !t.live {
		snap = nil
	}
	return t.im.fs.texts.get(t.ident, snap, t.generate)
}

func (t text) generate() (*store.Snapshot, []byte, error) {
	snap := t.im.fs.store.Snapshot()
	data, err := t.make(snap)
	return snap, data, err
}

// renamed is when a reference was last given to an image.
func renamed(snap *store.Snapshot, im *store.Image) (newest time.Time) {
	for i := range snap.References {
		for _, named := range snap.References[i].Images {
			if named.Number == im.Number {
				newest = later(newest, snap.References[i].Updated)
			}
		}
	}
	return newest
}
