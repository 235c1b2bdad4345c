package content

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store/storetest"
)

// TestDamageIsEIO flips a byte in, or removes, each kind of file of the store, and reads what depends on it.
func TestDamageIsEIO(t *testing.T) {
	s := stock(t)
	image := s.app.ID.Encoded()
	layerDir := filepath.Join("layers", s.app.Chains[0].DiffID.Encoded())
	blob := filepath.Join("blobs/sha256", s.app.Layers[0].Digest.Encoded())
	for _, row := range []struct {
		damaged string // below the root of the store
		name    string
		where   string // what is read, below the image
	}{
		{filepath.Join(layerDir, "pack"), "pack", "rootfs/etc/hostname"},
		{filepath.Join(layerDir, "index"), "index", "rootfs/etc/hostname"},
		{filepath.Join(layerDir, "tar-split"), "tar-split", "layers/00-" + s.app.Chains[0].DiffID.Encoded()[:12] + "/layer.tar"},
		{filepath.Join("trees", s.app.Chains[1].ChainID.Encoded()), "tree", "rootfs/etc/hostname"},
		{blob, "blob", "oci/" + blob},
		{filepath.Join("blobs/sha256", s.app.ID.Encoded()), "config", "config.json"},
	} {
		for how, damage := range map[string]func(t *testing.T, path string){
			"flipped": flip, "truncated": truncate, "removed": remove,
		} {
			t.Run(row.name+" "+how, func(t *testing.T) {
				root := copyOf(t, s.store.Dir())
				log := &record{}
				f := New(storetest.Open(t, root), nil, log.printf)
				damage(t, filepath.Join(root, row.damaged))
				status := readPath(f, image+"/"+row.where)
				if row.name == "tree" && how == "removed" && status == fuse.OK {
					return // it is built again
				}
				if status != fuse.EIO {
					t.Errorf("reading: %v", status)
				}
				if len(log.lines) != 1 || !strings.Contains(log.lines[0], "/") {
					t.Errorf("log: %q", log.lines)
				}
				readPath(f, image+"/"+row.where)
				if len(log.lines) != 1 {
					t.Errorf("log, the second time: %q", log.lines)
				}
			})
		}
	}
}

// TestLostBlobIsListed checks that what cannot be read is not hidden, and does not hide its neighbours.
func TestLostBlobIsListed(t *testing.T) {
	s := stock(t)
	remove(t, filepath.Join(s.store.Dir(), "blobs/sha256", s.app.Manifest.Digest.Encoded()))
	dir := s.app.ID.Encoded()
	found := map[string]uint64{}
	for _, e := range readdirplus(t, s.fs, resolve(t, s.fs, dir).NodeId, 4096) {
		found[e.Name] = e.out.NodeId
	}
	if id, ok := found["manifest.json"]; !ok || id != 0 {
		t.Errorf("manifest.json is listed: %v, as node %#x", ok, id)
	}
	if found["config.json"] == 0 || found["size"] == 0 {
		t.Errorf("listed: %v", found)
	}
}

// readPath looks a path up and reads it to its end.
func readPath(f *FS, where string) fuse.Status {
	out := fuse.EntryOut{NodeId: rootID}
	for _, name := range strings.Split(where, "/") {
		dir := out.NodeId
		out = fuse.EntryOut{}
		if status := f.Lookup(nil, &fuse.InHeader{NodeId: dir}, name, &out); status != fuse.OK {
			return status
		}
		if out.NodeId == 0 {
			return fuse.ENOENT
		}
	}
	buf := make([]byte, 1<<16)
	for off := uint64(0); ; off += uint64(len(buf)) {
		in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: out.NodeId}, Offset: off, Size: uint32(len(buf))}
		result, status := f.Read(nil, &in, buf)
		if status != fuse.OK || result.Size() < len(buf) {
			return status
		}
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.CopyFS(root, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return root
}

// flip changes every 512th byte.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(data); i += 512 {
		data[i] ^= 4
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
