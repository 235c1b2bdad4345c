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
	maxTagPage  = 32 << 20 // bytes
	maxTagPages = 10000
)

// tagList grows page by page, so that a failure costs one page.
type tagList struct {
	from *endpoint
	next *url.URL // nil for the first page
	tags []string
}

func (c *Client) listTags(ctx context.Context, repository reference.Named) ([]string, error) {
	q := question{name: repository, subject: "tags of " + reference.FamiliarName(repository)}
	a := c.newAttempts()
	list := &tagList{}
	for range maxTagPages {
		done := false
		err := c.ask(ctx, q, a, func(ctx context.Context, e *endpoint) (err error) {
			done, err = c.nextTags(ctx, e, q, list)
			return err
		})
		if err != nil {
			return nil, err
		}
		if done {
			slices.Sort(list.tags)
			return slices.Compact(list.tags), nil
		}
		a.progress()
	}
	return nil, fail(ErrProtocol, "%s: more than %d pages", q.subject, maxTagPages)
}

// nextTags reads one page; done tells whether it is the last. Another endpoint than before starts anew.
func (c *Client) nextTags(ctx context.Context, e *endpoint, q question, list *tagList) (done bool, err error) {
	if list.from != e {
		*list = tagList{from: e}
	}
	resp, err := c.get(ctx, e, request{
		url: func(scheme string) (*url.URL, error) {
			if list.next != nil {
				return list.next, nil
			}
			return e.url(scheme, reference.Path(q.name)+"/tags/list")
		},
		scope:  q.scope(),
		header: http.Header{"Accept": {"application/json"}},
	})
	if err != nil {
		return false, err
	}
	tags, err := readTags(resp)
	if err != nil {
		return false, err
	}
	next, err := nextPage(resp)
	if err != nil {
		return false, err
	}
	list.tags = append(list.tags, tags...)
	list.next = next
	return next == nil, nil
}

func readTags(resp *http.Response) ([]string, error) {
	defer drain(resp.Body)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxTagPage+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxTagPage {
		return nil, fail(ErrTooLarge, "a page of more than 32 MiB")
	}
	var page struct {
		Tags []string `json:"tags"` // null for none
	}
	if json.Unmarshal(raw, &page) != nil {
		return nil, fail(ErrProtocol, "not a list of tags")
	}
	return page.Tags, nil
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
