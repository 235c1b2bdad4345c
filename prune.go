package imagefs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// PruneRequest is what `docker image prune` is asked for.
type PruneRequest struct {
	All         bool     // every image that nothing uses, not only those without a tag
	Filters     []string // until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=BOOL
	DryRun      bool     // say what would go
	KeepStorage int64    // bytes: only as many images go, oldest first, as leave no more than that; 0 for all
}

// Prune removes images, oldest first. Its lines are docker's: "untagged: …", "deleted: …". It returns the bytes that no
// image has any more: the sizes of the layers that went, as docker counts them.
func (e *Engine) Prune(ctx context.Context, req PruneRequest, report Reporter) (reclaimed int64, err error) {
	keep, err := newPruneFilter(e.store, &req)
	if err != nil {
		return 0, err
	}
	plan := func(snap *store.Snapshot) (*removal, error) {
		r, err := e.planPrune(snap, req, keep)
		if err == nil {
			reclaimed = r.size
		}
		return r.removal, err
	}
	if req.DryRun {
		snap, err := e.store.Refresh()
		if err != nil {
			return 0, err
		}
		r, err := plan(snap)
		if err == nil {
			after := slices.DeleteFunc(slices.Clone(snap.Images), func(img *store.Image) bool { return slices.Contains(r.images, img) })
			r.say(snap.Images, after, pruneLine, report)
		}
		return reclaimed, err
	}
	if _, err := e.remove(ctx, plan, pruneLine, report); err != nil {
		return 0, err
	}
	if _, err := e.store.Collect(ctx); err != nil {
		return reclaimed, err
	}
	e.events.append("prune", "", map[string]string{"reclaimed": strconv.FormatInt(reclaimed, 10)})
	return reclaimed, nil
}

func pruneLine(untagged bool, what string) string {
	if untagged {
		return "untagged: " + what
	}
	return "deleted: " + what
}

// pruning is a removal and the bytes of the layers that no image has after it.
type pruning struct {
	*removal
	size int64
}

// planPrune decides what goes. A name may lead to several images: none of them goes without the others.
func (e *Engine) planPrune(snap *store.Snapshot, req PruneRequest, keep imageFilter) (pruning, error) {
	prunable, err := e.prunable(snap, req, keep)
	if err != nil {
		return pruning{removal: &removal{}}, err
	}
	for {
		p, goes := e.choosePrune(snap, prunable, req.KeepStorage), map[digest.Digest]bool{}
		for _, img := range p.images {
			goes[img.ID] = true
		}
		stays := func(img *store.Image) bool { return !goes[img.ID] }
		isBound := func(img *store.Image) bool {
			return goes[img.ID] && slices.ContainsFunc(referencesTo(snap, img), func(ref named) bool { return slices.ContainsFunc(ref.Images, stays) })
		}
		if !slices.ContainsFunc(p.images, isBound) {
			p.nameAll(snap)
			return p, nil
		}
		prunable = slices.DeleteFunc(prunable, isBound)
	}
}

// prunable are the images that may go, oldest first.
func (e *Engine) prunable(snap *store.Snapshot, req PruneRequest, keep imageFilter) (list []*store.Image, err error) {
	oldestFirst := slices.Clone(snap.Images)
	slices.SortFunc(oldestFirst, func(a, b *store.Image) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Number, b.Number))
	})
	using, err := e.users()
	if err != nil {
		return nil, err
	}
	for _, img := range oldestFirst {
		if _, ok := using[img.ID]; ok {
			continue
		}
		refs := referencesTo(snap, img)
		if !req.All && len(refs) > 0 && !refs[0].isDigest() {
			continue
		}
		if ok, err := keep(img); ok || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		list = append(list, img)
	}
	return list, nil
}

// choosePrune takes images until no more bytes are left than are to be kept; of 0, all.
func (e *Engine) choosePrune(snap *store.Snapshot, prunable []*store.Image, keep int64) pruning {
	sizes := newLayerSizes(e.store, snap.Images)
	p := pruning{removal: &removal{}}
	left := int64(0)
	if keep > 0 {
		left = sizes.total()
	}
	for _, img := range prunable {
		if keep > 0 && left-p.size <= keep {
			break
		}
		p.images = append(p.images, img)
		p.size += sizes.drop(img)
	}
	return p
}

// nameAll takes all names of the images away.
func (r *removal) nameAll(snap *store.Snapshot) {
	taken := map[string]bool{}
	for _, img := range r.images {
		for _, ref := range referencesTo(snap, img) {
			if !taken[ref.Name] {
				taken[ref.Name] = true
				r.names = append(r.names, removedName{ref.Name, img})
			}
		}
	}
}

// layerSizes counts which layers are whose.
type layerSizes struct {
	store *store.Store
	users map[digest.Digest]int // by diffID
}

func newLayerSizes(s *store.Store, images []*store.Image) *layerSizes {
	sizes := &layerSizes{s, map[digest.Digest]int{}}
	for _, img := range images {
		for _, c := range img.Chains {
			sizes.users[c.DiffID]++
		}
	}
	return sizes
}

// size of a layer, in bytes; of one that cannot be read, 0: it can be removed all the same.
func (s *layerSizes) size(diffID digest.Digest) int64 {
	l, err := s.store.Layer(diffID)
	if err != nil {
		return 0
	}
	return l.Size()
}

func (s *layerSizes) total() (sum int64) {
	for diffID := range s.users {
		sum += s.size(diffID)
	}
	return sum
}

// drop takes an image out, and returns the size of the layers that were only its.
func (s *layerSizes) drop(img *store.Image) (sum int64) {
	for _, c := range img.Chains {
		if s.users[c.DiffID]--; s.users[c.DiffID] == 0 {
			sum += s.size(c.DiffID)
		}
	}
	return sum
}

// imageFilter tells whether an image stays.
type imageFilter func(*store.Image) (bool, error)

// newPruneFilter reads docker's filters; dangling=false is the same as All. The error is of kind Invalid.
func newPruneFilter(s *store.Store, req *PruneRequest) (imageFilter, error) {
	var filters []imageFilter
	now := time.Now()
	for _, filter := range req.Filters {
		key, value, ok := strings.Cut(filter, "=")
		if !ok {
			return nil, badFilter(filter)
		}
		switch key {
		case "until":
			until, err := ParseTime(value, now)
			if err != nil {
				return nil, err
			}
			filters = append(filters, func(img *store.Image) (bool, error) { return img.Created.After(until), nil })
		case "label":
			filters = append(filters, func(img *store.Image) (bool, error) {
				has, err := hasLabel(s, img, value)
				return !has, err
			})
		case "label!":
			filters = append(filters, func(img *store.Image) (bool, error) { return hasLabel(s, img, value) })
		case "dangling":
			dangling, err := strconv.ParseBool(value)
			if err != nil {
				return nil, invalid(value, "invalid filter 'dangling=%s'", value)
			}
			req.All = !dangling
		default:
			return nil, &Error{
				Kind: Invalid, Subject: key, Err: fmt.Errorf("invalid filter '%s'", key),
				Hint: "there are until, label, label! and dangling",
			}
		}
	}
	return func(img *store.Image) (bool, error) {
		for _, stays := range filters {
			if ok, err := stays(img); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}, nil
}
