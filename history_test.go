package imagefs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestHistory(t *testing.T) {
	const id = digest.Digest("sha256:81e7034c8b700d5a5bd9ab0d5e7d0ab0bd8c0a2e5cb9b2a3f3c6ad5c9a3f1b2e")
	created := time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	first := ocispec.History{CreatedBy: "ADD a", Created: &created}
	env := ocispec.History{CreatedBy: "ENV x", EmptyLayer: true, Comment: "why"}
	second := ocispec.History{CreatedBy: "RUN\tb"}
	for name, test := range map[string]struct {
		told  []ocispec.History
		sizes []int64
		want  []HistoryEntry
	}{
		"as it should be": {
			[]ocispec.History{first, env, second}, []int64{10, 20},
			[]HistoryEntry{
				{ID: string(id), CreatedBy: "RUN\tb", Size: 20, Layer: 1},
				{ID: "<missing>", CreatedBy: "ENV x", Comment: "why", Layer: -1},
				{ID: "<missing>", Created: created, CreatedBy: "ADD a", Size: 10, Layer: 0},
			},
		},
		"too little": {
			[]ocispec.History{first, env}, []int64{10, 20, 30},
			[]HistoryEntry{
				{ID: string(id), Size: 30, Layer: 2},
				{ID: "<missing>", Size: 20, Layer: 1},
				{ID: "<missing>", CreatedBy: "ENV x", Comment: "why", Layer: -1},
				{ID: "<missing>", Created: created, CreatedBy: "ADD a", Size: 10, Layer: 0},
			},
		},
		"too much": {
			[]ocispec.History{first, second}, []int64{10},
			[]HistoryEntry{
				{ID: string(id), CreatedBy: "RUN\tb", Layer: -1},
				{ID: "<missing>", Created: created, CreatedBy: "ADD a", Size: 10, Layer: 0},
			},
		},
		"none":           {nil, []int64{10}, []HistoryEntry{{ID: string(id), Size: 10, Layer: 0}}},
		"nothing at all": {nil, nil, []HistoryEntry{}},
	} {
		if diff := cmp.Diff(test.want, history(id, test.told, test.sizes)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHistoryTable(t *testing.T) {
	rows := []HistoryEntry{
		{ID: "sha256:81e7", Created: time.Date(2024, 5, 6, 9, 8, 9, 10, time.FixedZone("", 7200)), CreatedBy: "RUN\tb", Size: 4414370, Comment: "buildkit"},
		{ID: "<missing>", CreatedBy: "ADD a"},
	}
	const table = `IMAGE         CREATED                CREATED BY   SIZE      COMMENT
sha256:81e7   2024-05-06T07:08:09Z   RUN b        4.41MB    buildkit
<missing>     0001-01-01T00:00:00Z   ADD a        0B        
`
	if diff := cmp.Diff(table, string(HistoryTable(rows))); diff != "" {
		t.Error(diff)
	}
	const lines = `{"Comment":"buildkit","CreatedAt":"2024-05-06T07:08:09Z","CreatedBy":"RUN b","ID":"sha256:81e7","Size":"4.41MB"}
{"Comment":"","CreatedAt":"0001-01-01T00:00:00Z","CreatedBy":"ADD a","ID":"<missing>","Size":"0B"}
`
	if diff := cmp.Diff(lines, string(HistoryJSON(rows))); diff != "" {
		t.Error(diff)
	}
}
