package cache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// Cache is the records of a store.
type Cache struct{ dir string }

// Of is the cache of the store at root.
func Of(root string) *Cache { return &Cache{filepath.Join(root, "build-cache")} }

// Record is what a step has made.
type Record struct {
	DiffID  digest.Digest `json:",omitempty"` // of its layer; "" if it has made none
	Created time.Time
}

// Key says of a step what it depends on: the key of what came before it, and words of its own.
func Key(parent digest.Digest, words ...string) digest.Digest {
	h := sha256.New()
	fmt.Fprintf(h, "imagefs build 1\n%s\n", parent)
	for _, word := range words {
		fmt.Fprintf(h, "%q\n", word)
	}
	return digest.NewDigest(digest.SHA256, h)
}

// Get returns a step's record; ok is false if there is none, or none that can be read.
func (c *Cache) Get(key digest.Digest) (r Record, ok bool) {
	text, err := os.ReadFile(filepath.Join(c.dir, key.Encoded()))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return Record{}, false
	}
	return r, true
}

// Put keeps a step's record, in place of another.
func (c *Cache) Put(key digest.Digest, r Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	temp := filepath.Join(c.dir, ".new-"+rand.Text())
	err = os.WriteFile(temp, append(text, '\n'), 0o644)
	if err == nil {
		err = os.Rename(temp, filepath.Join(c.dir, key.Encoded()))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

// Prune removes the records that were written before a time, and returns how many bytes they were.
func (c *Cache) Prune(before time.Time) (removed int, bytes int64, err error) {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	for _, e := range entries {
		info, infoErr := e.Info()
		if infoErr != nil || !info.ModTime().Before(before) {
			continue
		}
		if err := os.Remove(filepath.Join(c.dir, e.Name())); err != nil {
			return removed, bytes, err
		}
		removed, bytes = removed+1, bytes+info.Size()
	}
	return removed, bytes, err
}
