package imagefs

import (
	"time"

	"github.com/imagefs/imagefs/store"
)

// HistoryEntry is one row of `docker history`, newest first.
type HistoryEntry struct {
	ID        string    `json:"ID"` // the image's on the first row, "<missing>" on the others
	Created   time.Time `json:"-"`
	CreatedBy string    `json:"CreatedBy"`
	Size      int64     `json:"-"` // bytes
	Comment   string    `json:"Comment"`
	// Layer is the position of the row's layer, -1 for a row that has none.
	Layer int `json:"-"`
}

// History returns the rows of `docker history --no-trunc`, newest first. A config whose history does not tell of
// all layers still gives a row for each layer.
func History(s *store.Store, img *store.Image) ([]HistoryEntry, error) { panic("unwritten") }

// HistoryTable formats rows as `docker history --no-trunc` does, with absolute times.
func HistoryTable(rows []HistoryEntry) []byte { panic("unwritten") }

// HistoryJSON formats rows as `docker history --no-trunc --format json` does, one object a line.
func HistoryJSON(rows []HistoryEntry) []byte { panic("unwritten") }
