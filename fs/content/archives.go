package content

import (
	"strings"
	"sync/atomic"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

// archiveFile is the image as an archive, which has its current names.
type archiveFile struct {
	im    *image
	ident uint32
	where string
	told  *atomic.Pointer[string]
}

// archiveKey says what an archive is made of.
type archiveKey struct {
	image *image
	ident uint32
	names string // a line each
}

func (im *image) imageTar() node { return archiveFile{im, imageTarFile, "image.tar", &im.dockerNames} }
func (im *image) ociTar() node   { return archiveFile{im, ociTarFile, "oci.tar", &im.ociNames} }

func (f archiveFile) id() uint64   { return nodeID(f.im.Number, f.ident) }
func (f archiveFile) path() string { return f.im.where(f.where) }

func (f archiveFile) attr(a *fuse.Attr) error {
	snap := f.im.fs.store.Snapshot()
	names := namesOf(snap, f.im.Image)
	made, err := f.im.fs.archives.get(archiveKey{f.im, f.ident, names})
	if err != nil {
		return err
	}
	defer f.im.fs.archives.put(made)
	f.told.Store(&names)
	f.im.fs.fill(a, unix.S_IFREG|0o444, 1, made.value.Size(), later(f.im.Created, renamed(snap, f.im.Image)))
	return nil
}

// readAt reads the archive whose size attr told last, as text's does.
func (f archiveFile) readAt(p []byte, off int64) (int, error) {
	key := archiveKey{image: f.im, ident: f.ident}
	if told := f.told.Load(); told != nil {
		key.names = *told
	} else {
		key.names = namesOf(f.im.fs.store.Snapshot(), f.im.Image)
	}
	made, err := f.im.fs.archives.get(key)
	if err != nil {
		return 0, err
	}
	defer f.im.fs.archives.put(made)
	return made.value.ReadAt(p, off)
}

// makeArchive opens an archive for [kept].
func (f *FS) makeArchive(k archiveKey) (*archive.Archive, error) {
	saved := []archive.Saved{{Image: k.image.Image, Names: strings.Fields(k.names)}}
	if k.ident == ociTarFile {
		return archive.NewOCI(f.store, saved)
	}
	return archive.NewDocker(f.store, saved)
}

// namesOf are the names that lead to an image.
func namesOf(snap *store.Snapshot, im *store.Image) string {
	var names []string
	for i := range snap.References {
		for _, named := range snap.References[i].Images {
			if named.Number == im.Number {
				names = append(names, snap.References[i].Name)
			}
		}
	}
	return strings.Join(names, "\n")
}
