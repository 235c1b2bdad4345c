package fs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs"
)

func testPlace(t *testing.T) place {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	dir := t.TempDir()
	return place{
		Mountpoint: filepath.Join(dir, "images"), Content: filepath.Join(dir, "content"), State: filepath.Join(dir, "state"),
	}
}

func TestPlaceOf(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	dir := t.TempDir()
	if err := os.Symlink(dir, dir+"/link"); err != nil {
		t.Fatal(err)
	}
	one, err := placeOf(dir+"/images", "")
	if err != nil {
		t.Fatal(err)
	}
	same, err := placeOf(dir+"/link/images/", "")
	if err != nil {
		t.Fatal(err)
	}
	if one != same {
		t.Errorf("one directory has two places: %+v, %+v", one, same)
	}
	other, err := placeOf(dir+"/other/../images2", dir+"/content")
	if err != nil {
		t.Fatal(err)
	}
	if other.State == one.State || other.Content != dir+"/content" {
		t.Errorf("%+v, %+v", one, other)
	}
}

func TestLock(t *testing.T) {
	p := testPlace(t)
	release, err := p.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.lock(); imagefs.KindOf(err) != imagefs.InUse {
		t.Errorf("a second lock: %v", err)
	}
	release()
	if _, err := os.Stat(p.State); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state directory is left: %v", err)
	}
	release, err = p.lock()
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestNotMounted(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	dir := t.TempDir()
	for name, err := range map[string]error{
		"umount":         Unmount(t.Context(), dir, false),
		"umount --abort": Unmount(t.Context(), dir, true),
		"upgrade":        Upgrade(t.Context(), dir, ""),
	} {
		if imagefs.KindOf(err) != imagefs.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMountWhatCannotBe(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]imagefs.Kind{
		filepath.Join(dir, "none"): imagefs.NotFound,
		file:                       imagefs.Invalid,
	} {
		err := Mount(t.Context(), MountConfig{Mountpoint: path, Root: filepath.Join(dir, "store")}, func() { t.Error("ready") })
		if imagefs.KindOf(err) != kind {
			t.Errorf("mount %s: %v", path, err)
		}
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Mount(t.Context(), MountConfig{Mountpoint: dir, Root: other}, func() { t.Error("ready") }); err == nil {
		t.Error("a directory that is no store was mounted")
	}
}
