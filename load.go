package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

// StatusLoading is what [LayerProgress] says of a layer of an archive while it is read.
const StatusLoading = "Loading layer"

// Load reads an archive, or an OCI layout, in whichever of the formats it is: docker-archive, OCI archive, either of them
// compressed. Its lines are docker's "Loaded image: …". A failure leaves the store as it was.
func (e *Engine) Load(ctx context.Context, r io.Reader, report Reporter) ([]*store.Image, error) {
	return e.load(ctx, report, func(progress archive.Progress) (*archive.Contents, error) {
		return archive.Read(ctx, e.store, r, progress)
	})
}

// LoadFile is Load of an open file, which may be a directory: an OCI layout.
func (e *Engine) LoadFile(ctx context.Context, f *os.File, report Reporter) ([]*store.Image, error) {
	return e.load(ctx, report, func(progress archive.Progress) (*archive.Contents, error) {
		return archive.ReadFile(ctx, e.store, f, progress)
	})
}

func (e *Engine) load(ctx context.Context, report Reporter, read func(archive.Progress) (*archive.Contents, error)) ([]*store.Image, error) {
	if report == nil {
		report = new(audience)
	}
	contents, err := read(loading(report))
	if err != nil {
		return nil, explainLoad(err)
	}
	defer contents.Close()
	before, err := e.store.Refresh()
	if err != nil {
		return nil, err
	}
	loaded, err := contents.Publish(ctx)
	if err != nil {
		return nil, explainLoad(err)
	}
	var images []*store.Image
	for _, l := range loaded {
		tell(report, before, l)
		for _, img := range l.Images {
			e.events.image("load", img, "")
		}
		images = append(images, l.Images...)
	}
	return images, nil
}

// loading tells how the reading of an archive goes on.
func loading(report Reporter) archive.Progress {
	return func(entry string, done, total int64) {
		report.Layer(LayerProgress{ID: entryID(entry), Status: StatusLoading, Done: done, Total: total})
	}
}

// entryID is what a layer of an archive is called by while nobody knows its digest: 12 digits of its name.
func entryID(entry string) string {
	for part := range strings.SplitSeq(entry, "/") {
		if len(part) >= 64 {
			return part[:12]
		}
	}
	return entry
}

// tell gives docker's lines for what was loaded (moby image/tarexport/load.go).
func tell(report Reporter, before *store.Snapshot, l archive.Loaded) {
	for _, name := range l.Names {
		familiar := name
		if named, err := reference.ParseNormalizedNamed(name); err == nil {
			familiar = reference.FamiliarString(named)
		}
		if old := before.Reference(name); old != nil && len(old.Images) > 0 && old.Images[0].ID != l.Images[0].ID {
			report.Line(fmt.Sprintf("The image %s already exists, renaming the old one with ID %s to empty string",
				familiar, old.Images[0].ID))
		}
		report.Line("Loaded image: " + familiar)
	}
	if len(l.Names) == 0 {
		report.Line("Loaded image ID: " + l.Images[0].ID.String())
	}
}

// explainLoad gives an error its kind and what to do.
func explainLoad(err error) error {
	var (
		unknown *archive.UnknownError
		damaged *archive.DamagedError
		missing *archive.MissingError
		other   *store.UnsupportedError
		known   *Error
	)
	kind := KindOf(err)
	hint := ""
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &other):
		return artifact(other.MediaType)
	case errors.As(err, &unknown):
		kind, hint = Invalid, "an image is loaded from a docker-archive, an OCI archive or an OCI layout; import takes a root file system"
	case errors.As(err, &damaged):
		kind, hint = Corrupt, "make or fetch the archive again"
	case errors.As(err, &missing):
		kind, hint = NotFound, "load the image first that it was saved without"
	case kind == NoSpace:
		hint = "make room in the store's file system"
	}
	return &Error{Kind: kind, Err: err, Hint: hint}
}
