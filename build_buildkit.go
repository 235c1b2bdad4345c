package imagefs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/imagefs/imagefs/builder/buildkit"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

func (b *build) usesBuildKit() bool { return b.req.Builder == "buildkit" }

// isForeign tells whether the Dockerfile's syntax is that of a frontend which it names itself, and which BuildKit has.
func (b *build) isForeign() bool {
	_, _, _, ok := parser.DetectSyntax(b.text)
	return ok && b.usesBuildKit()
}

func (b *build) checkBuilder() error {
	switch b.req.Builder {
	case "", "imagefs":
		if b.req.BuildKit != "" {
			return invalid("--buildkit-addr", "--buildkit-addr is for --builder buildkit")
		}
	case "buildkit":
		if len(b.req.CacheFrom) > 0 {
			return &Error{
				Kind: Unsupported, Subject: "--cache-from", Err: errors.New("--cache-from is not for --builder buildkit"),
				Hint: "the daemon has a cache of its own",
			}
		}
	default:
		return invalid(b.req.Builder, "unknown builder %q: it is imagefs or buildkit", b.req.Builder)
	}
	return nil
}

// runBuildKit has a BuildKit daemon carry out the build, and takes in what it has made.
func (b *build) runBuildKit(ctx context.Context) (*store.Image, error) {
	place, err := b.workplace()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(place.dir, "buildkit")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	req, err := b.buildKitRequest(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer req.Context.Close()
	contents, err := b.askBuildKit(ctx, req)
	if err != nil {
		return nil, b.explainBuildKit(err)
	}
	var img *store.Image
	err = b.last(ctx, "loading the image", func(report Reporter) error {
		if req.Layout != "" {
			if contents, err = b.readLayout(ctx, req.Layout, report); err != nil {
				return err
			}
		}
		defer contents.Close()
		if img, err = contents.PublishAs(ctx, b.names...); err == nil {
			b.tell(img, report.Line)
		}
		return err
	})
	if err != nil {
		return nil, explainLoad(err)
	}
	return img, nil
}

// askBuildKit runs the build, and reads what it has made, unless that is in a layout.
func (b *build) askBuildKit(ctx context.Context, req buildkit.Request) (contents *archive.Contents, err error) {
	err = buildkit.Run(ctx, req, b.buildKitStep, func(r io.Reader) error {
		contents, err = archive.Read(ctx, b.store, r, loading(b.report))
		return err
	})
	if err != nil && contents != nil {
		return nil, errors.Join(err, contents.Close())
	}
	return contents, err
}

func (b *build) readLayout(ctx context.Context, dir string, report Reporter) (*archive.Contents, error) {
	layout, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer layout.Close()
	return archive.ReadFile(ctx, b.store, layout, loading(report))
}

// buildKitStates are what a daemon's steps are in.
var buildKitStates = map[buildkit.State]StepState{
	buildkit.Begun: StepRunning, buildkit.Running: StepRunning, buildkit.Telling: StepRunning, buildkit.Cached: StepCached,
	buildkit.Done: StepDone, buildkit.Failed: StepFailed, buildkit.Canceled: StepCanceled,
}

// buildKitStep tells of a daemon's step.
func (b *build) buildKitStep(e buildkit.Event) {
	for line := range strings.SplitSeq(e.String(), "\n") {
		b.report.Line(line)
	}
	b.steps.Store(int64(e.Steps) + 1)
	report := b.newReport(BuildStep{Stage: BuildKitStage, Number: e.Step, Text: e.Name})
	step := StepReport{State: buildKitStates[e.State], Line: e.Output}
	if e.State == buildkit.Failed {
		step.Err = errors.New(e.Error)
	}
	report.send(step)
}

// buildKitRequest puts into a directory what the daemon needs and has no directory of its own.
func (b *build) buildKitRequest(ctx context.Context, dir string) (buildkit.Request, error) {
	name := filepath.Base(b.name)
	req := buildkit.Request{
		Address: b.req.BuildKit, Dir: filepath.Join(dir, "dockerfile"), Dockerfile: name,
		Target: b.req.Target, Platform: platforms.FormatAll(b.platform), Args: b.req.Args, Labels: b.req.Labels,
		NoCache: b.req.NoCache, Pull: b.req.Pull, Secrets: b.req.Secrets,
	}
	switch b.req.Network {
	case "", "default", "bridge":
	case "none", "host":
		req.Network = b.req.Network
	default:
		return req, invalid(b.req.Network, "invalid network: %s", b.req.Network)
	}
	if !b.latest.IsZero() {
		req.Epoch = &b.latest
	}
	if err := os.Mkdir(req.Dir, 0o700); err != nil {
		return req, err
	}
	if err := os.WriteFile(filepath.Join(req.Dir, name), b.text, 0o600); err != nil {
		return req, err
	}
	if b.ignore != nil {
		if err := os.WriteFile(filepath.Join(req.Dir, name+".dockerignore"), b.ignore, 0o600); err != nil {
			return req, err
		}
	}
	var err error
	var linked bool
	layout := filepath.Join(dir, "layout")
	if req.Bases, linked, err = b.linkBases(ctx, layout); err != nil {
		return req, err
	}
	if linked {
		req.Layout = layout
	}
	req.Context, err = b.contextDir(ctx, filepath.Join(dir, "context"))
	return req, err
}

// contextDir is the context as a directory: dir, unless it is one.
func (b *build) contextDir(ctx context.Context, dir string) (*os.File, error) {
	context := b.req.Context
	if own, ok := context.(*source.Dir); ok {
		return own.File()
	}
	if context == nil {
		context = source.Empty()
	}
	if err := unpackTree(ctx, context, dir); err != nil {
		return nil, err
	}
	return os.Open(dir)
}

// explainBuildKit gives an error of the daemon's its kind.
func (b *build) explainBuildKit(err error) error {
	var (
		address     *buildkit.AddressError
		unreachable *buildkit.UnreachableError
		failed      *buildkit.Error
	)
	switch {
	case errors.Is(err, buildkit.ErrNotInstalled):
		return &Error{
			Kind: Unsupported, Subject: "buildkit", Err: err,
			Hint: "install it from https://github.com/moby/buildkit/releases, or build with --builder imagefs",
		}
	case errors.As(err, &address):
		return &Error{Kind: Invalid, Subject: address.Address, Err: err, Hint: "write it as tcp://HOST:PORT or unix://PATH"}
	case errors.As(err, &unreachable):
		kind := KindOf(err)
		if kind == NotFound {
			kind = Refused // a socket that is not there
		}
		return &Error{
			Kind: kind, Subject: unreachable.Address, Err: err,
			Hint: "start buildkitd there, or say with --buildkit-addr or BUILDKIT_HOST where it is",
		}
	case !errors.As(err, &failed):
		return explainLoad(err)
	}
	if failed.Line > 0 { // BuildKit tells of no column
		err = &dockerfile.Error{File: b.name, Line: failed.Line, Column: 1, Err: err}
	}
	return &Error{Kind: kindOfBuildKit(failed), Err: err}
}

// kindOfBuildKit finds the kind of what the daemon says: there are words alone to go by. What is of a line of the Dockerfile
// and of no other kind is that line's fault.
func kindOfBuildKit(failed *buildkit.Error) Kind {
	for _, row := range []struct {
		words string
		kind  Kind
	}{
		{"did not complete successfully: ", Internal}, // a RUN, whose words may be any
		{"failed to list workers: ", Unavailable},     // which is the first that buildctl asks the daemon
		{"connection refused", Refused},
		{"no such host", Unreachable},
		{"i/o timeout", TimedOut},
		{"no space left on device", NoSpace},
		{"not allowed by build daemon configuration", Denied},
		{"authorization failed", Denied},
		{"access denied", Denied},
		{": not found", NotFound},
	} {
		if strings.Contains(failed.Message, row.words) {
			return row.kind
		}
	}
	if failed.Line > 0 {
		return Invalid
	}
	return Internal
}
