package imagefs

import (
	"time"

	"github.com/imagefs/imagefs/store"
)

// ImageRow is one row of `docker images`.
type ImageRow struct {
	Repository string // as docker shortens it: "alpine"; "<none>"
	Tag        string // "<none>"
	Digest     string // "sha256:…" or "<none>"
	Image      *store.Image
	Created    time.Time
	Size       int64 // bytes
}

// Images returns the rows of `docker images`, newest image first, as docker orders them. An image that no tag names
// gives one row, with "<none>" twice, or with its repository and "<none>" where only a digest names it.
func Images(snap *store.Snapshot) []ImageRow { panic("unwritten") }
