package imagefs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/builder/cache"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store"
)

// BuildRequest is what `docker build` is asked for.
type BuildRequest struct {
	Context    source.Tree // what COPY and ADD take files from
	Dockerfile string      // its name in the context, or, with Text, what errors call it; "" for Dockerfile
	Text       []byte      // of a Dockerfile that is not in the context
	Ignore     []byte      // the .dockerignore of such a Dockerfile; nil for the context's
	Tags       []string
	Args       []string // NAME=VALUE
	Labels     []string // NAME=VALUE
	Target     string   // "" for the last stage
	Platform   string   // os/arch[/variant]; "" for the host's
	NoCache    bool
	CacheFrom  []string // images that steps may be taken from; those that are not there are pulled
	Pull       bool     // bases, though they are there
	Secrets    map[string][]byte
	Network    string // of RUN: "" and default, none, host
	Quiet      bool   // tell the image's ID only
	Builder    string // imagefs, which "" means, or buildkit: a BuildKit daemon
	BuildKit   string // the daemon's address; "" for BUILDKIT_HOST, or buildctl's default
	// Epoch is the time of all that is made, and the latest that a file has, so that the same build gives the same image
	// everywhere; nil for now. An argument SOURCE_DATE_EPOCH is before it.
	Epoch *time.Time
}

// Build makes an image as a Dockerfile says. Its lines are those of docker's classic builder, or BuildKit's; a [StepReporter]
// is told of its steps, too. After a failure there is no image, and what the steps before it have made is found again by the
// next build. An error in the Dockerfile wraps a [*dockerfile.Error].
func (e *Engine) Build(ctx context.Context, req BuildRequest, report Reporter) (*store.Image, error) {
	b, err := e.newBuild(req, report)
	if err != nil {
		return nil, err
	}
	if b.claim, err = e.store.Claim(); err != nil {
		return nil, err
	}
	defer b.claim.Close()
	if err := e.SweepBuilds(ctx); err != nil {
		b.report.Line(fmt.Sprintf("[Warning] something is left of a build that was killed: %v", err))
	}
	img, err := b.run(ctx)
	b.end(context.WithoutCancel(ctx))
	if err != nil {
		return nil, b.explain(err)
	}
	if req.Quiet {
		report.Line(img.ID.String())
	}
	for _, name := range b.names {
		e.events.image("tag", img, familiar(name))
	}
	e.events.image("build", img, "")
	return img, nil
}

// end removes what was there for the build alone. What cannot be removed now a later sweep finds, or a later build: it is no
// reason to have built nothing.
func (b *build) end(ctx context.Context) {
	if err := errors.Join(b.leave(ctx), b.settle(ctx)); err != nil {
		b.report.Line(fmt.Sprintf("[Warning] something is left of the build: %v", err))
	}
}

// build is a request to build, understood.
type build struct {
	*Engine
	req      BuildRequest
	report   Reporter
	context  source.Tree // without what is ignored
	names    []string
	name     string           // of the Dockerfile
	text     []byte           // of it
	ignore   []byte           // of the .dockerignore; nil if there is none
	file     *dockerfile.File // nil, as plan is, for one that only BuildKit reads
	plan     *dockerfile.Plan
	args     dockerfile.Variables // as the user gave them
	platform ocispec.Platform
	now      time.Time
	latest   time.Time // of files; zero for any
	cache    *cache.Cache
	claim    *store.Claim
	sources  []cacheSource
	crew     *crew
	steps    atomic.Int64 // how many there are of StepReport's, as far as that is known

	mu      sync.Mutex // guards all below
	images  map[baseName]*buildImage
	used    map[string]bool        // the arguments that an ARG has named
	place   *workplace             // nil before the first RUN
	made    map[digest.Digest]bool // the keys of the steps that were not in the cache
	keys    []digest.Digest        // of the steps that are done
	layered bool                   // whether one of them has made a layer
}

func (e *Engine) newBuild(req BuildRequest, report Reporter) (*build, error) {
	b := &build{
		Engine: e, req: req, report: report, args: dockerfile.Variables(req.Args), now: time.Now().UTC(),
		cache: cache.Of(e.store.Dir()), images: map[baseName]*buildImage{}, made: map[digest.Digest]bool{}, used: map[string]bool{},
	}
	if req.Quiet {
		b.report = silent{}
	}
	for _, tag := range req.Tags {
		name, err := tagName(tag)
		if err != nil {
			return nil, err
		}
		b.names = append(b.names, name.String())
	}
	if err := b.checkBuilder(); err != nil {
		return nil, err
	}
	var err error
	if b.platform, _, err = parsePlatform(req.Platform); err != nil {
		return nil, err
	}
	for _, label := range req.Labels {
		if name, _, _ := strings.Cut(label, "="); name == "" {
			return nil, invalid(label, "invalid label %q", label)
		}
	}
	if err := b.readEpoch(); err != nil {
		return nil, err
	}
	if err := b.readFile(); err != nil {
		return nil, err
	}
	if b.file == nil {
		return b, nil
	}
	b.plan, err = b.file.NewPlan(req.Target, b.args, platformArgs(b.platform))
	var place *dockerfile.Error
	if err != nil && !errors.As(err, &place) {
		return nil, &Error{Kind: Invalid, Subject: req.Target, Err: err}
	}
	if err != nil {
		return nil, b.explain(err)
	}
	b.steps.Store(int64(b.plannedSteps() - len(b.file.Args) + 1))
	return b, nil
}

