package registry

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

const (
	maxPage  = 32 << 20 // bytes
	maxPages = 10000
)

// listing is a list of names that grows page by page, so that a failure costs one page.
type listing struct {
	question
	path  string                 // below /v2/
	field string                 // of the JSON object that a page is
	keep  func(name string) bool // nil for all
	limit int                    // of names; 0 for none

	from  *endpoint
	next  *url.URL // nil for the first page
	names []string
}

func (c *Client) listTags(ctx context.Context, repository reference.Named) ([]string, error) {
	l := &listing{
		question: pulling(repository, "tags of "+reference.FamiliarName(repository)),
		path:     reference.Path(repository) + "/tags/list",
		field:    "tags",
	}
	return c.list(ctx, l)
}

// list returns the names to keep, as many as the limit allows, sorted.
func (c *Client) list(ctx context.Context, l *listing) ([]string, error) {
	a := c.newAttempts()
	for range maxPages {
		done := false
		err := c.ask(ctx, l.question, a, func(ctx context.Context, e *endpoint) (err error) {
			done, err = c.nextNames(ctx, e, l)
			return err
		})
		if err != nil {
			return nil, err
		}
		if done || l.limit > 0 && len(l.names) >= l.limit {
			return l.sorted(), nil
		}
		a.progress()
	}
	return nil, fail(ErrProtocol, "%s: more than %d pages", l.subject, maxPages)
}

func (l *listing) sorted() []string {
	slices.Sort(l.names)
	names := slices.Compact(l.names)
	if l.limit > 0 && len(names) > l.limit {
		names = names[:l.limit]
	}
	return names
}

// nextNames reads one page; done tells whether it is the last. Another endpoint than before starts anew.
func (c *Client) nextNames(ctx context.Context, e *endpoint, l *listing) (done bool, err error) {
	if l.from != e {
		l.from, l.next, l.names = e, nil, nil
	}
	r := request{url: at(e, l.path), scope: l.scope, header: http.Header{"Accept": {"application/json"}}}
	if l.next != nil {
		r.url = exactly(l.next)
	}
	resp, err := c.do(ctx, e, r)
	if err != nil {
		return false, err
	}
	names, err := readNames(resp, l.field)
	if err != nil {
		return false, err
	}
	next, err := nextPage(resp)
	if err != nil {
		return false, err
	}
	if l.keep != nil {
		names = slices.DeleteFunc(names, func(name string) bool { return !l.keep(name) })
	}
	l.names = append(l.names, names...)
	l.next = next
	return next == nil, nil
}

// readNames reads a page: an object whose field is an array of names, or null for none.
func readNames(resp *http.Response, field string) (names []string, err error) {
	defer drain(resp.Body)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxPage {
		return nil, fail(ErrTooLarge, "a page of more than 32 MiB")
	}
	var page map[string]json.RawMessage
	if json.Unmarshal(raw, &page) != nil || page[field] != nil && json.Unmarshal(page[field], &names) != nil {
		return nil, fail(ErrProtocol, "not a list of %s", field)
	}
	return names, nil
}

// nextPage follows a Link header (distribution specification, "Listing Tags"), which stays on the host.
func nextPage(resp *http.Response) (*url.URL, error) {
	here := resp.Request.URL
	for _, link := range resp.Header.Values("Link") {
		target, params, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
		if !ok || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
			continue
		}
		next, err := here.Parse(target)
		if err != nil || !sameOrigin(here, next) || *next == *here {
			return nil, fail(ErrProtocol, "a next page that is nowhere on this host")
		}
		return next, nil
	}
	return nil, nil
}
