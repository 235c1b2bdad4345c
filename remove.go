package imagefs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/store"
)

// RemoveRequest is what `docker rmi` is asked for.
type RemoveRequest struct {
	Refs  []string // names, IDs, prefixes of IDs
	Force bool     // also an image that is named by ID and has names in several repositories
	Again bool     // it may have been carried out, whole or in part: what is not there was removed
}

// Remove removes images, or only names, by docker's rules (moby daemon/images/image_delete.go): a name is taken away, and
// its image deleted if that was its last; an ID deletes the image with all its names. Its lines are docker's: "Untagged:
// …", "Deleted: sha256:…". What fails does not keep the others from being removed: the error joins an [*Error] for each.
func (e *Engine) Remove(ctx context.Context, req RemoveRequest, report Reporter) error {
	if len(req.Refs) == 0 {
		return invalid("", "the image is missing")
	}
	var errs []error
	collect := false
	for _, word := range req.Refs {
		deleted, err := e.remove(ctx, func(snap *store.Snapshot) (*removal, error) {
			using, err := e.users()
			if err != nil {
				return nil, err
			}
			return planRemoval(snap, using, word, req.Force)
		}, rmiLine, report)
		if req.Again && KindOf(err) == NotFound {
			deleted, err = true, nil // and perhaps not collected
		}
		errs = append(errs, err)
		collect = collect || deleted
		if ctx.Err() != nil {
			break
		}
	}
	if collect {
		_, err := e.store.Collect(ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removal is what is to go: names, and the images that nothing names then.
type removal struct {
	names  []removedName
	images []*store.Image
}

type removedName struct {
	name  string
	image *store.Image
}

// remove carries out what plan decides, and says so. It tells whether an image was deleted.
func (e *Engine) remove(ctx context.Context, plan func(*store.Snapshot) (*removal, error), line lineOf, report Reporter) (deleted bool, err error) {
	var before *store.Snapshot
	var r *removal
	after, err := e.store.Update(ctx, func(snap *store.Snapshot) (_ []store.Change, err error) {
		before = snap
		if r, err = plan(snap); err != nil {
			return nil, err
		}
		return r.changes(), nil
	})
	if err != nil {
		return false, err
	}
	r.say(before.Images, after.Images, line, report)
	for _, n := range r.names {
		e.events.image("untag", n.image, "")
	}
	for _, img := range gone(before.Images, after.Images) {
		e.events.image("delete", img.Image, "")
		deleted = true
	}
	return deleted, nil
}

// say reports a removal that led from the images before to those after.
func (r *removal) say(before, after []*store.Image, line lineOf, report Reporter) {
	for _, n := range r.names {
		report.Line(line(true, familiar(n.name)))
	}
	for _, img := range gone(before, after) {
		for _, id := range img.digests {
			report.Line(line(false, id))
		}
	}
}

// lineOf is a verb's line for a name that was taken away or, if untagged is false, for an image or chain that was deleted.
type lineOf func(untagged bool, what string) string

func rmiLine(untagged bool, what string) string {
	if untagged {
		return "Untagged: " + what
	}
	return "Deleted: " + what
}

func (r *removal) changes() (changes []store.Change) {
	for _, n := range r.names {
		changes = append(changes, store.Change{Name: n.name})
	}
	for _, img := range r.images {
		changes = append(changes, store.Change{Remove: img.ID})
	}
	return changes
}

// planRemoval decides what a word of `docker rmi` removes.
func planRemoval(snap *store.Snapshot, using users, word string, force bool) (*removal, error) {
	img, err := Resolve(snap, word)
	if err != nil {
		return nil, err
	}
	refs := referencesTo(snap, img)
	if ref := referenceOf(snap, word); ref != nil && !isIDPrefix(img, word) {
		if err := using.lastName(img, word); err != nil && !force && isSingleReference(refs) {
			return nil, err
		}
		r := &removal{}
		r.take(takeAway(snap, ref), img)
		r.addNameless(snap)
		r.keep(using, force)
		return r, nil
	}
	if err := using.conflict(img, true); err != nil {
		return nil, err
	}
	if !force && !isSingleReference(refs) {
		return nil, &Error{
			Kind: InUse, Subject: word, Hint: "name one of its tags to remove that alone, or use -f",
			Err: fmt.Errorf("conflict: unable to delete %s (must be forced) - image is referenced in multiple repositories", shortID(img.ID)),
		}
	}
	if err := using.conflict(img, force); err != nil {
		return nil, err
	}
	r := removalOf(snap, img)
	r.keep(using, force)
	return r, nil
}

func (r *removal) take(changes []store.Change, img *store.Image) {
	for _, c := range changes {
		r.names = append(r.names, removedName{c.Name, img})
	}
}

// addNameless adds the images that have no name without those that are taken away. An index may lead to several.
func (r *removal) addNameless(snap *store.Snapshot) {
	taken := map[string]bool{}
	for _, n := range r.names {
		taken[n.name] = true
	}
	for _, n := range r.names {
		for _, img := range snap.Reference(n.name).Images {
			kept := func(ref named) bool { return !taken[ref.Name] }
			if !slices.Contains(r.images, img) && !slices.ContainsFunc(referencesTo(snap, img), kept) {
				r.images = append(r.images, img)
			}
		}
	}
}

// keep leaves out images that are in use: as docker, a removal of their last name leaves them without one.
func (r *removal) keep(using users, force bool) {
	r.images = slices.DeleteFunc(r.images, func(img *store.Image) bool { return using.conflict(img, force) != nil })
}

// removalOf deletes an image with all its names, sorted as docker does, and what else only they name.
func removalOf(snap *store.Snapshot, img *store.Image) *removal {
	r := &removal{images: []*store.Image{img}}
	for _, ref := range referencesTo(snap, img) {
		r.names = append(r.names, removedName{ref.Name, img})
	}
	slices.SortFunc(r.names, func(a, b removedName) int { return strings.Compare(a.name, b.name) })
	r.addNameless(snap)
	return r
}

// isIDPrefix tells whether docker takes a word for the image's ID.
func isIDPrefix(img *store.Image, word string) bool {
	return strings.HasPrefix(img.ID.String(), word) || strings.HasPrefix(img.ID.Encoded(), word)
}

// isSingleReference tells whether an image has no more than one tag, and no name outside that tag's repository.
func isSingleReference(refs []named) bool {
	if len(refs) <= 1 {
		return true
	}
	return !slices.ContainsFunc(refs[1:], func(n named) bool {
		return !n.isDigest() || n.name.Name() != refs[0].name.Name()
	})
}

// goneImage is an image that was removed; digests are its ID and the chains, topmost first, that no image has any more
// and that no image before it in the list had.
type goneImage struct {
	*store.Image
	digests []string
}

// gone finds the images that were there before and are not after.
func gone(before, after []*store.Image) (list []goneImage) {
	kept, left := map[string]bool{}, map[string]bool{}
	for _, img := range after {
		left[img.ID.String()] = true
		for _, c := range img.Chains {
			kept[c.ChainID.String()] = true
		}
	}
	for _, img := range before {
		if left[img.ID.String()] {
			continue
		}
		g := goneImage{img, []string{img.ID.String()}}
		for _, c := range slices.Backward(img.Chains) {
			if id := c.ChainID.String(); !kept[id] {
				kept[id] = true
				g.digests = append(g.digests, id)
			}
		}
		list = append(list, g)
	}
	return list
}

// familiar shortens a full name as docker does.
func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(named)
}
