package control

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

// prunerEngine keeps what it is asked to prune.
type prunerEngine struct {
	Engine
	asked []any
}

func (e *prunerEngine) Prune(_ context.Context, req imagefs.PruneRequest, _ imagefs.Reporter) (int64, error) {
	e.asked = append(e.asked, req)
	return 0, nil
}

func (e *prunerEngine) PruneBuilds(_ context.Context, req imagefs.PruneBuildsRequest) (int64, error) {
	e.asked = append(e.asked, req)
	return 2000, nil
}

func TestPruneLine(t *testing.T) {
	e := &prunerEngine{}
	tree := newTree(t, &fakeEngine{Engine: e}, t.TempDir())
	for i, test := range []struct {
		line, said string
		want       any
	}{
		{"", "0B", imagefs.PruneRequest{}},
		{"--keep-storage lots", "", nil},
		{"-a -f --keep-storage 2k", "0B", imagefs.PruneRequest{All: true, KeepStorage: 2048}},
		{"builder", "2kB", imagefs.PruneBuildsRequest{}},
		{"builder --all --filter until=1h --keep-storage=1g", "2kB", imagefs.PruneBuildsRequest{
			All: true, Filters: []string{"until=1h"}, KeepStorage: 1 << 30,
		}},
		{"builder --dry-run", "", nil},
	} {
		e.asked = nil
		unique := uint64(i + 1)
		s := open(t, tree, "ctl/prune", unique)
		_, err := s.Write(t.Context(), Call{Unique: unique, Writable: true}, []byte(test.line+"\n"))
		if test.want == nil {
			if err == nil || e.asked != nil {
				t.Errorf("%q: %v, %v", test.line, e.asked, err)
			}
			continue
		}
		if diff := cmp.Diff([]any{test.want}, e.asked); diff != "" || err != nil {
			t.Errorf("%q: %v, %s", test.line, err, diff)
		}
		if said := readAll(t, s); !strings.HasSuffix(said, "\nTotal reclaimed space: "+test.said+"\n") {
			t.Errorf("%q: %q", test.line, said)
		}
	}
}
