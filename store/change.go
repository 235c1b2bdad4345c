package store

import (
	"fmt"
	"slices"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Change is one change of the references.
type Change struct {
	Name   string              // full and normalised: given to Target, or taken away; "" keeps Target without a name
	Target *ocispec.Descriptor // nil takes Name away: what it led to stays, without a name if it has no other
	// Remove is, instead, the ID of an image: every entry of index.json that leads to it goes. Other images of an index
	// that goes stay, without a name if they have no other.
	Remove digest.Digest
}

// change returns the index after a change of it, and whether that is another.
func (v *view) change(x *index, c Change, now time.Time) (*index, bool, error) {
	switch {
	case c.Remove != "":
		return v.remove(x, c.Remove)
	case c.Target == nil:
		return v.takeAway(x, c.Name)
	case !v.has(c.Target.Digest):
		return nil, false, fmt.Errorf("reference %s: blob %s: %w", c.Name, c.Target.Digest, ErrNotFound)
	}
	if err := checkName(c.Name, c.Target.Digest); err != nil {
		return nil, false, err
	}
	return v.set(x, c.Name, *c.Target, now)
}

// set returns the index in which name is target's, and whether that is a change. What name was before stays without a
// name, if it is there and nothing else keeps it. An empty name keeps target without one.
func (v *view) set(x *index, name string, target ocispec.Descriptor, now time.Time) (*index, bool, error) {
	if x.has(name, target) {
		return x, false, nil
	}
	set, replaced := v.withoutName(x, name)
	e, err := newEntry(target, name, now)
	if err != nil {
		return nil, false, err
	}
	set.entries = append(set.entries, e)
	return set, true, set.keep(replaced)
}

// takeAway returns the index without name. What it led to stays, if it is there.
func (v *view) takeAway(x *index, name string) (*index, bool, error) {
	rest, gone := v.withoutName(x, name)
	changed := len(rest.entries) < len(x.entries)
	return rest, changed, rest.keep(gone)
}

// withoutName returns the index without the entries of that name, if it is one, and those of them whose target is there.
func (v *view) withoutName(x *index, name string) (rest *index, gone []*entry) {
	rest, gone = x.without(func(e *entry) bool { return e.name == name && name != "" })
	return rest, slices.DeleteFunc(gone, func(e *entry) bool { return !v.has(e.desc.Digest) })
}

// remove returns the index without what leads to an image.
func (v *view) remove(x *index, id digest.Digest) (*index, bool, error) {
	isID := func(img *Image) bool { return img.ID == id }
	rest, gone := x.without(func(e *entry) bool { return slices.ContainsFunc(v.lead(e.desc, nesting), isID) })
	if len(gone) == 0 {
		return x, false, nil
	}
	kept := map[*Image]bool{}
	for _, e := range rest.entries {
		for _, img := range v.lead(e.desc, nesting) {
			kept[img] = true
		}
	}
	for _, e := range gone {
		for _, img := range v.lead(e.desc, nesting) {
			if isID(img) || kept[img] {
				continue
			}
			kept[img] = true
			e, err := newEntry(img.Manifest, "", time.Time{})
			if err != nil {
				return nil, false, err
			}
			rest.entries = append(rest.entries, e)
		}
	}
	return rest, true, nil
}
