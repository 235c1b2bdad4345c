package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/storetest"
)

// TestClaimAfterAFullDisk adds to a claim of which a batch was written in part only.
func TestClaimAfterAFullDisk(t *testing.T) {
	dir := smallDisk(t, "3m")
	s := storetest.Open(t, dir)
	img := oneFile(t, "a")
	img.Put(t, s)
	age(t, s)
	c, err := s.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var many []digest.Digest
	for i := range 50 {
		many = append(many, digest.FromString(fmt.Sprint(i)))
	}
	if err := c.Add(t.Context(), many...); err != nil { // less than a page
		t.Fatal(err)
	}
	before := readAll(t, claimFile(t, dir))
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	if err := c.Add(t.Context(), many...); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("on a full disk: %v", err)
	}
	if after := readAll(t, claimFile(t, dir)); !bytes.Equal(after, before) {
		t.Errorf("a batch that failed left %d bytes", len(after)-len(before))
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	kept := []digest.Digest{img.ID, img.Descriptor.Digest, img.Layers[0].Descriptor.Digest, img.Layers[0].DiffID}
	if err := c.Add(t.Context(), kept...); err != nil {
		t.Fatal(err)
	}
	collect(t, s)
	for _, d := range kept[:3] {
		if !s.HasBlob(d) {
			t.Errorf("%s was claimed", d)
		}
	}
}

// TestClaimAfterAFragment adds to a claim that ends in the middle of a line.
func TestClaimAfterAFragment(t *testing.T) {
	s := storetest.New(t)
	img := oneFile(t, "a")
	img.Put(t, s)
	age(t, s)
	c, err := s.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := os.WriteFile(claimFile(t, s.Dir()), []byte(img.ID.Encoded()+"\n01234"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Add(t.Context(), img.Descriptor.Digest); err != nil {
		t.Fatal(err)
	}
	collect(t, s)
	if !s.HasBlob(img.ID) || !s.HasBlob(img.Descriptor.Digest) {
		t.Error("what was claimed is gone")
	}
}

// claimFile is the one below the root dir.
func claimFile(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "ingest", "claim-*"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	return paths[0]
}
