package content

import (
	"sync"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// maxReaders is how many blobs stay open while nobody reads them.
const maxReaders = 16

// readers keeps the blobs open that were read last, because a file is read with many requests and none of them says
// which is the last.
type readers struct {
	open func(digest.Digest) (store.BlobReader, error)

	mu    sync.Mutex // guards what follows
	blobs map[digest.Digest]*reader
}

type reader struct {
	store.BlobReader
	digest digest.Digest
	users  int // guarded by readers.mu
}

// get opens the blob d. It is given back to put.
func (r *readers) get(d digest.Digest) (*reader, error) {
	if b := r.known(d); b != nil {
		return b, nil
	}
	opened, err := r.open(d)
	if err != nil {
		return nil, err
	}
	return r.add(&reader{BlobReader: opened, digest: d, users: 1}), nil
}

func (r *readers) put(b *reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.users--
	if b.users == 0 && r.blobs[b.digest] != b {
		b.Close()
	}
}

func (r *readers) known(d digest.Digest) *reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.blobs[d]
	if b != nil {
		b.users++
	}
	return b
}

// add keeps b open. If there are too many by now, any other one goes, at once or when its last user puts it back.
func (r *readers) add(b *reader) *reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blobs == nil {
		r.blobs = make(map[digest.Digest]*reader)
	}
	if _, ok := r.blobs[b.digest]; ok {
		return b // somebody was faster; this one lasts until it is put back
	}
	for d, other := range r.blobs {
		if len(r.blobs) < maxReaders {
			break
		}
		delete(r.blobs, d)
		if other.users == 0 {
			other.Close()
		}
	}
	r.blobs[b.digest] = b
	return b
}

// close gives up what is kept open.
func (r *readers) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.blobs {
		if b.users == 0 {
			b.Close()
		}
	}
	clear(r.blobs)
}
