package imagefs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/store"
)

// FilterImages keeps the rows that `docker images` shows with these filters, each key=value: dangling (true or false),
// reference (a pattern as in path.Match), before and since (an image), label (a key, or key=value). Several references
// are alternatives, as in docker; a row must pass all else. The error is of kind Invalid or NotFound.
func FilterImages(s *store.Store, snap *store.Snapshot, rows []ImageRow, filters []string) ([]ImageRow, error) {
	var patterns []string
	for _, filter := range filters {
		key, value, ok := strings.Cut(filter, "=")
		if !ok {
			return nil, invalid(filter, "invalid filter %q: it is not key=value", filter)
		}
		if key == "reference" {
			patterns = append(patterns, value)
			continue
		}
		keep, err := newFilter(s, snap, key, value)
		if err != nil {
			return nil, err
		}
		if rows, err = filterRows(rows, keep); err != nil {
			return nil, err
		}
	}
	if len(patterns) == 0 {
		return rows, nil
	}
	return filterRows(rows, func(r ImageRow) (bool, error) { return matches(r, patterns) })
}

type rowFilter func(ImageRow) (bool, error)

func filterRows(rows []ImageRow, keep rowFilter) (kept []ImageRow, err error) {
	for _, row := range rows {
		ok, err := keep(row)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

func newFilter(s *store.Store, snap *store.Snapshot, key, value string) (rowFilter, error) {
	switch key {
	case "dangling":
		want, err := strconv.ParseBool(value)
		if err != nil {
			return nil, invalid(value, "invalid filter 'dangling=%s'", value)
		}
		return func(r ImageRow) (bool, error) { return isDangling(r, want), nil }, nil
	case "before":
		return byTime(snap, value, time.Time.Before)
	case "since":
		return byTime(snap, value, time.Time.After)
	case "label":
		return func(r ImageRow) (bool, error) { return hasLabel(s, r.Image, value) }, nil
	}
	return nil, &Error{
		Kind: Invalid, Subject: key, Err: fmt.Errorf("invalid filter '%s'", key),
		Hint: "there are dangling, reference, before, since and label",
	}
}

// isDangling keeps images that no tag names or, where dangling ones are not wanted, those that anything names: docker
// shows an image that only a digest names either way.
func isDangling(r ImageRow, want bool) bool {
	if want {
		return r.Tag == none
	}
	return r.Repository != none
}

// byTime compares the time an image was created with that of the image word means.
func byTime(snap *store.Snapshot, word string, compare func(a, b time.Time) bool) (rowFilter, error) {
	than, err := Resolve(snap, word)
	if err != nil {
		return nil, err
	}
	return func(r ImageRow) (bool, error) { return compare(r.Created, than.Created), nil }, nil
}

func hasLabel(s *store.Store, img *store.Image, want string) (bool, error) {
	c, err := readConfig(s, img)
	if err != nil || c.Config == nil {
		return false, err
	}
	key, value, exact := strings.Cut(want, "=")
	got, ok := c.Config.Labels[key]
	return ok && (!exact || got == value), nil
}

// matches tells whether a row's name matches one of the patterns.
func matches(r ImageRow, patterns []string) (bool, error) {
	if r.Repository == none {
		return false, nil
	}
	ref, err := rowReference(r)
	if err != nil {
		return false, err
	}
	ok := slices.ContainsFunc(patterns, func(pattern string) bool {
		found, badPattern := reference.FamiliarMatch(pattern, ref)
		if badPattern != nil {
			err = invalid(pattern, "invalid pattern %q: %w", pattern, badPattern)
		}
		return found
	})
	return ok, err
}

// rowReference is the reference that the row shows.
func rowReference(r ImageRow) (reference.Reference, error) {
	tag, _, _ := strings.Cut(r.Tag, "@")
	if tag == none {
		return reference.ParseNormalizedNamed(r.Repository + "@" + r.Digest)
	}
	return reference.ParseNormalizedNamed(r.Repository + ":" + tag)
}
