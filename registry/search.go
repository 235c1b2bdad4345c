package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// hubSearch is where Docker Hub is searched, version 1 of docker's registry API.
const hubSearch = "https://index.docker.io/v1/"

// SearchResult is a repository that was found, as Docker Hub's search API tells it.
type SearchResult struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Stars       int    `json:"star_count"`
	Official    bool   `json:"is_official"`
	Automated   bool   `json:"is_automated"`
}

// Search asks a host, "docker.io" or HOST[:PORT], for repositories that have to do with term, limit at most. Docker Hub, or
// what Options.SearchURL names instead, is asked as docker asks it, and so is another host that understands this; of one
// that does not, it is the repositories of its catalog whose names have the term in them.
func (c *Client) Search(ctx context.Context, host, term string, limit int) ([]SearchResult, error) {
	q := question{domain: host, subject: "search for " + term}
	search := c.searchHub
	if host != hubDomain {
		search = c.searchHost
	}
	found, err := search(ctx, q, term, limit)
	return found[:min(len(found), limit)], err
}

func (c *Client) searchHost(ctx context.Context, q question, term string, limit int) ([]SearchResult, error) {
	found, denied := c.searchIndex(ctx, q, term, limit)
	if !isNoSearch(denied) {
		return found, denied
	}
	names, err := c.catalog(ctx, q.domain, func(name string) bool { return strings.Contains(name, term) }, limit)
	if isDenied(err) && isDenied(denied) {
		return nil, denied
	}
	for _, name := range names {
		found = append(found, SearchResult{Name: name})
	}
	return found, err
}

// isNoSearch tells whether a registry may only not know how to search. Some deny all that they do not know.
func isNoSearch(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrProtocol) || errors.Is(err, ErrUnsupported) || isDenied(err)
}

func isDenied(err error) bool { return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrDenied) }

// searchHub asks the search service as an endpoint of its own: the credentials are those of its host.
func (c *Client) searchHub(ctx context.Context, q question, term string, limit int) ([]SearchResult, error) {
	base := c.options.SearchURL
	if base == "" {
		base = hubSearch
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fail(ErrUnsupported, "a search service is given as https://HOST[:PORT]/PATH/, without a user")
	}
	e := c.newHost(u.Host)
	e.schemes = []string{u.Scheme}
	if u.Host == "index.docker.io" {
		e.auth = c.newAuthorizer(hubAccount)
	}
	var found []SearchResult
	err = c.newAttempts().run(ctx, func() error {
		found, err = c.searchOnce(ctx, e, q, searchAt(u, term, limit))
		if err != nil {
			err = q.explain(e.host, err)
		}
		return err
	})
	return found, err
}

// searchIndex asks a registry of version 1's API, as docker does.
func (c *Client) searchIndex(ctx context.Context, q question, term string, limit int) (found []SearchResult, err error) {
	err = c.ask(ctx, q, c.newAttempts(), func(ctx context.Context, e *endpoint) error {
		found, err = c.searchOnce(ctx, e, q, func(scheme string) (*url.URL, error) {
			return searchAt(&url.URL{Scheme: scheme, Host: e.host, Path: "/v1/"}, term, limit)(scheme)
		})
		return err
	})
	return found, err
}

// searchAt is the request's url for a search at base.
func searchAt(base *url.URL, term string, limit int) func(string) (*url.URL, error) {
	u := base.JoinPath("search")
	u.RawQuery = url.Values{"q": {term}, "n": {strconv.Itoa(limit)}}.Encode()
	return exactly(u)
}

func (c *Client) searchOnce(ctx context.Context, e *endpoint, q question, at func(string) (*url.URL, error)) ([]SearchResult, error) {
	resp, err := c.do(ctx, e, request{url: at, scope: q.scope, header: http.Header{"Accept": {"application/json"}}})
	if err != nil {
		return nil, err
	}
	defer drain(resp.Body)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, err
	}
	var page struct {
		Results []SearchResult `json:"results"`
	}
	if json.Unmarshal(raw, &page) != nil {
		return nil, fail(ErrProtocol, "not the result of a search")
	}
	return page.Results, nil
}

// catalog lists the repositories of a registry that keep accepts, sorted, limit at most.
func (c *Client) catalog(ctx context.Context, host string, keep func(name string) bool, limit int) ([]string, error) {
	l := &listing{
		question: question{domain: host, subject: "catalog", scope: "registry:catalog:*"},
		path:     "_catalog?n=1000",
		field:    "repositories",
		keep:     keep,
		limit:    limit,
	}
	return c.list(ctx, l)
}
