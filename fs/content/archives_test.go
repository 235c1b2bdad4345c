package content

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// TestArchives reads both archives in several ways.
func TestArchives(t *testing.T) {
	needs(t, "tar", "skopeo")
	s := stock(t)
	dir, _ := mount(t, s.fs)
	app := filepath.Join(dir, s.app.ID.Encoded())
	for script, want := range map[string]string{
		`tar -xOf $1/image.tar manifest.json | grep -o '"RepoTags":[^]]*'`:                                                                                            `"RepoTags":["app:1"` + "\n",
		`tar -xOf $1/image.tar ${1: -64}.json | cmp - $1/config.json`:                                                                                                 "",
		`for l in $1/layers/*/layer.tar; do tar -xOf $1/image.tar $(sha256sum <$l | cut -c1-64)/layer.tar | cmp - $l; done`:                                           "",
		`mkdir x; tar -xf $1/oci.tar -C x; diff -r x/blobs $1/oci/blobs; skopeo inspect --format '{{.Digest}}' oci:x`:                                                 s.app.Manifest.Digest.String() + "\n",
		`skopeo inspect --config --raw docker-archive:$1/image.tar | cmp - $1/config.json`:                                                                            "",
		`for f in image oci; do cat $1/$f.tar | sha256sum; done | cmp - <(for f in image oci; do dd bs=7777 if=$1/$f.tar iflag=direct 2>/dev/null | sha256sum; done)`: "",
	} {
		diff(t, script, shell(t, script, app), want)
	}
	for _, name := range []string{"image.tar", "oci.tar"} {
		f, err := os.Open(filepath.Join(app, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		whole, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := f.Stat(); err != nil || info.Size() != int64(len(whole)) {
			t.Errorf("%s has %d bytes: %v, %v", name, len(whole), info.Size(), err)
		}
		id := resolve(t, s.fs, s.app.ID.Encoded()+"/"+name).NodeId
		for range 200 {
			off, size := rand.IntN(len(whole)+10), 1+rand.IntN(200<<10)
			in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Offset: uint64(off), Size: uint32(size)}
			buf := make([]byte, size)
			result, status := s.fs.Read(nil, &in, buf)
			if !status.Ok() {
				t.Fatal(status)
			}
			got, _ := result.Bytes(buf)
			if want := whole[min(off, len(whole)):min(off+size, len(whole))]; string(got) != string(want) {
				t.Fatalf("%s: %d bytes at %d differ", name, size, off)
			}
		}
	}
	if len(s.log.lines) > 0 {
		t.Errorf("log: %q", s.log.lines)
	}
}

// TestArchiveKeepsItsNames reads image.tar after a tag was added, before and after the kernel asks for its size.
func TestArchiveKeepsItsNames(t *testing.T) {
	s := stock(t)
	before := resolve(t, s.fs, s.app.ID.Encoded()+"/image.tar")
	sum := func() digest.Digest {
		data, status := read(t, s.fs, before.NodeId, 100_000)
		if !status.Ok() {
			t.Fatal(status)
		}
		return digest.FromBytes(data)
	}
	first := sum()
	tag := store.Publication{Name: "docker.io/library/" + strings.Repeat("n", 200) + ":1", Target: s.app.Manifest}
	tag.Manifests = append(tag.Manifests, s.app.Manifest)
	if _, err := s.store.Publish(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	if sum() != first {
		t.Error("the bytes have changed, and the size has not")
	}
	after, status := getattr(t, s.fs, before.NodeId)
	if !status.Ok() || !after.ModTime().After(before.ModTime()) || sum() == first {
		t.Errorf("the new tag is not shown: %v", status)
	}
}
