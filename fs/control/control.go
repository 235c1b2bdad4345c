package control

import (
	"context"
	"encoding/json"
	"path"
	"time"

	"github.com/imagefs/imagefs"
)

// Config says where a tree keeps what outlives it.
type Config struct {
	State   string // a directory
	Exports string // a directory, which need not exist, for what exports/ holds
	// Own are the directories that this server answers for: it does not open paths below them.
	Own        []string
	Connection string // what the journal is of; that of another one is forgotten
	Log        func(format string, args ...any)
}

// New makes a tree, or takes over from the predecessor that left a journal of the same connection: jobs that it ran in
// the background are started again. Jobs end with ctx, and their failure is not written down then.
func New(ctx context.Context, e Engine, c Config) (*Tree, error) {
	jobs := newJobs(ctx, c.Log)
	jobs.own = c.Own
	events, exports, imports := NewFeed(droppedEvents), newExports(e, c.Exports), newImports(e, jobs)
	verbs := []Verb{
		Pull(e), Push(e), Tag(e), Remove(e), Prune(e), save(exports), Load(e), Build(e), Import(e), Search(e),
		Create(e), Commit(e), RemoveContainer(e), cancelVerb(jobs),
	}
	t := &Tree{
		started: time.Now(), jobs: jobs, events: events, exports: exports, imports: imports, containers: e,
		files: map[string]entry{
			"ctl/errors": {Text(0o400, jobs.errorLog), true},
			"ctl/events": {events, false},
		},
		folders: map[string]folder{exportsDir: exports, importsDir: imports, searchDir: searches{e}, containersDir: containers{e}},
	}
	for _, v := range verbs {
		jobs.verbs[v.Name] = v
		t.files[path.Join(ctlDir, v.Name)] = entry{&verbFile{v, jobs}, true}
	}
	if err := jobs.load(c.State, c.Connection); err != nil {
		return nil, err
	}
	jobs.background.Go(e.Subscribe(ctx, func(ev imagefs.Event) {
		events.Publish(func() []byte { return jsonLine(ev) })
	}))
	jobs.resume()
	return t, nil
}

// Add puts a file beside ctl. It must not be called once the tree is in use.
func (t *Tree) Add(name string, f File, listed bool) { t.files[name] = entry{f, listed} }

// Wait waits for the jobs and the events in the background, once the context of New has ended.
func (t *Tree) Wait() { t.jobs.background.Wait() }

func jsonLine(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return nil // events are strings and numbers
	}
	return append(text, '\n')
}

// droppedEvents stands in the stream where a reader was too slow.
func droppedEvents(n int, now time.Time) []byte {
	return jsonLine(map[string]any{
		"Type": "imagefs", "Action": "dropped", "events": n, "time": now.Unix(), "timeNano": now.UnixNano(),
	})
}
