package imagefs

import (
	"cmp"
	"slices"
	"time"

	"github.com/imagefs/imagefs/store"
)

// ImageRow is one row of `docker images`.
type ImageRow struct {
	Repository string // as docker shortens it: "alpine"; "<none>"
	// Tag is "<none>" if there is none. That of an image which the tag means on another platform than the first that
	// was pulled is spelled as in the names tree: "3.19@linux-arm64".
	Tag     string
	Digest  string // "sha256:…" or "<none>"
	Image   *store.Image
	Created time.Time
	Size    int64 // bytes
}

const none = "<none>"

// Images returns the rows of `docker images`, newest image first, as docker orders them. An image that no tag names
// gives one row, with "<none>" twice, or with its repository and "<none>" where only a digest names it.
func Images(snap *store.Snapshot) []ImageRow {
	newestFirst := slices.Clone(snap.Images)
	slices.SortFunc(newestFirst, func(a, b *store.Image) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Number, a.Number))
	})
	names := namesByImage(snap)
	var rows []ImageRow
	for _, img := range newestFirst {
		rows = append(rows, imageRows(img, names[img])...)
	}
	return rows
}

func imageRows(img *store.Image, names *imageNames) []ImageRow {
	row := func(repository, tag, digest string) ImageRow {
		return ImageRow{repository, tag, digest, img, img.Created, img.Size}
	}
	if names == nil {
		return []ImageRow{row(none, none, none)}
	}
	rows := make([]ImageRow, 0, len(names.tags))
	for _, tag := range names.tags {
		word := tag.tag
		if tag.other != "" {
			word += "@" + tag.other
		}
		rows = append(rows, row(tag.familiar(), word, names.digestOf(tag)))
	}
	for _, name := range names.digests {
		repository := name.familiar()
		if !slices.ContainsFunc(rows, func(r ImageRow) bool { return r.Repository == repository }) {
			rows = append(rows, row(repository, none, name.digest.String()))
		}
	}
	slices.SortFunc(rows, func(a, b ImageRow) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Tag, b.Tag))
	})
	return rows
}

// digestOf is the digest that the tag was pulled by, or else the first that its repository has for the image.
func (n *imageNames) digestOf(tag imageTag) string {
	found := none
	for _, name := range n.digests {
		switch {
		case name.repository != tag.repository:
		case name.digest == tag.target:
			return name.digest.String()
		case found == none:
			found = name.digest.String()
		}
	}
	return found
}
