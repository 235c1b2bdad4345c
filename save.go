package imagefs

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

// SaveRequest is what `docker save` is asked for.
type SaveRequest struct {
	Refs   []string // names, IDs, repositories (all their tags)
	Format string   // "docker-archive", which "" means, or "oci-archive"
	NotIn  []string // leave out the layers of these images
}

// Archive makes the archive that Save writes: its size is known, any part of it can be read, and nothing of it is stored.
// It stays readable while the images are in the store.
func (e *Engine) Archive(req SaveRequest) (*archive.Archive, error) {
	snap, images, err := e.savedImages(req.Refs)
	if err != nil {
		return nil, err
	}
	return e.archive(snap, images, req)
}

// Save writes an archive of images to w.
func (e *Engine) Save(ctx context.Context, req SaveRequest, w io.Writer) error {
	snap, images, err := e.savedImages(req.Refs)
	if err != nil {
		return err
	}
	// Where nothing can be claimed, in a root that is read-only, nothing can be removed meanwhile either.
	if claim, err := e.store.Claim(); err == nil {
		defer claim.Close()
		_ = claim.Add(ctx, digestsOf(images)...)
	}
	a, err := e.archive(snap, images, req)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.Copy(ctx, w); err != nil {
		return err
	}
	for _, img := range images {
		e.events.image("save", img.Image, "")
	}
	return nil
}

func (e *Engine) archive(snap *store.Snapshot, images []archive.Saved, req SaveRequest) (*archive.Archive, error) {
	var diffIDs, blobs []digest.Digest
	for _, word := range req.NotIn {
		img, err := Resolve(snap, word)
		if err != nil {
			return nil, err
		}
		for k, chain := range img.Chains {
			diffIDs, blobs = append(diffIDs, chain.DiffID), append(blobs, img.Layers[k].Digest)
		}
	}
	switch req.Format {
	case "", "docker-archive":
		return archive.NewDocker(e.store, images, diffIDs...)
	case "oci-archive":
		return archive.NewOCI(e.store, images, blobs...)
	}
	return nil, &Error{
		Kind: Invalid, Subject: req.Format, Err: errors.New("unknown format " + req.Format),
		Hint: "there are docker-archive and oci-archive",
	}
}

// digestsOf are those of all that the images consist of.
func digestsOf(images []archive.Saved) (all []digest.Digest) {
	for _, s := range images {
		all = append(all, s.Image.ID, s.Image.Manifest.Digest)
		for k, chain := range s.Image.Chains {
			all = append(all, chain.DiffID, s.Image.Layers[k].Digest)
		}
	}
	return all
}

// savedImages finds what docker would save, by its rules (moby image/tarexport/save.go): each image once, with those of its
// names by which it was asked for. It returns the state in which it has found them, too.
func (e *Engine) savedImages(words []string) (snap *store.Snapshot, images []archive.Saved, err error) {
	if len(words) == 0 {
		return nil, nil, invalid("", "the image is missing")
	}
	if snap, err = e.store.Refresh(); err != nil {
		return nil, nil, err
	}
	for _, word := range words {
		found, err := savedBy(snap, word)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range found {
			images = addSaved(images, s)
		}
	}
	return snap, images, nil
}

func addSaved(images []archive.Saved, s archive.Saved) []archive.Saved {
	for i := range images {
		if images[i].Image.ID != s.Image.ID {
			continue
		}
		for _, name := range s.Names {
			if !slices.Contains(images[i].Names, name) {
				images[i].Names = append(images[i].Names, name)
			}
		}
		return images
	}
	return append(images, s)
}

// savedBy finds what one word means: all tags of a repository, before an ID; a name; an ID, which saves no name.
func savedBy(snap *store.Snapshot, word string) ([]archive.Saved, error) {
	ref, err := reference.ParseAnyReference(word)
	if err != nil {
		return nil, &Error{Kind: Invalid, Subject: word, Err: err}
	}
	named, ok := ref.(reference.Named)
	if !ok || reference.FamiliarName(named) == digest.Canonical.String() {
		return savedByID(snap, word)
	}
	if reference.IsNameOnly(named) {
		if found := savedTags(snap, named); len(found) > 0 {
			return found, nil
		}
		return savedByID(snap, word)
	}
	img := byName(snap, named)
	if img == nil {
		return nil, &Error{Kind: NotFound, Subject: word, Err: errors.New("reference does not exist"), Hint: hints[NotFound]}
	}
	return []archive.Saved{{Image: img, Names: []string{named.String()}}}, nil
}

func savedByID(snap *store.Snapshot, word string) ([]archive.Saved, error) {
	img, err := Resolve(snap, word)
	if err != nil {
		return nil, err
	}
	return []archive.Saved{{Image: img}}, nil
}

// savedTags are the tags of a repository, in the order of their names.
func savedTags(snap *store.Snapshot, repository reference.Named) (found []archive.Saved) {
	for _, ref := range snap.References {
		named, err := reference.ParseNormalizedNamed(ref.Name)
		if err != nil || len(ref.Images) == 0 || named.Name() != repository.Name() {
			continue
		}
		if _, ok := named.(reference.Canonical); !ok {
			found = addSaved(found, archive.Saved{Image: ref.Images[0], Names: []string{ref.Name}})
		}
	}
	return found
}
