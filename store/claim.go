package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// Claim keeps blobs and layers from being collected while something is made of them that is not yet published. It is the
// file ROOT/ingest/claim-<random>, which is locked as long as it counts: a line for each digest. Other lines claim
// nothing.
type Claim struct {
	store *Store
	file  *os.File
}

const claimPrefix = "claim-"

// Claim begins a claim, which lasts until it is closed or the process ends.
func (s *Store) Claim() (*Claim, error) {
	if err := makeDir(s.path("ingest")); err != nil {
		return nil, err
	}
	path := s.path("ingest", claimPrefix+rand.Text())
	f, err := acquire(context.Background(), path, nil) // a sweep may have it for a moment
	if err != nil {
		return nil, err
	}
	return &Claim{store: s, file: f}, nil
}

// Add claims blobs, layers (with the large files they share), trees and large files, by digest, diffID and chainID,
// whether they are stored or not. What is there once Add has returned stays. It may be called from many goroutines.
func (c *Claim) Add(ctx context.Context, digests ...digest.Digest) error {
	names := make([]string, len(digests))
	for i, d := range digests {
		if err := checkDigest(d); err != nil {
			return err
		}
		names[i] = d.Encoded()
	}
	return c.add(ctx, names)
}

// add claims what has one of the names below ROOT.
func (c *Claim) add(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	lock, err := acquire(ctx, c.store.path("lock"), nil)
	if err != nil {
		return err
	}
	defer lock.Close()
	lines := strings.Join(names, "\n") + "\n"
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	last := []byte{'\n'}
	if info.Size() > 0 {
		if _, err := c.file.ReadAt(last, info.Size()-1); err != nil {
			return err
		}
	}
	if last[0] != '\n' { // a batch that failed has left a part of a line
		lines = "\n" + lines
	}
	return extend(c.file, info.Size(), []byte(lines))
}

// Close ends the claim.
func (c *Claim) Close() error {
	return errors.Join(os.Remove(c.file.Name()), c.file.Close())
}

// claimed returns the names that live claims list. The caller holds ROOT/lock.
func (s *Store) claimed() (map[string]bool, error) {
	files, err := liveFiles(s.path("ingest"), claimPrefix)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, data := range files {
		for line := range bytes.Lines(data) {
			names[string(bytes.TrimSuffix(line, []byte{'\n'}))] = true
		}
	}
	return names, nil
}

// liveFiles reads the files in dir, whose names begin with prefix, that somebody has the lock of, and removes the others.
func liveFiles(dir, prefix string) ([][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var files [][]byte
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !isFile(e) {
			continue
		}
		path := dir + "/" + e.Name()
		live, err := removeDead(path)
		if err != nil {
			return nil, err
		}
		if !live {
			continue
		}
		data, err := readRegular(path, maxIndex)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		files = append(files, data)
	}
	return files, nil
}

// removeDead removes a file, unless somebody has its lock.
func removeDead(path string) (live bool, err error) {
	lock, err := tryAcquire(path)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	return false, os.Remove(path)
}
