package control

import (
	"bytes"
	"context"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry"
)

// Searcher is what ctl/search and search/ need.
type Searcher interface {
	Search(ctx context.Context, req imagefs.SearchRequest) ([]registry.SearchResult, error)
}

// Search is docker's verb.
func Search(s Searcher) Verb {
	parse := func(words []string) (Work, error) {
		var (
			req     imagefs.SearchRequest
			limit   string
			noTrunc bool
		)
		rest, err := options{
			flags:  map[string]*bool{"--no-trunc": &noTrunc},
			values: map[string]*string{"--limit": &limit},
			lists:  map[string]*[]string{"-f": &req.Filters, "--filter": &req.Filters},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if limit != "" {
			if req.Limit, err = strconv.Atoi(limit); err != nil || req.Limit < 1 {
				return nil, invalid(limit, "", "the limit is a number from 1 on, not %q", limit)
			}
		}
		if req.Term, err = one(rest, "term"); err != nil {
			return nil, err
		}
		return func(ctx context.Context, j Job) error {
			found, err := s.Search(ctx, req)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(imagefs.SearchTable(found, noTrunc))) {
				j.Line(strings.TrimSuffix(line, "\n"))
			}
			return nil
		}, nil
	}
	return Verb{Name: "search", Usage: "[-d] [--filter KEY=VALUE]... [--limit N] [--no-trunc] TERM", Parse: parse}
}

// searches is search/: any name is a file, and one that docker takes for a registry's host a directory of such files.
type searches struct{ engine Searcher }

func (s searches) names() []string { return nil }

// isDir tells whether a path below search/ is a registry's.
func (s searches) isDir(name string) bool {
	return strings.ContainsAny(name, ".:") && !strings.Contains(name, "/") && !strings.HasPrefix(name, ".") || name == "localhost"
}

// find returns no file for names that begin with a dot: programs look for such in any directory.
func (s searches) find(name string) (File, bool) {
	host, term, deep := strings.Cut(name, "/")
	if !deep {
		term = host
	}
	if deep != s.isDir(host) || term == "" || strings.HasPrefix(term, ".") || strings.Contains(term, "/") {
		return nil, false
	}
	return searchFile{s.engine, name}, true
}

// searchFile is searched for once by each descriptor, when it is first read.
type searchFile struct {
	engine Searcher
	term   string
}

func (f searchFile) Mode() fs.FileMode   { return 0o400 }
func (f searchFile) Size() int64         { return 0 }
func (f searchFile) Stream(bool) bool    { return false }
func (f searchFile) Open(uint64) Session { return &searchSession{file: f} }

type searchSession struct {
	readOnly
	file searchFile

	mu    sync.Mutex // guards all below
	table *bytes.Reader
}

func (s *searchSession) Read(ctx context.Context, _ Call, p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table == nil {
		found, err := s.file.engine.Search(ctx, imagefs.SearchRequest{Term: s.file.term})
		if err != nil {
			return 0, err
		}
		s.table = bytes.NewReader(imagefs.SearchTable(found, false))
	}
	return readAt(s.table, p, off)
}
