package cache

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
)

func TestCache(t *testing.T) {
	root := t.TempDir()
	c := Of(root)
	key := Key("", "a", "b")
	if key == Key("", "ab") || key == Key("x", "a", "b") || key != Key("", "a", "b") {
		t.Error("keys are not what they say")
	}
	if _, ok := c.Get(key); ok {
		t.Error("found what is not there")
	}
	if all, err := c.List(); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	want := Record{DiffID: key, Size: 3, Created: time.Now().UTC()}
	for range 2 {
		if err := c.Put(key, want); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := Of(root).Get(key); !ok || got != want {
		t.Errorf("%+v", got)
	}
	if err := os.WriteFile(filepath.Join(root, "build-cache", key.Encoded()), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get(key); ok {
		t.Error("read what is damaged")
	}
	all, err := c.List()
	if err != nil || len(all) != 1 || all[0].DiffID != "" {
		t.Fatalf("%v, %v", all, err)
	}
	for range 2 {
		if err := c.Remove(all[0]); err != nil {
			t.Error(err)
		}
	}
}

// TestTouch: what was not used for longest is first, and of what was used together the last step.
func TestTouch(t *testing.T) {
	c := Of(t.TempDir())
	var keys []digest.Digest
	for _, name := range []string{"a", "b", "c", "d"} {
		key := Key("", name)
		keys = append(keys, key)
		if err := c.Put(key, Record{DiffID: key}); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	for i, key := range keys {
		at := old.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(filepath.Join(c.dir, key.Encoded()), at, at); err != nil {
			t.Fatal(err)
		}
	}
	c.Touch([]digest.Digest{keys[0], keys[2], Key("", "gone")})
	all, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []digest.Digest{keys[1], keys[3], keys[2], keys[0]} {
		if all[i].DiffID != want {
			t.Errorf("%d: %s, want %s", i, all[i].DiffID, want)
		}
	}
}
