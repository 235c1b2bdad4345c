package layer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	digest "github.com/opencontainers/go-digest"
)

// The files of a layer's directory.
const (
	indexName    = "index"
	packName     = "pack"
	tarSplitName = "tar-split"
)

// Layer is an open layer. Its methods may be called from many goroutines. An entry is named by its position in the
// archive, from 0 to Len()-1; positions are the same each time a tar is unpacked. Metadata of the archive itself (PAX
// global headers, what aufs kept in .wh..wh.*) is no entry.
type Layer struct {
	index    *index
	pack     *os.File // nil in a layer InBlob
	tarSplit *os.File // nil in a layer InBlob
	large    LargeFiles
	handles  handles
	scratch  *sync.Pool // of *[blockSize]byte; apart, as the runtime keeps pools for two collections, and what they are in
}

// Open maps the layer in dir. An error that is fs.ErrNotExist says that no layer was unpacked there.
func Open(dir string, diffID digest.Digest, large LargeFiles) (*Layer, error) {
	x, err := openIndex(filepath.Join(dir, indexName))
	if err != nil {
		return nil, err
	}
	l := &Layer{index: x, large: large, scratch: &sync.Pool{New: func() any { return new([blockSize]byte) }}}
	if err := l.openFiles(dir, diffID); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Layer) openFiles(dir string, diffID digest.Digest) (err error) {
	if l.DiffID() != diffID {
		return l.index.corrupt("it is that of %s", l.DiffID())
	}
	if l.index.inBlob() {
		return nil
	}
	if l.pack, err = openSized(filepath.Join(dir, packName), l.index.header.pack); err != nil {
		return err
	}
	l.tarSplit, err = openSized(filepath.Join(dir, tarSplitName), l.index.header.tarSplit)
	return err
}

func openSized(path string, size int64) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lost(err, path)
	}
	if err := checkSize(f, size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkSize(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != size {
		return &CorruptError{f.Name(), fmt.Sprintf("it has %d bytes instead of %d", info.Size(), size)}
	}
	return nil
}

// Close unmaps the layer. No method may be running or called afterwards.
func (l *Layer) Close() error {
	l.handles.close()
	var errs []error
	for _, f := range []*os.File{l.pack, l.tarSplit} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(append(errs, l.index.close())...)
}

// Release gives back the memory of what was read of the index; whoever reads it again pays a page fault. It is for those
// who pass over a large layer once.
func (l *Layer) Release() { l.index.release() }

// DiffID is the sha256 of the layer's tar.
func (l *Layer) DiffID() digest.Digest { return digestOf(l.index.diffID) }

// Len is the number of entries.
func (l *Layer) Len() int { return int(l.index.entries) }

// Size is the sum of the sizes in bytes of the regular files and symlinks that the layer leaves, each file once, as
// docker counts a layer's size.
func (l *Layer) Size() int64 { return l.index.size }

// TarSize is the size of the uncompressed tar in bytes.
func (l *Layer) TarSize() int64 { return l.index.tar }

func digestOf(sum [32]byte) digest.Digest {
	return digest.NewDigestFromEncoded(digest.SHA256, hex.EncodeToString(sum[:]))
}
