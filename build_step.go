package imagefs

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// BuildStep is an instruction of a stage that is carried out, or what comes before all stages and after them.
type BuildStep struct {
	Stage  int    // the stage's number in the Dockerfile, from 0; or one of those below
	Name   string // the stage's, or stage-N; "" for the only one, if it has none, and for those that are none
	Number int    // of the instruction, triggers among them, from 1
	Total  int    // of the stage's instructions, as far as that is known
	Text   string // the instruction
}

// What stands in a stage's stead: FirstStage for the steps that find the images of --cache-from, LastStage for the one that
// stores the image, BuildKitStage for those of a BuildKit daemon, whose texts say which stage's they are.
const (
	FirstStage    = -2
	LastStage     = -1
	BuildKitStage = -3
)

// StepState tells what has become of a step.
type StepState string

// The states of a step.
const (
	StepRunning  StepState = "running"
	StepCached   StepState = "cached" // it was made before
	StepDone     StepState = "done"
	StepFailed   StepState = "failed"
	StepCanceled StepState = "canceled" // since another has failed, or somebody has asked for it
)

// StepReport tells of a step: first that it has begun, then what it puts out, and last how it has ended.
type StepReport struct {
	BuildStep
	State StepState
	Time  time.Time
	Steps int           // how many the build has, as far as that is known
	Line  string        // of output; of a report that is not the step's first, and whose Layer has no ID
	Layer LayerProgress // of an image that the step pulls, or no ID
	Err   error         // why it has failed
}

// StepReporter is a [Reporter] that a build tells of its steps, too, as they come: of several at once.
type StepReporter interface {
	Reporter
	Step(StepReport)
}

// stageReport is what a stage at work reports to, one step after the other.
type stageReport struct {
	*transcript
	to     StepReporter // nil if nobody asks for steps
	steps  *atomic.Int64
	at     BuildStep
	cached bool // the step's outcome was there before
}

// newStageReport is for a stage that has a transcript.
func (b *build) newStageReport(run *stageRun) *stageReport {
	r := b.newReport(BuildStep{Stage: run.stage.Index, Name: run.stage.Name, Total: run.stage.Steps()})
	r.transcript = &run.transcript
	if r.at.Name == "" && len(b.file.Stages) > 1 {
		r.at.Name = fmt.Sprint("stage-", run.stage.Index)
	}
	if run.stage == b.plan.Target() && len(b.req.Labels) > 0 {
		r.at.Total++
	}
	return r
}

func (b *build) newReport(before BuildStep) *stageReport {
	to, _ := b.report.(StepReporter)
	return &stageReport{to: to, steps: &b.steps, at: before}
}

// more has the stage have some more steps.
func (r *stageReport) more(n int) {
	r.at.Total += n
	r.steps.Add(int64(n))
}

// do carries out a step by f.
func (r *stageReport) do(ctx context.Context, text string, f func() error) error {
	r.at.Number, r.at.Text, r.cached = r.at.Number+1, text, false
	r.send(StepReport{State: StepRunning})
	err := f()
	switch {
	case err != nil && ctx.Err() != nil:
		r.send(StepReport{State: StepCanceled, Err: err})
	case err != nil:
		r.send(StepReport{State: StepFailed, Err: err})
	case r.cached:
		r.send(StepReport{State: StepCached})
	default:
		r.send(StepReport{State: StepDone})
	}
	return err
}

func (r *stageReport) send(report StepReport) {
	if r.to == nil {
		return
	}
	report.BuildStep, report.Time, report.Steps = r.at, time.Now(), int(r.steps.Load())
	r.to.Step(report)
}

// Line and Layer tell what the step puts out.
func (r *stageReport) Line(text string) {
	r.transcript.Line(text)
	r.send(StepReport{State: StepRunning, Line: text})
}

func (r *stageReport) Layer(p LayerProgress) {
	r.transcript.Layer(p)
	r.send(StepReport{State: StepRunning, Layer: p})
}

// note is a line that only docker's classic lines have.
func (r *stageReport) note(text string) { r.transcript.Line(text) }

// last carries out the last step, which has no stage's transcript, by f.
func (b *build) last(ctx context.Context, text string, f func(Reporter) error) error {
	report := b.newReport(BuildStep{Stage: LastStage, Total: 1})
	return report.do(ctx, text, func() error { return f(lastReport{b.report, report}) })
}

// lastReport is what the last step reports to.
type lastReport struct {
	Reporter
	step *stageReport
}

func (r lastReport) Line(text string) {
	r.Reporter.Line(text)
	r.step.send(StepReport{State: StepRunning, Line: text})
}

func (r lastReport) Layer(p LayerProgress) {
	r.Reporter.Layer(p)
	r.step.send(StepReport{State: StepRunning, Layer: p})
}
