package imagefs

import (
	"context"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// Tag gives the image that source means (see [Resolve]) the name target too, as `docker tag` does. A name that means an
// image index gives the index: all that was pulled of it.
func (e *Engine) Tag(ctx context.Context, source, target string) error {
	name, err := tagName(target)
	if err != nil {
		return err
	}
	var img *store.Image
	_, err = e.store.Update(ctx, func(snap *store.Snapshot) ([]store.Change, error) {
		found, desc, err := targetOf(snap, source)
		img = found
		return []store.Change{{Name: name.String(), Target: &desc}}, err
	})
	if err != nil {
		return err
	}
	e.events.image("tag", img, reference.FamiliarString(name))
	return nil
}

// Move gives what is named from the name to instead: `mv` of a tag. Both are full names, or such as a user writes.
func (e *Engine) Move(ctx context.Context, from, to string) error {
	source, err := tagName(from)
	if err != nil {
		return err
	}
	target, err := tagName(to)
	if err != nil {
		return err
	}
	var img *store.Image
	_, err = e.store.Update(ctx, func(snap *store.Snapshot) ([]store.Change, error) {
		ref := snap.Reference(source.String())
		if ref == nil {
			return nil, notFound(from)
		}
		img = first(ref.Images)
		if source.String() == target.String() {
			return nil, nil
		}
		away := takeAway(snap, ref)
		if source.Name() == target.Name() {
			away = away[:1] // the image keeps a tag in the repository
		}
		return append([]store.Change{{Name: target.String(), Target: &ref.Target}}, away...), nil
	})
	if err != nil || source.String() == target.String() {
		return err
	}
	e.events.image("tag", img, reference.FamiliarString(target))
	e.events.image("untag", img, "")
	return nil
}

// Untag takes a name away: what `rm` of a tag does. The image stays, dangling if that was its last. As docker, it takes
// the names by digest of the same repository with it, if no other tag of that is left.
func (e *Engine) Untag(ctx context.Context, name string) error {
	named, err := parseName(name)
	if err != nil {
		return err
	}
	var img *store.Image
	_, err = e.store.Update(ctx, func(snap *store.Snapshot) ([]store.Change, error) {
		ref := snap.Reference(reference.TagNameOnly(named).String())
		if ref == nil {
			return nil, notFound(name)
		}
		img = first(ref.Images)
		return takeAway(snap, ref), nil
	})
	if err != nil {
		return err
	}
	e.events.image("untag", img, "")
	return nil
}

// tagName reads the name that an image is to get.
func tagName(word string) (reference.NamedTagged, error) {
	named, err := parseName(word)
	if err != nil {
		return nil, err
	}
	if _, ok := named.(reference.Digested); ok {
		return nil, invalid(word, "refusing to create a tag with a digest reference")
	}
	switch reference.FamiliarName(named) {
	case "scratch":
		return nil, invalid(word, "'scratch' is a reserved name")
	case digest.Canonical.String():
		return nil, invalid(word, "refusing to create an ambiguous tag using digest algorithm as name")
	}
	return reference.TagNameOnly(named).(reference.NamedTagged), nil
}

// targetOf finds what a word means, and the manifest or index that the word, or else the image's first name, has.
func targetOf(snap *store.Snapshot, word string) (*store.Image, ocispec.Descriptor, error) {
	img, err := Resolve(snap, word)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	if ref := referenceOf(snap, word); ref != nil && first(ref.Images) == img {
		return img, ref.Target, nil
	}
	for _, ref := range snap.References {
		if first(ref.Images) == img {
			return img, ref.Target, nil
		}
	}
	return img, img.Manifest, nil
}

// referenceOf is the reference that a word names exactly, or nil.
func referenceOf(snap *store.Snapshot, word string) *store.Reference {
	named, err := reference.ParseNormalizedNamed(word)
	if err != nil {
		return nil
	}
	if ref := snap.Reference(reference.TagNameOnly(named).String()); ref != nil && len(ref.Images) > 0 {
		return ref
	}
	return nil
}

// takeAway takes a name away and, if it was the last tag of its repository for that image, the repository's names by
// digest for it.
func takeAway(snap *store.Snapshot, ref *store.Reference) []store.Change {
	changes := []store.Change{{Name: ref.Name}}
	named, err := reference.ParseNormalizedNamed(ref.Name)
	if _, byDigest := named.(reference.Canonical); err != nil || byDigest {
		return changes
	}
	for _, other := range referencesTo(snap, first(ref.Images)) {
		if other.name.Name() != named.Name() || other.Name == ref.Name {
			continue
		}
		if !other.isDigest() {
			return changes[:1]
		}
		changes = append(changes, store.Change{Name: other.Name})
	}
	return changes
}

func first(images []*store.Image) *store.Image {
	if len(images) == 0 {
		return nil
	}
	return images[0]
}

// named is a reference and its name, parsed.
type named struct {
	*store.Reference
	name reference.Named
}

func (n named) isDigest() bool {
	_, ok := n.name.(reference.Canonical)
	return ok
}

// referencesTo are the references that lead to an image: those with a tag first, and otherwise in the store's order. nil
// has none.
func referencesTo(snap *store.Snapshot, img *store.Image) []named {
	var tags, digests []named
	for i := range snap.References {
		ref := &snap.References[i]
		if !leadsTo(ref, img) {
			continue
		}
		parsed, err := reference.ParseNormalizedNamed(ref.Name)
		if err != nil {
			continue
		}
		if n := (named{ref, parsed}); n.isDigest() {
			digests = append(digests, n)
		} else {
			tags = append(tags, n)
		}
	}
	return append(tags, digests...)
}

func leadsTo(ref *store.Reference, img *store.Image) bool {
	for _, other := range ref.Images {
		if img != nil && other.ID == img.ID {
			return true
		}
	}
	return false
}
