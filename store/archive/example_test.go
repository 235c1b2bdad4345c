package archive_test

import (
	"context"
	"io"
	"log"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

// Copy an image from one store to another.
func ExampleRead() {
	ctx := context.Background()
	from, err := store.Open("/var/lib/imagefs")
	if err != nil {
		log.Fatal(err)
	}
	defer from.Close()
	img := from.Snapshot().Images[0]
	a, err := archive.NewOCI(from, []archive.Saved{{Image: img, Names: []string{"docker.io/library/web:v1"}}})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	to, err := store.Open("/srv/imagefs")
	if err != nil {
		log.Fatal(err)
	}
	defer to.Close()
	contents, err := archive.Read(ctx, to, io.NewSectionReader(a, 0, a.Size()), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer contents.Close()
	if _, err := contents.Publish(ctx); err != nil {
		log.Fatal(err)
	}
}
