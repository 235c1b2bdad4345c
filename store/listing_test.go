package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestListing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	var l listing
	look := func(want ...string) {
		t.Helper()
		if err := l.refresh(dir, isFile); err != nil {
			t.Fatal(err)
		}
		for _, name := range want {
			if !l.names[name] {
				t.Errorf("%s is not among %v", name, l.names)
			}
		}
		if len(l.names) != len(want) {
			t.Errorf("%v, not %v", l.names, want)
		}
	}
	put := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put("a")
	look("a")
	for range 100 { // within the resolution of the clock, too
		put("b")
		look("a", "b")
		if err := os.Remove(filepath.Join(dir, "b")); err != nil {
			t.Fatal(err)
		}
		look("a")
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	look("a")
	if !l.settled {
		t.Error("a directory of an hour ago is read again")
	}
	put("c")
	look("a", "c")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	look()
}
