package imagefs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// Resolve finds the image that a word means, as docker does: a name with or without host, repository path and tag; a
// name with a digest; an ID or a unique prefix of one, with or without "sha256:". An index or manifest digest means
// its image. The error is of kind NotFound or Invalid.
func Resolve(snap *store.Snapshot, word string) (*store.Image, error) {
	ref, err := reference.ParseAnyReference(word)
	if err != nil {
		return nil, &Error{Kind: Invalid, Subject: word, Err: err}
	}
	if named, ok := ref.(reference.Named); ok {
		if img := byName(snap, named); img != nil {
			return img, nil
		}
	} else if digested, ok := ref.(reference.Digested); ok {
		if img := byDigest(snap, digested.Digest()); img != nil {
			return img, nil
		}
	}
	return byPrefix(snap, word)
}

// byName follows a name to its image, or to nil. A name with a digest means, beside that very reference, whatever of its
// repository has that digest.
func byName(snap *store.Snapshot, named reference.Named) *store.Image {
	ref := snap.Reference(reference.TagNameOnly(named).String())
	if ref != nil && len(ref.Images) > 0 {
		return ref.Images[0]
	}
	canonical, ok := named.(reference.Canonical)
	if !ok {
		return nil
	}
	for _, ref := range snap.References {
		of, err := reference.ParseNormalizedNamed(ref.Name)
		if err != nil || of.Name() != named.Name() || len(ref.Images) == 0 {
			continue
		}
		if ref.Target.Digest == canonical.Digest() {
			return ref.Images[0]
		}
		for _, img := range ref.Images {
			if img.Manifest.Digest == canonical.Digest() {
				return img
			}
		}
	}
	return nil
}

func byDigest(snap *store.Snapshot, d digest.Digest) *store.Image {
	if img := snap.Image(d); img != nil {
		return img
	}
	for _, ref := range snap.References {
		if ref.Target.Digest == d && len(ref.Images) > 0 {
			return ref.Images[0] // of an index, the host's platform
		}
	}
	for _, img := range snap.Images {
		if img.Manifest.Digest == d || img.Index != nil && img.Index.Digest == d {
			return img
		}
	}
	return nil
}

// byPrefix finds the image whose ID begins with word; if there is none, the one whose manifest's or index's digest does.
func byPrefix(snap *store.Snapshot, word string) (*store.Image, error) {
	prefix := strings.TrimPrefix(word, digest.Canonical.String()+":")
	if !isHex(prefix) {
		return nil, notFound(word)
	}
	ids := startingWith(prefix, snap.Images, func(img *store.Image) []digest.Digest { return []digest.Digest{img.ID} })
	if len(ids) == 0 {
		ids = startingWith(prefix, snap.Images, func(img *store.Image) []digest.Digest {
			if img.Index == nil {
				return []digest.Digest{img.Manifest.Digest}
			}
			return []digest.Digest{img.Manifest.Digest, img.Index.Digest}
		})
	}
	switch {
	case len(ids) == 1:
		return byDigest(snap, ids[0]), nil
	case len(ids) > 1:
		return nil, &Error{
			Kind: Invalid, Subject: word,
			Err:  fmt.Errorf("ambiguous image ID %q: %d images begin with it", word, len(ids)),
			Hint: "write more of its digits",
		}
	}
	return nil, notFound(word)
}

// startingWith returns the digests that begin with prefix, each once.
func startingWith(prefix string, images []*store.Image, digests func(*store.Image) []digest.Digest) []digest.Digest {
	var found []digest.Digest
	for _, img := range images {
		for _, d := range digests(img) {
			if strings.HasPrefix(d.Encoded(), prefix) && !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	return found
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}

// parseName reads a name as docker does. The error is of kind Invalid.
func parseName(word string) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(word)
	if err != nil {
		return nil, &Error{Kind: Invalid, Subject: word, Err: err, Hint: "a name is [HOST/]PATH[:TAG|@DIGEST], in lower case"}
	}
	return named, nil
}

func notFound(word string) *Error {
	return &Error{Kind: NotFound, Subject: word, Err: errors.New("No such image: " + word)}
}

func invalid(subject, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Subject: subject, Err: fmt.Errorf(format, args...)}
}
