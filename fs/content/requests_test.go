package content

import (
	"sync"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
)

func TestAccessIsThatOfRoot(t *testing.T) {
	s := stock(t)
	rootfs := s.app.ID.Encoded() + "/rootfs/"
	for _, row := range []struct {
		where string
		mask  uint32
		want  fuse.Status
	}{
		{"etc/shadow", unix.R_OK, fuse.OK},
		{"etc/shadow", unix.X_OK, fuse.EACCES},
		{"etc/hostname", unix.R_OK | unix.X_OK, fuse.EACCES},
		{"bin/tool", unix.X_OK, fuse.OK},
		{"etc", unix.X_OK, fuse.OK},
	} {
		in := fuse.AccessIn{InHeader: fuse.InHeader{NodeId: resolve(t, s.fs, rootfs+row.where).NodeId}, Mask: row.mask}
		if got := s.fs.Access(nil, &in); got != row.want {
			t.Errorf("%s, %d: %v", row.where, row.mask, got)
		}
	}
}

func TestStatFs(t *testing.T) {
	s := stock(t)
	var out fuse.StatfsOut
	if status := s.fs.StatFs(nil, &fuse.InHeader{NodeId: rootID}, &out); status != fuse.OK {
		t.Fatal(status)
	}
	if used := (out.Blocks - out.Bfree) * uint64(out.Frsize); used < 2<<20 || used > 3<<20 {
		t.Errorf("%d bytes in use", used)
	}
	// 19 entries of the base, 8 of the layer on it, one of the last, and the root.
	if used := out.Files - out.Ffree; used != 29 {
		t.Errorf("%d files in use", used)
	}
}

// TestImagesAppearUnderReaders walks the tree on several goroutines while tags are added.
func TestImagesAppearUnderReaders(t *testing.T) {
	s := stock(t)
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				nodes := 0
				walk(t, s.fs, rootID, "", func(_ string, _ uint64, e listed) {
					if e.out.NodeId != 0 {
						nodes++
					}
				})
				if nodes < 150 {
					t.Errorf("only %d nodes", nodes)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for _, tag := range []string{"2", "3", "4", "5"} {
		p := store.Publication{Name: "docker.io/library/app:" + tag, Target: s.app.Manifest}
		p.Manifests = append(p.Manifests, s.app.Manifest)
		if _, err := s.store.Publish(t.Context(), p); err != nil {
			t.Error(err)
		}
		s.fs.Changed(&notes{}, nil, s.store.Snapshot())
	}
	close(done)
	readers.Wait()
}
