package layer

import (
	"path/filepath"
	"runtime/debug"

	digest "github.com/opencontainers/go-digest"
)

// Large returns the payloads that the layer in dir has in the LargeFiles it was unpacked with. An error that is
// fs.ErrNotExist says that no layer was unpacked there.
func Large(dir string) ([]digest.Digest, error) {
	x, err := openIndex(filepath.Join(dir, indexName))
	if err != nil {
		return nil, err
	}
	defer x.close()
	if x.inBlob() {
		return nil, nil
	}
	return x.large()
}

func (x *index) large() (found []digest.Digest, err error) {
	defer x.guard(debug.SetPanicOnFault(true), &err)
	const step = indexBlock / recordSize
	for i := int64(0); i < x.entries; i += step {
		n := min(step, x.entries-i)
		b, err := x.in(sectionEntries, i*recordSize, n*recordSize)
		if err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[recordSize:] {
			r := decodeRecord(b)
			if r.flags&flagLarge == 0 {
				continue
			}
			sum, err := x.digest(r.payload)
			if err != nil {
				return nil, err
			}
			found = append(found, digestOf(sum))
		}
	}
	return found, nil
}