// silent reports nothing.
type silent struct{}

func (silent) Line(string)         {}
func (silent) Layer(LayerProgress) {}

// readEpoch has all times be one, if that is asked for: https://reproducible-builds.org/specs/source-date-epoch.
func (b *build) readEpoch() error {
	const name = "SOURCE_DATE_EPOCH"
	epoch := b.req.Epoch
	if text, ok := b.args.Get(name); ok && text != "" {
		b.used[name] = true
		t, err := ParseEpoch(text)
		if err != nil {
			return err
		}
		epoch = &t
	}
	if epoch != nil {
		b.now, b.latest = epoch.UTC(), epoch.UTC()
	}
	return nil
}

// ParseEpoch reads a time in seconds since 1970. The error is of kind Invalid.
func ParseEpoch(text string) (time.Time, error) {
	t, err := ParseTime(text, time.Time{})
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return t, invalid(text, "invalid SOURCE_DATE_EPOCH: %s", text)
	}
	return t.UTC(), nil
}

// platformArgs are the arguments that every build knows.
func platformArgs(target ocispec.Platform) (args dockerfile.Variables) {
	for _, row := range []struct {
		name     string
		platform ocispec.Platform
	}{{"BUILD", platforms.Normalize(platforms.DefaultSpec())}, {"TARGET", target}} {
		args.Set(row.name+"PLATFORM", platforms.Format(row.platform))
		args.Set(row.name+"OS", row.platform.OS)
		args.Set(row.name+"OSVERSION", row.platform.OSVersion)
		args.Set(row.name+"ARCH", row.platform.Architecture)
		args.Set(row.name+"VARIANT", row.platform.Variant)
	}
	return args
}

// readFile reads the Dockerfile and what is to be ignored.
func (b *build) readFile() error {
	name, text, all := b.req.Dockerfile, b.req.Text, b.req.Context
	if name == "" {
		name = "Dockerfile"
	}
	if all == nil {
		all = source.Empty()
	}
	var err error
	if text == nil {
		if text, err = readSource(all, name); err != nil {
			return &Error{
				Kind: KindOf(err), Subject: name, Err: fmt.Errorf("failed to read dockerfile: open %s: %w", name, cause(err)),
				Hint: "the Dockerfile's path is given with -f",
			}
		}
	}
	ignore := b.req.Ignore
	if ignore == nil {
		if ignore, err = source.ReadIgnore(all, name); err != nil {
			return err
		}
	}
	b.name, b.text, b.ignore, b.context = name, text, ignore, all
	if ignore != nil {
		if b.context, err = source.Ignore(all, bytes.NewReader(ignore)); err != nil {
			return &Error{Kind: Invalid, Subject: ".dockerignore", Err: fmt.Errorf("failed to read .dockerignore: %w", err)}
		}
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return invalid(name, "the Dockerfile (%s) cannot be empty", name)
	}
	b.file, err = dockerfile.Parse(name, text)
	if err != nil && !b.isForeign() {
		return b.explain(err)
	}
	return nil
}

// cause is what a path's error says beside the path.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func readSource(t source.Tree, name string) ([]byte, error) {
	real, f, err := source.Resolve(t, strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil, err
	}
	if f == nil || !f.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	r, err := t.Open(real)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// run carries out the plan.
func (b *build) run(ctx context.Context) (*store.Image, error) {
	if b.usesBuildKit() {
		return b.runBuildKit(ctx)
	}
	if err := b.openSources(ctx); err != nil {
		return nil, err
	}
	last, err := b.runStages(ctx)
	if err != nil {
		return nil, err
	}
	var img *store.Image
	err = b.last(ctx, "exporting to image", func(report Reporter) error {
		b.warn(report.Line)
		raw, err := json.Marshal(last.draft())
		if err != nil {
			return err
		}
		if img, err = b.store.PutImage(ctx, b.claim, raw, last.layers, b.names...); err == nil {
			b.tell(img, report.Line)
		}
		return err
	})
	return img, err
}

// plannedSteps is how many instructions are carried out, as far as that is known beforehand.
func (b *build) plannedSteps() int {
	n := b.plan.Steps(b.file)
	if len(b.req.Labels) > 0 {
		n++
	}
	return n
}

// consume notes that an ARG has named arguments.
func (b *build) consume(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		b.used[name] = true
	}
}

// warn tells which arguments nothing has asked for.
func (b *build) warn(say func(string)) {
	var unused []string
	for _, name := range b.args.Keys() {
		if !b.used[name] && !dockerfile.IsProxy(name) {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	if len(unused) > 0 {
		say(fmt.Sprintf("[Warning] One or more build-args %v were not consumed", unused))
	}
}

func (b *build) tell(img *store.Image, say func(string)) {
	say("Successfully built " + shortID(img.ID))
	for _, name := range b.names {
		if named, err := reference.ParseNormalizedNamed(name); err == nil {
			say("Successfully tagged " + reference.FamiliarName(named) + ":" + named.(reference.Tagged).Tag())
		}
	}
}
