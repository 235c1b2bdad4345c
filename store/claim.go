package store

import (
	"context"

	digest "github.com/opencontainers/go-digest"
)

// Claim keeps blobs and layers from being collected while something is made of them that is not yet published.
type Claim struct{}

// Claim begins a claim, which lasts until it is closed or the process ends.
func (s *Store) Claim() (*Claim, error) { panic("stub") }

// Add claims blobs, and the layers unpacked of them, by digest or diffID, whether they are stored or not. What is there
// once Add has returned stays.
func (c *Claim) Add(ctx context.Context, digests ...digest.Digest) error { panic("stub") }

// Close ends the claim.
func (c *Claim) Close() error { panic("stub") }
