package content

import (
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"
)

func getxattr(f *FS, id uint64, name string, size int) (string, fuse.Status) {
	dest := make([]byte, size)
	n, status := f.GetXAttr(nil, &fuse.InHeader{NodeId: id}, name, dest)
	return string(dest[:min(int(n), size)]), status
}

func TestXattrs(t *testing.T) {
	s := stock(t)
	rootfs := s.app.ID.Encoded() + "/rootfs/"
	base, top := "00 "+s.app.Chains[0].DiffID.String(), "01 "+s.app.Chains[1].DiffID.String()
	for _, row := range []struct {
		where, list string
		values      map[string]string // "" for an attribute that is not there
	}{
		{"etc", "user.note\x00", map[string]string{
			"user.note": "configuration", "trusted.overlay.opaque": "", "user.imagefs.layer": base,
			"user.imagefs.created_by": "ADD layer0", "user.imagefs.sha256": "", "user.imagefs.other": "",
		}},
		{"bin/tool", "security.capability\x00", map[string]string{
			"security.capability": capability, "user.overlay.origin": "", "user.imagefs.layer": base,
			"system.posix_acl_access": "", "user.imagefs.sha256": digest.FromString("#!/bin/sh\n").Encoded(),
		}},
		{"bin/third", "", map[string]string{
			"user.imagefs.layer": base, "user.imagefs.sha256": digest.FromString("kept").Encoded(),
		}},
		{"two", "", map[string]string{"user.imagefs.layer": top, "user.imagefs.created_by": "ADD layer1"}},
		{"implied", "", map[string]string{"user.imagefs.layer": "", "user.imagefs.created_by": ""}},
		{"bin/link", "", map[string]string{"user.imagefs.sha256": "", "user.imagefs.layer": base}},
		{"../digest", "", map[string]string{"user.imagefs.layer": ""}},
	} {
		where := rootfs + row.where
		if name, ok := strings.CutPrefix(row.where, "../"); ok {
			where = s.app.ID.Encoded() + "/" + name
		}
		id := resolve(t, s.fs, where).NodeId
		list := make([]byte, 1000)
		n, status := s.fs.ListXAttr(nil, &fuse.InHeader{NodeId: id}, list)
		if status != fuse.OK {
			t.Fatalf("list %q: %v", where, status)
		}
		diff(t, row.where+": list", string(list[:n]), row.list)
		for name, want := range row.values {
			got, status := getxattr(s.fs, id, name, 1000)
			if want == "" && status != fuse.ENODATA || want != "" && (status != fuse.OK || got != want) {
				t.Errorf("%s: %s is %q, %v", row.where, name, got, status)
			}
		}
	}
}

func TestXattrSizes(t *testing.T) {
	s := stock(t)
	header := &fuse.InHeader{NodeId: resolve(t, s.fs, s.app.ID.Encoded()+"/rootfs/etc").NodeId}
	tooShort := fuse.Status(syscall.ERANGE)
	for _, size := range []int{0, 1, 9, 10, 12, 13, 100} {
		want := fuse.OK
		if size < len("configuration") {
			want = tooShort
		}
		n, status := s.fs.GetXAttr(nil, header, "user.note", make([]byte, size))
		if n != 13 || status != want {
			t.Errorf("get with %d bytes: %d, %v", size, n, status)
		}
		want = fuse.OK
		if size < len("user.note\x00") {
			want = tooShort
		}
		n, status = s.fs.ListXAttr(nil, header, make([]byte, size))
		if n != 10 || status != want {
			t.Errorf("list with %d bytes: %d, %v", size, n, status)
		}
	}
}
