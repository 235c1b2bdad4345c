package content

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

func TestAliasesResolve(t *testing.T) {
	s := stock(t)
	id := s.other.ID.Encoded()
	for _, name := range []string{
		id[:63], id[:12], "sha256:" + id, "sha256:" + id[:20],
		s.other.Manifest.Digest.String(), s.other.Manifest.Digest.Encoded()[:12],
		s.other.Index.Digest.String(), s.other.Index.Digest.Encoded()[:12],
	} {
		out, status := lookup(t, s.fs, rootID, name)
		if status != fuse.OK {
			t.Errorf("%q: %v", name, status)
			continue
		}
		target, status := s.fs.Readlink(nil, &fuse.InHeader{NodeId: out.NodeId})
		if status != fuse.OK || string(target) != id || out.Size != uint64(len(target)) {
			t.Errorf("%q leads to %q, %v", name, target, status)
		}
		if out.EntryTimeout() != aliasTTL {
			t.Errorf("%q is kept for %v", name, out.EntryTimeout())
		}
		if attr, _ := getattr(t, s.fs, out.NodeId); attr.Attr != out.Attr {
			t.Errorf("%q: %v and %v", name, attr.Attr, out.Attr)
		}
	}
	for _, name := range []string{"", "sha256:", strings.ToUpper(id), id + "0", "sha512:" + id, "xyz", ".."} {
		if out, status := lookup(t, s.fs, rootID, name); status != fuse.ENOENT {
			t.Errorf("%q is node %#x, %v", name, out.NodeId, status)
		}
	}
}

func TestAliasIsUnique(t *testing.T) {
	hex := func(prefix string) digest.Digest {
		return digest.NewDigestFromEncoded(digest.SHA256, fmt.Sprintf("%-64s", prefix))
	}
	image := func(number uint32, id, manifest, index string) *store.Image {
		return &store.Image{
			Number: number, ID: hex(id), Manifest: ocispec.Descriptor{Digest: hex(manifest)},
			Index: &ocispec.Descriptor{Digest: hex(index)},
		}
	}
	first, second := image(2, "aa1", "bb1", "cc1"), image(9, "aa2", "aa3", "cc1")
	third := image(20, "dd1", "ee1", "cc2")
	snap := &store.Snapshot{
		Images:     []*store.Image{first, second, third},
		References: []store.Reference{{Target: ocispec.Descriptor{Digest: hex("cc1")}, Images: []*store.Image{second, first}}},
	}
	for name, want := range map[string]*store.Image{
		"aa": nil, "aa1": first, "aa2": second, "aa3": second, "bb": first, "d": third, "e": third,
		"cc": nil, "cc1": second, "cc2": third, "ff": nil,
	} {
		if got := alias(snap, name); got != want {
			t.Errorf("%s means %v", name, got)
		}
	}
}
