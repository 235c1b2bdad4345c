package imagefs

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// filterContainers keeps the rows that `docker ps` shows with these filters, each key=value: id (a beginning), name (a
// regular expression), status, label (a key, or key=value), ancestor (an image, of which the container's may be made),
// before and since (a container). Several of one key are alternatives, but for labels. The error is of kind Invalid or
// NotFound.
func filterContainers(snap *store.Snapshot, rows []ContainerRow, filters []string) ([]ContainerRow, error) {
	alternatives := map[string][]func(ContainerRow) bool{}
	for _, filter := range filters {
		key, value, ok := strings.Cut(filter, "=")
		if !ok {
			return nil, badFilter(filter)
		}
		keep, err := newContainerFilter(snap, rows, key, value)
		if err != nil {
			return nil, err
		}
		if key == "label" {
			key = filter
		}
		alternatives[key] = append(alternatives[key], keep)
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r ContainerRow) bool {
		for _, keeps := range alternatives {
			if !slices.ContainsFunc(keeps, func(keep func(ContainerRow) bool) bool { return keep(r) }) {
				return true
			}
		}
		return false
	}), nil
}

func newContainerFilter(snap *store.Snapshot, rows []ContainerRow, key, value string) (func(ContainerRow) bool, error) {
	switch key {
	case "id":
		return func(r ContainerRow) bool { return strings.HasPrefix(r.ID, value) }, nil
	case "name":
		pattern, err := regexp.Compile(strings.TrimPrefix(value, "/"))
		if err != nil {
			return nil, invalid(value, "invalid filter 'name=%s': %w", value, err)
		}
		return func(r ContainerRow) bool { return pattern.MatchString(r.Name) }, nil
	case "status":
		known := []container.Status{container.Created, container.Running, container.Exited}
		if !slices.Contains(known, container.Status(value)) {
			return nil, &Error{
				Kind: Invalid, Subject: value, Err: errors.New("invalid filter 'status=" + value + "'"),
				Hint: "there are created, running and exited",
			}
		}
		return func(r ContainerRow) bool { return string(r.Status) == value }, nil
	case "label":
		want, exact, ok := strings.Cut(value, "=")
		return func(r ContainerRow) bool {
			got, has := r.Config.Labels[want]
			return has && (!ok || got == exact)
		}, nil
	case "ancestor":
		return byAncestor(snap, value), nil
	case "before", "since":
		return byContainer(rows, key, value)
	}
	return nil, &Error{
		Kind: Invalid, Subject: key, Err: errors.New("invalid filter '" + key + "'"),
		Hint: "there are id, name, status, label, ancestor, before and since",
	}
}

// byAncestor compares chains of layers. As in docker, an image that is not there is nobody's ancestor.
func byAncestor(snap *store.Snapshot, word string) func(ContainerRow) bool {
	ancestor, err := Resolve(snap, word)
	return func(r ContainerRow) bool {
		img := snap.Image(r.Image)
		switch {
		case err != nil:
			return false
		case r.Image == ancestor.ID:
			return true
		case img == nil || len(ancestor.Chains) == 0:
			return false
		}
		return slices.Contains(img.Chains, ancestor.Chains[len(ancestor.Chains)-1])
	}
}

func byContainer(rows []ContainerRow, key, word string) (func(ContainerRow) bool, error) {
	var all []*container.Container
	for _, r := range rows {
		all = append(all, r.Container)
	}
	than, err := findContainer(all, word)
	if KindOf(err) == NotFound {
		err = &Error{Kind: NotFound, Subject: word, Err: errors.New("no such container " + word)}
	}
	if err != nil {
		return nil, err
	}
	if key == "before" {
		return func(r ContainerRow) bool { return r.Created.Before(than.Created) }, nil
	}
	return func(r ContainerRow) bool { return r.Created.After(than.Created) }, nil
}
