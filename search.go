package imagefs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/registry"
)

// defaultSearchLimit is docker's.
const defaultSearchLimit = 25

// SearchRequest is what `docker search` is asked for.
type SearchRequest struct {
	Term    string // HOST/term asks that registry
	Limit   int    // 1 to 100; 0 for docker's 25
	Filters []string
}

// Search asks Docker Hub, or the registry that the term begins with, for repositories. Those with the most stars come
// first.
func (e *Engine) Search(ctx context.Context, req SearchRequest) ([]registry.SearchResult, error) {
	host, term, err := splitTerm(req.Term)
	if err != nil {
		return nil, err
	}
	limit := cmp.Or(req.Limit, defaultSearchLimit)
	if limit < 1 || limit > 100 {
		return nil, invalid(strconv.Itoa(limit), "Limit %d is outside the range of [1, 100]", limit)
	}
	keep, err := newSearchFilter(req.Filters)
	if err != nil {
		return nil, err
	}
	found, err := e.registry.Search(ctx, host, term, limit)
	if err != nil {
		return nil, explain(err, req.Term)
	}
	found = slices.DeleteFunc(found, func(r registry.SearchResult) bool { return !keep(r) })
	slices.SortStableFunc(found, func(a, b registry.SearchResult) int { return cmp.Compare(b.Stars, a.Stars) })
	return found, nil
}

// splitTerm finds the registry that a term begins with, as docker does: the part before the first slash, if it can be
// no part of a name at Docker Hub.
func splitTerm(word string) (host, term string, err error) {
	if strings.Contains(word, "://") {
		return "", "", invalid(word, `invalid repository name (ex: "registry.domain.tld/myrepos")`)
	}
	if strings.TrimSpace(word) == "" {
		return "", "", invalid(word, "the term to search for is missing")
	}
	first, rest, ok := strings.Cut(word, "/")
	if named, err := reference.ParseNormalizedNamed(first + "/x"); ok && err == nil && reference.Domain(named) == first {
		return first, rest, nil
	}
	return "docker.io", word, nil
}

type searchFilter func(registry.SearchResult) bool

// newSearchFilter reads docker's filters, each key=value: what is kept passes all.
func newSearchFilter(filters []string) (searchFilter, error) {
	var all []searchFilter
	for _, filter := range filters {
		key, value, ok := strings.Cut(filter, "=")
		if !ok {
			return nil, badFilter(filter)
		}
		one, err := oneSearchFilter(key, value)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return func(r registry.SearchResult) bool {
		return !slices.ContainsFunc(all, func(keep searchFilter) bool { return !keep(r) })
	}, nil
}

func oneSearchFilter(key, value string) (searchFilter, error) {
	want := value == "true"
	switch key {
	case "stars":
		stars, err := strconv.Atoi(value)
		if err != nil {
			return nil, invalid(value, "invalid filter 'stars=%s'", value)
		}
		return func(r registry.SearchResult) bool { return r.Stars >= stars }, nil
	case "is-official", "is-automated":
		if !want && value != "false" {
			return nil, invalid(value, "invalid filter '%s=[%s]'", key, value)
		}
		if key == "is-official" {
			return func(r registry.SearchResult) bool { return r.Official == want }, nil
		}
		return func(r registry.SearchResult) bool { return r.Automated == want }, nil
	}
	return nil, &Error{
		Kind: Invalid, Subject: key, Err: errors.New("invalid filter '" + key + "'"),
		Hint: "there are stars, is-official and is-automated",
	}
}
