package cache

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	Size    int64         `json:",omitempty"` // of the layer, in bytes, as docker counts it
	Created time.Time
}

// Kept is a record, seen from outside.
type Kept struct {
	Record // empty if it cannot be read
	Used   time.Time
	Bytes  int64 // that it takes itself

	name string
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
	return c.read(key.Encoded())
}

func (c *Cache) read(name string) (r Record, ok bool) {
	text, err := os.ReadFile(filepath.Join(c.dir, name))
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
	temp := filepath.Join(c.dir, coming+rand.Text())
	err = os.WriteFile(temp, append(text, '\n'), 0o644)
	if err == nil {
		err = os.Rename(temp, filepath.Join(c.dir, key.Encoded()))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

// Touch notes that a build has just used the records of these steps, which are in the build's order: of what was used
// together, the last steps are the first to go. That a record is gone does not matter.
func (c *Cache) Touch(keys []digest.Digest) {
	now := time.Now()
	for i, key := range keys {
		used := now.Add(-time.Duration(i) * time.Microsecond)
		_ = os.Chtimes(filepath.Join(c.dir, key.Encoded()), used, used)
	}
}

// List returns all records, those that were not used for longest first.
func (c *Cache) List() (all []Kept, err error) {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || strings.HasPrefix(e.Name(), coming) && time.Since(info.ModTime()) < comingLife {
			continue
		}
		k := Kept{Used: info.ModTime(), Bytes: info.Size(), name: e.Name()}
		k.Record, _ = c.read(e.Name())
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Kept) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.name, b.name)) })
	return all, err
}

// Remove removes a record. That it is gone is no error.
func (c *Cache) Remove(k Kept) error {
	err := os.Remove(filepath.Join(c.dir, k.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Names of records that are being written begin with coming; one that is older was left by who died.
const (
	coming     = ".new-"
	comingLife = time.Hour
)
