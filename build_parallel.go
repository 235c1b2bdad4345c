package imagefs

import (
	"context"
	"runtime"
	"slices"
	"sync"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/builder/dockerfile"
)

// crew has the stages of a build carried out beside each other. A stage goes on until it comes to an instruction that
// takes files from another, and waits for that. The first that fails ends the context of the others.
type crew struct {
	group *errgroup.Group
	room  chan struct{} // holds a value for each stage that is at work, and does not wait for another

	mu   sync.Mutex // guards runs and keys
	runs map[int]*stageRun
	keys map[digest.Digest]*sync.Mutex
}

// stageRun is a stage that was begun. What has become of it is known when its transcript has ended.
type stageRun struct {
	transcript
	stage   *dockerfile.Stage
	planned bool        // else only a trigger of a base names it
	made    *buildStage // nil if it has not come to its end
	failed  error       // nil if that is for what others have failed
}

// newCrew also returns the context of the stages.
func newCrew(ctx context.Context) (*crew, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return &crew{
		group: group, room: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		runs: map[int]*stageRun{}, keys: map[digest.Digest]*sync.Mutex{},
	}, ctx
}

// runStages carries out the stages of the plan, and tells of them. It returns the target when all have ended.
func (b *build) runStages(ctx context.Context) (*buildStage, error) {
	b.crew, ctx = newCrew(ctx)
	var runs []*stageRun
	for _, stage := range b.plan.Stages {
		runs = append(runs, b.start(ctx, stage))
	}
	t := newTeller(b.report, b.plannedSteps())
	for i := range b.file.Args {
		arg := &b.file.Args[i]
		t.instruction(arg.String())
		for _, one := range arg.Args {
			b.consume(one.Key)
		}
	}
	for _, run := range runs {
		t.tellStage(run)
	}
	err := b.crew.group.Wait()
	if t.failed != nil {
		err = t.failed // of several, the one whose lines were told
	}
	return runs[len(runs)-1].made, err
}

// start begins a stage that was not begun.
func (b *build) start(ctx context.Context, stage *dockerfile.Stage) *stageRun {
	b.crew.mu.Lock()
	defer b.crew.mu.Unlock()
	run := b.crew.runs[stage.Index]
	if run == nil {
		run = &stageRun{transcript: newTranscript(), stage: stage, planned: slices.Contains(b.plan.Stages, stage)}
		if !run.planned {
			b.steps.Add(int64(stage.Steps()))
		}
		b.crew.runs[stage.Index] = run
		b.crew.group.Go(func() error { return b.carryOut(ctx, run) })
	}
	return run
}

func (b *build) carryOut(ctx context.Context, run *stageRun) (err error) {
	defer run.end()
	b.crew.room <- struct{}{}
	defer func() { <-b.crew.room }()
	run.made, err = b.stage(ctx, run)
	if ctx.Err() == nil {
		run.failed = err
	}
	return err
}

// wait calls f, which waits for another stage, and lets others work meanwhile.
func (c *crew) wait(f func()) {
	<-c.room
	f()
	c.room <- struct{}{}
}

// finished is a stage that another one, which tells to, goes on from or takes files from. It is begun now, if the plan
// lacks it.
func (b *build) finished(ctx context.Context, stage *dockerfile.Stage, to *transcript) (*buildStage, error) {
	run := b.start(ctx, stage)
	to.add(func(t *teller) { t.include(run) })
	b.crew.wait(func() { <-run.ended })
	if run.made == nil {
		<-ctx.Done() // since it has failed
		return nil, context.Cause(ctx)
	}
	return run.made, nil
}

// alone keeps other stages of the build from carrying out a step of the same key until end is called: then they find it
// in the cache.
func (c *crew) alone(key digest.Digest) (end func()) {
	c.mu.Lock()
	lock := c.keys[key]
	if lock == nil {
		lock = &sync.Mutex{}
		c.keys[key] = lock
	}
	c.mu.Unlock()
	c.wait(lock.Lock)
	return lock.Unlock
}
