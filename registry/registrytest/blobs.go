package registrytest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobs are those of each repository by itself: what one has another must mount.
type blobs struct{ *Server }

// blob is nil if the repository does not have it.
func (s *Server) blob(repository, d string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[repository+"@"+d]
}

func (s *Server) hold(repository, d string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[repository+"@"+d] = data
}

// Get and Stat are what the content asks.
func (b blobs) Get(_ context.Context, repository string, h v1.Hash) (io.ReadCloser, error) {
	data := b.blob(repository, h.String())
	if data == nil {
		return nil, ggcr.ErrNotFound
	}
	return readerAt{bytes.NewReader(data)}, nil
}

func (b blobs) Stat(_ context.Context, repository string, h v1.Hash) (int64, error) {
	data := b.blob(repository, h.String())
	if data == nil {
		return 0, ggcr.ErrNotFound
	}
	return int64(len(data)), nil
}

// readerAt lets a range begin anywhere.
type readerAt struct{ *bytes.Reader }

func (readerAt) Close() error { return nil }

// Blobs are the digests of a repository's blobs, sorted.
func (s *Server) Blobs(repository string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, key := range slices.Sorted(maps.Keys(s.held)) {
		if d, ok := strings.CutPrefix(key, repository+"@"); ok {
			found = append(found, d)
		}
	}
	return found
}
