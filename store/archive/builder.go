package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// blockSize is tar's, in bytes.
const blockSize = 512

// builder puts an archive together, entry by entry. A name that is there already is not added again. The first error stays
// and is returned by finish.
type builder struct {
	store   *store.Store
	left    map[digest.Digest]bool // what is left out
	archive Archive
	text    []byte // what comes after the last segment and is in memory
	names   map[string]bool
	err     error
}

func newBuilder(s *store.Store, leaveOut []digest.Digest) *builder {
	b := &builder{store: s, left: make(map[digest.Digest]bool), names: make(map[string]bool)}
	for _, d := range leaveOut {
		b.left[d] = true
	}
	return b
}

// json adds a file that is v's JSON and a newline.
func (b *builder) json(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		b.fail(err)
		return
	}
	b.document(name, append(data, '\n'))
}

func (b *builder) document(name string, data []byte) {
	if b.header(name, int64(len(data))) {
		b.text = append(b.text, data...)
		b.pad(int64(len(data)))
	}
}

// blob adds a blob of the store.
func (b *builder) blob(name string, d digest.Digest, size int64) {
	if b.left[d] || !b.header(name, size) {
		return
	}
	source := &blob{store: b.store, digest: d}
	b.archive.blobs = append(b.archive.blobs, source)
	b.add(source, size)
	b.pad(size)
}

// layer adds a layer's uncompressed tar.
func (b *builder) layer(name string, diffID digest.Digest) {
	if b.left[diffID] {
		return
	}
	l, err := b.store.Layer(diffID)
	if err != nil {
		b.fail(err)
		return
	}
	if b.header(name, l.TarSize()) {
		b.add(layerTar{b.store, diffID}, l.TarSize())
		b.pad(l.TarSize())
	}
}

// header begins an entry; false if there is one of that name.
func (b *builder) header(name string, size int64) bool {
	if b.names[name] {
		return false
	}
	b.names[name] = true
	var buf bytes.Buffer
	err := tar.NewWriter(&buf).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0),
	})
	if err != nil {
		b.fail(err)
	}
	b.text = append(b.text, buf.Bytes()...)
	return true
}

// pad fills the last block of size bytes.
func (b *builder) pad(size int64) {
	b.text = append(b.text, make([]byte, -size&(blockSize-1))...)
}

func (b *builder) add(source io.ReaderAt, size int64) {
	b.flush()
	if size > 0 {
		b.append(source, size)
	}
}

func (b *builder) flush() {
	if len(b.text) > 0 {
		b.append(bytes.NewReader(b.text), int64(len(b.text)))
		b.text = nil
	}
}

func (b *builder) append(source io.ReaderAt, size int64) {
	b.archive.segments = append(b.archive.segments, segment{b.archive.size, size, source})
	b.archive.size += size
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// finish ends the archive.
func (b *builder) finish() (*Archive, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.text = append(b.text, make([]byte, 2*blockSize)...)
	b.flush()
	return &b.archive, nil
}
