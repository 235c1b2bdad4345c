package imagefs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
)

// ImagesTable formats rows as `docker images` does at the time now.
func ImagesTable(rows []ImageRow, now time.Time) []byte {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 10, 1, 3, ' ', 0) // docker's cli/command/formatter
	fmt.Fprintln(table, "REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Repository, r.Tag, r.Image.ID.Encoded()[:12], since(r.Created, now),
			humanSize(r.Size))
	}
	table.Flush() // into memory: no error
	return out.Bytes()
}

// ImagesJSON formats rows as `docker images --no-trunc --digests --format json` does at the time now, one object a line.
func ImagesJSON(rows []ImageRow, now time.Time) []byte {
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	lines.SetEscapeHTML(false)
	for _, r := range rows {
		size := humanSize(r.Size)
		lines.Encode(imageLine{ // strings only, into memory: no error
			Containers: unknown, CreatedAt: r.Created.Local().String(), CreatedSince: since(r.Created, now),
			Digest: r.Digest, ID: r.Image.ID.String(), Repository: r.Repository, SharedSize: unknown,
			Size: size, Tag: r.Tag, UniqueSize: unknown, VirtualSize: size,
		})
	}
	return out.Bytes()
}

// unknown is what docker prints for what it did not count.
const unknown = "N/A"

// imageLine has docker's keys in docker's order.
type imageLine struct {
	Containers, CreatedAt, CreatedSince, Digest, ID, Repository, SharedSize, Size, Tag, UniqueSize, VirtualSize string
}

// humanSize has docker's three digits and powers of 1000.
func humanSize(bytes int64) string { return units.HumanSizeWithPrecision(float64(bytes), 3) }

// since is docker's CREATED.
func since(t, now time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return units.HumanDuration(now.Sub(t)) + " ago"
}
