package content

import (
	"slices"
	"syscall"

	"github.com/imagefs/imagefs/store"
)

// Notifier tells the kernel what to forget; *conn.Server is one.
type Notifier interface {
	EntryNotify(node uint64, name string) error
	InodeNotify(node uint64, off, n int64) error
	// Prune has it forget the names of a node that nothing uses; EINVAL if it cannot.
	Prune(node uint64) error
	// Knows asks it for a node.
	Knows(node uint64) (bool, error)
	// Settle waits for the answers that are being given.
	Settle()
}

// Changed tells the kernel what is different in new: the root's listing, images that are gone, and the files that tell
// of tags and of other images. old is nil where it is not known what the kernel was told, as after a takeover.
//
// There is nothing to say of a new image's name: that it did not exist is not kept by the kernel.
func (f *FS) Changed(n Notifier, old, new *store.Snapshot) {
	anew := old == nil
	if anew {
		old = &store.Snapshot{}
	}
	if len(f.renewed().gone) > 0 {
		f.stir()
	}
	n.Settle()
	f.notify(n.InodeNotify(rootID, 0, 0))
	sameImages := f.forgetImages(n, old, new)
	before, after := referencesByImage(old), referencesByImage(new)
	for _, im := range new.Images {
		if (anew || !sameImages) && im.Index != nil {
			f.notify(n.InodeNotify(nodeID(im.Number, platformsFile), 0, 0))
		}
		if anew || !slices.EqualFunc(before[im.Number], after[im.Number], sameReference) {
			for _, local := range []uint32{inspectFile, imageTarFile, ociTarFile} {
				f.notify(n.InodeNotify(nodeID(im.Number, local), 0, 0))
			}
		}
	}
}

// forgetImages tells the kernel of the images that are gone, and returns whether old and new have the same ones.
func (f *FS) forgetImages(n Notifier, old, new *store.Snapshot) (same bool) {
	present := make(map[uint32]bool, len(new.Images))
	for _, im := range new.Images {
		present[im.Number] = true
	}
	same = len(old.Images) == len(new.Images)
	for _, im := range old.Images {
		if !present[im.Number] {
			same = false
			f.notify(n.EntryNotify(rootID, im.ID.Encoded()))
		}
	}
	return same
}

func (f *FS) notify(err error) {
	if err != nil && err != syscall.ENODEV { // which says that nothing is mounted any more
		f.log.printf("the kernel may show old listings: %v", err)
	}
}

func referencesByImage(snap *store.Snapshot) map[uint32][]*store.Reference {
	m := make(map[uint32][]*store.Reference)
	for i := range snap.References {
		r := &snap.References[i]
		for _, im := range r.Images {
			m[im.Number] = append(m[im.Number], r)
		}
	}
	return m
}

func sameReference(a, b *store.Reference) bool {
	return a.Name == b.Name && a.Target.Digest == b.Target.Digest && a.Updated.Equal(b.Updated)
}
