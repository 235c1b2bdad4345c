package copying

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"maps"
	"path"
	"slices"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/builder/source"
)

// Digest says what is copied: names, content and metadata, but not times.
func (f *Found) Digest(ctx context.Context) (digest.Digest, error) {
	h := sha256.New()
	for i := range f.roots {
		r := &f.roots[i]
		fmt.Fprintf(h, "%q %q %q\n", r.base, r.to, r.item.ID)
		if r.item.ID != "" {
			fmt.Fprintf(h, "%q\n", r.name)
			continue
		}
		if err := f.hash(h, r, ".", r.file); err != nil {
			return "", err
		}
		for _, e := range r.below {
			if err := ctx.Err(); err != nil {
				return "", context.Cause(ctx)
			}
			if err := f.hash(h, r, e.name, e.file); err != nil {
				return "", err
			}
		}
	}
	return digest.NewDigest(digest.SHA256, h), nil
}

func (f *Found) hash(h hash.Hash, r *root, name string, file *source.File) error {
	fmt.Fprintf(h, "%q %o %d %d %d %q %d\n", name, file.Mode, file.UID, file.GID, file.Size, file.Link, file.Rdev)
	for _, key := range slices.Sorted(maps.Keys(file.Xattrs)) {
		fmt.Fprintf(h, "%q %q\n", key, file.Xattrs[key])
	}
	if !file.IsRegular() {
		return nil
	}
	content, err := r.item.Tree.Open(path.Join(r.name, name))
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(h, content)
	return err
}
