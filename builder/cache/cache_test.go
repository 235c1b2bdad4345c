package cache

import (
	"os"
	"path/filepath"
	"testing"
	"time"
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
	if n, _, err := c.Prune(time.Now()); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	want := Record{DiffID: key, Created: time.Now().UTC()}
	for range 2 {
		if err := c.Put(key, want); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := Of(root).Get(key); !ok || got != want {
		t.Errorf("%+v", got)
	}
	if n, _, err := c.Prune(time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, bytes, err := c.Prune(time.Now().Add(time.Hour)); n != 1 || bytes == 0 || err != nil {
		t.Errorf("%d, %d, %v", n, bytes, err)
	}
	if err := os.WriteFile(filepath.Join(root, "build-cache", key.Encoded()), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get(key); ok {
		t.Error("read what is damaged")
	}
}
