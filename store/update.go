package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Update changes references. It calls decide with the state that is on disk, which a lock keeps as it is until the
// changes decide returns are written, all at once and in their order. It returns the state after that; an error of decide
// changes nothing. A target that is not stored is ErrNotFound. What only takes away works on a disk that is full, too.
// decide must not call what takes the lock itself: what publishes, commits layers, claims, pins or collects.
func (s *Store) Update(ctx context.Context, decide func(*Snapshot) ([]Change, error)) (*Snapshot, error) {
	lock, err := acquire(ctx, s.path("lock"), nil)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	snap, v, err := s.reload()
	if err != nil {
		return nil, err
	}
	changes, err := decide(snap)
	if err != nil {
		return nil, err
	}
	planned, err := s.plan(v, snap, changes, nil)
	if err != nil {
		return nil, err
	}
	if !onlyTakes(changes) {
		return s.apply(v, planned)
	}
	err = s.withReserve(func() (err error) {
		snap, err = s.apply(v, planned)
		return err
	})
	return snap, err
}

// onlyTakes tells whether changes leave less behind than there was.
func onlyTakes(changes []Change) bool {
	return !slices.ContainsFunc(changes, func(c Change) bool { return c.Target != nil })
}

// plan is what will be written.
type plan struct {
	numbers numbers
	records []record
	index   *index
	changed bool // whether others must be told
}

// plan is made of what is on disk, the view, which the caller's lock keeps as it is. before is the state in which the
// drafts were prepared.
func (s *Store) plan(v *view, before *Snapshot, changes []Change, drafts []*draft) (*plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	records, err := newRecords(&v.numbers, drafts, now)
	if err != nil {
		return nil, err
	}
	planned := &plan{index: v.index, numbers: v.numbers, records: records}
	for _, d := range drafts {
		// If only its derived files were made anew, no byte of index.json tells that the image is back; a new inode does.
		planned.changed = planned.changed || before.Image(d.ID) == nil
	}
	for _, c := range changes {
		next, changed, err := v.change(planned.index, c, now)
		if err != nil {
			return nil, err
		}
		planned.index, planned.changed = next, planned.changed || changed
	}
	return planned, nil
}

// apply writes a plan, numbers first, references last, and returns the state after that.
func (s *Store) apply(v *view, p *plan) (*Snapshot, error) {
	if len(p.records) > 0 {
		if err := p.numbers.append(s.path("numbers"), p.records); err != nil {
			return nil, fmt.Errorf("write numbers: %w", err)
		}
	}
	var next *Snapshot
	if p.changed {
		var looking sync.WaitGroup
		if len(p.records) == 0 { // then what is led to is what v has seen
			looking.Go(func() { next = s.lookAhead(v, p.index) }) // while the disk is at work
		}
		err := s.writeFileBy(s.path(ocispec.ImageIndexFile), p.index.writeTo)
		looking.Wait()
		if err != nil {
			return nil, fmt.Errorf("write references: %w", err)
		}
	}
	if next != nil {
		return s.applied(v, p.index, next)
	}
	snap, _, err := s.reload()
	return snap, err
}

func (s *Store) lookAhead(v *view, x *index) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return v.snapshot(x)
}

// applied is the state after no more was written than index.json.
func (s *Store) applied(v *view, x *index, snap *Snapshot) (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, same := s.path(ocispec.ImageIndexFile), false
	state, err := whileStable(path, func() (err error) {
		same, err = holds(path, x.writeTo)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !same || state == s.catalog.state { // another program was faster, or a Refresh
		snap, _, err := s.load()
		return snap, err
	}
	return s.take(v, x, snap, state), nil
}
