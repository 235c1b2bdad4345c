package imagefs

import (
	"bytes"
	"time"
	"unicode/utf8"

	units "github.com/docker/go-units"
	digest "github.com/opencontainers/go-digest"
)

// ImagesTable formats rows as `docker images` does at that moment.
func ImagesTable(rows []ImageRow, now time.Time) []byte {
	const columns, least, gap = 5, 10, 3 // those of docker's tabwriter.Writer, which takes longer
	lines := make([][columns]string, 0, 1+len(rows))
	lines = append(lines, [columns]string{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"})
	for _, row := range rows {
		lines = append(lines, [columns]string{row.Repository, row.Tag, shortID(row.Image.ID), since(row.Created, now), row.size()})
	}
	var widths [columns]int
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], least, gap+utf8.RuneCountInString(cell))
		}
	}
	var out bytes.Buffer
	for _, line := range lines {
		for i, cell := range line[:columns-1] {
			out.WriteString(cell)
			for range widths[i] - utf8.RuneCountInString(cell) {
				out.WriteByte(' ')
			}
		}
		out.WriteString(line[columns-1])
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// ImagesJSON formats rows as `docker images --digests --no-trunc --format json` does at that moment, one object a line.
func ImagesJSON(rows []ImageRow, now time.Time) []byte {
	var out bytes.Buffer
	for _, row := range rows {
		writeLine(&out, row.Fields(now, false))
	}
	return out.Bytes()
}

// ImageFields are what a Go template of `docker images --format` can name.
type ImageFields struct {
	Containers   string // "N/A", as docker has it
	CreatedAt    string
	CreatedSince string
	Digest       string
	ID           string
	Repository   string
	SharedSize   string // "N/A"
	Size         string
	Tag          string
	UniqueSize   string // "N/A"
	VirtualSize  string
}

// Fields formats the row as docker does, seen at now and in its time zone; trunc shortens the ID to 12 digits.
func (r ImageRow) Fields(now time.Time, trunc bool) ImageFields {
	id := r.Image.ID.String()
	if trunc {
		id = shortID(r.Image.ID)
	}
	return ImageFields{
		Containers:   "N/A",
		CreatedAt:    r.Created.Truncate(time.Second).In(now.Location()).String(),
		CreatedSince: since(r.Created, now),
		Digest:       r.Digest,
		ID:           id,
		Repository:   r.Repository,
		SharedSize:   "N/A",
		Size:         r.size(),
		Tag:          r.Tag,
		UniqueSize:   "N/A",
		VirtualSize:  units.HumanSize(float64(r.Size)),
	}
}

func (r ImageRow) size() string { return units.HumanSizeWithPrecision(float64(r.Size), 3) }

// since tells how long ago t was, in docker's words.
func since(t, now time.Time) string {
	if t.IsZero() {
		return "N/A"
	}
	return units.HumanDuration(now.Sub(t.Truncate(time.Second))) + " ago"
}

func shortID(d digest.Digest) string { return d.Encoded()[:12] }
