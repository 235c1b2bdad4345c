package content

import (
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
)

// alias returns the image that a name at the root means besides its listed one: "sha256:" and the ID, or a unique prefix
// of the ID, of the manifest's digest or of the index's, with or without "sha256:". An ID goes before a digest. nil for
// none and for more than one.
func alias(snap *store.Snapshot, name string) *store.Image {
	prefix := strings.TrimPrefix(name, "sha256:")
	if prefix == "" || len(prefix) > digest.SHA256.Size()*2 || strings.Trim(prefix, "0123456789abcdef") != "" {
		return nil
	}
	matches := func(d digest.Digest) bool { return strings.HasPrefix(d.Encoded(), prefix) }
	for _, digestsOf := range []func(*store.Image) digest.Digest{
		func(im *store.Image) digest.Digest { return im.ID },
		func(im *store.Image) digest.Digest { return im.Manifest.Digest },
	} {
		var found []*store.Image
		for _, im := range snap.Images {
			if matches(digestsOf(im)) {
				found = append(found, im)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		if len(found) > 1 {
			return nil
		}
	}
	return aliasOfIndex(snap, matches)
}

// aliasOfIndex returns the image that an index stands for: of those it leads to, the one that comes first in a reference
// to it, or else the oldest here.
func aliasOfIndex(snap *store.Snapshot, matches func(digest.Digest) bool) *store.Image {
	var found *store.Image
	var index digest.Digest
	add := func(im *store.Image, d digest.Digest) (unique bool) {
		if index != "" && index != d {
			return false
		}
		if index == "" {
			found, index = im, d
		}
		return true
	}
	for i := range snap.References {
		r := &snap.References[i]
		if len(r.Images) > 0 && matches(r.Target.Digest) && !add(r.Images[0], r.Target.Digest) {
			return nil
		}
	}
	for _, im := range snap.Images {
		if im.Index != nil && matches(im.Index.Digest) && !add(im, im.Index.Digest) {
			return nil
		}
	}
	return found
}

// aliasLink is a symlink to an image, whatever it is called.
type aliasLink struct{ im *image }

func (l aliasLink) id() uint64              { return nodeID(l.im.Number, aliasFile) }
func (l aliasLink) path() string            { return l.im.ID.Encoded() }
func (l aliasLink) target() (string, error) { return l.im.ID.Encoded(), nil }

func (l aliasLink) attr(a *fuse.Attr) error {
	l.im.fs.fill(a, unix.S_IFLNK|0o777, 1, int64(len(l.im.ID.Encoded())), l.im.Created)
	return nil
}
