package imagefs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	units "github.com/docker/go-units"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// HistoryEntry is one row of `docker history`, newest first.
type HistoryEntry struct {
	ID        string    // the image's on the first row, "<missing>" on the others
	Created   time.Time // the zero time if it is not known
	CreatedBy string
	Size      int64 // bytes
	Comment   string
	// Layer is the position of the row's layer, -1 for a row that has none.
	Layer int
}

// History returns the rows of `docker history --no-trunc`, newest first. A config whose history does not tell of
// all layers still gives a row for each layer.
func History(s *store.Store, img *store.Image) ([]HistoryEntry, error) {
	c, err := readConfig(s, img)
	if err != nil {
		return nil, err
	}
	sizes := make([]int64, len(img.Chains))
	for i, chain := range img.Chains {
		l, err := s.Layer(chain.DiffID)
		if err != nil {
			return nil, err
		}
		sizes[i] = l.Size()
	}
	return history(img.ID, c.History, sizes), nil
}

func history(id digest.Digest, told []ocispec.History, sizes []int64) []HistoryEntry {
	rows := make([]HistoryEntry, 0, max(len(told), len(sizes)))
	next := 0
	for _, h := range told {
		row := HistoryEntry{CreatedBy: h.CreatedBy, Comment: h.Comment, Layer: -1}
		if h.Created != nil {
			row.Created = *h.Created
		}
		if !h.EmptyLayer && next < len(sizes) {
			row.Layer, row.Size = next, sizes[next]
			next++
		}
		rows = append(rows, row)
	}
	for ; next < len(sizes); next++ {
		rows = append(rows, HistoryEntry{Layer: next, Size: sizes[next]})
	}
	slices.Reverse(rows)
	for i := range rows {
		rows[i].ID = "<missing>"
	}
	if len(rows) > 0 {
		rows[0].ID = id.String()
	}
	return rows
}

// HistoryTable formats rows as `docker history --no-trunc` does, with absolute times.
func HistoryTable(rows []HistoryEntry) []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 10, 1, 3, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tCREATED\tCREATED BY\tSIZE\tCOMMENT")
	for _, row := range rows {
		f := row.Fields(time.UTC)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.ID, f.CreatedAt, f.CreatedBy, f.Size, f.Comment)
	}
	w.Flush() // to memory
	return out.Bytes()
}

// HistoryJSON formats rows as `docker history --no-trunc --format json` does, one object a line, without CreatedSince:
// what it tells would not stay true.
func HistoryJSON(rows []HistoryEntry) []byte {
	var out bytes.Buffer
	for _, row := range rows {
		writeLine(&out, row.Fields(time.UTC))
	}
	return out.Bytes()
}

// writeLine writes v as one line of JSON.
func writeLine(out *bytes.Buffer, v any) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // strings only, to memory
}

// HistoryFields are what a Go template of `docker history --format` can name.
type HistoryFields struct {
	Comment      string
	CreatedAt    string // RFC 3339
	CreatedBy    string
	CreatedSince string `json:",omitempty"`
	ID           string
	Size         string
}

// Fields formats the row as docker does with --no-trunc, its time in zone; CreatedSince is left empty.
func (h HistoryEntry) Fields(zone *time.Location) HistoryFields {
	return HistoryFields{
		Comment:   h.Comment,
		CreatedAt: h.Created.In(zone).Format(time.RFC3339),
		CreatedBy: strings.ReplaceAll(h.CreatedBy, "\t", " "),
		ID:        h.ID,
		Size:      units.HumanSizeWithPrecision(float64(h.Size), 3),
	}
}
