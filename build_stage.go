package imagefs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/builder/cache"
	"github.com/imagefs/imagefs/builder/copying"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

// buildStage is the image that a stage has made so far.
type buildStage struct {
	*build
	report   *stageReport
	stage    *dockerfile.Stage
	platform ocispec.Platform
	config   ContainerConfig
	author   string
	created  time.Time
	history  []ocispec.History
	layers   []ocispec.Descriptor
	diffIDs  []digest.Digest
	args     dockerfile.Variables // those that an ARG has declared
	hasCmd   bool                 // whether a CMD was among the instructions: else an ENTRYPOINT takes the base's away
	key      digest.Digest        // of the cache: says all that the image depends on
}

// defaultPath is what every image's PATH is that has none.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// stage carries out one stage.
func (b *build) stage(ctx context.Context, run *stageRun) (*buildStage, error) {
	stage, report := run.stage, b.newStageReport(run)
	if stage.Base != nil {
		if _, err := b.finished(ctx, stage.Base, report.transcript); err != nil {
			return nil, err
		}
	}
	report.instruction(stage.SourceCode)
	var s *buildStage
	err := report.do(ctx, stage.SourceCode, func() (err error) {
		s, err = b.from(ctx, stage, report)
		return b.file.At(stage.Location(), err)
	})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(s.config.Env, func(pair string) bool { return strings.HasPrefix(pair, "PATH=") }) {
		s.config.Env = append(slices.Clone(s.config.Env), defaultPath)
	}
	if err := s.triggers(ctx); err != nil {
		return nil, b.file.At(stage.Location(), err)
	}
	for _, command := range stage.Commands {
		if err := s.await(ctx, command); err != nil {
			return nil, b.file.At(command.Location(), err)
		}
		s.report.instruction(fmt.Sprint(command))
		if err := s.step(ctx, command, command.Location()); err != nil {
			return nil, err
		}
	}
	if stage == b.plan.Target() && len(b.req.Labels) > 0 {
		return s, s.label(ctx)
	}
	return s, nil
}

// step carries out an instruction that is at a place in the Dockerfile.
func (s *buildStage) step(ctx context.Context, command instructions.Command, at []parser.Range) error {
	return s.report.do(ctx, fmt.Sprint(command), func() error {
		return s.file.At(at, s.instruction(ctx, command))
	})
}

// await waits for the stages that an instruction takes files from.
func (s *buildStage) await(ctx context.Context, command instructions.Command) error {
	needs, err := s.plan.Needs(command, s.stage.Index)
	if err != nil {
		return err
	}
	for _, other := range needs {
		if _, err := s.finished(ctx, other, s.report.transcript); err != nil {
			return err
		}
	}
	return nil
}

// triggers carries out what ONBUILD kept in the base.
func (s *buildStage) triggers(ctx context.Context) error {
	lines := s.config.OnBuild
	if len(lines) == 0 {
		return nil
	}
	s.config.OnBuild = nil
	word := "trigger"
	if len(lines) > 1 {
		word += "s"
	}
	s.report.note(fmt.Sprintf("# Executing %d build %s", len(lines), word))
	commands, err := s.file.Triggers(lines)
	if err != nil {
		return err
	}
	s.report.more(len(commands))
	for _, command := range commands {
		if err := s.await(ctx, command); err != nil {
			return err
		}
		if err := s.step(ctx, command, s.stage.Location()); err != nil {
			return err
		}
	}
	return nil
}

// instruction carries out one instruction.
func (s *buildStage) instruction(ctx context.Context, command instructions.Command) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := s.file.Expand(command, s.variables()); err != nil {
		return err
	}
	switch command := command.(type) {
	case *instructions.CopyCommand:
		return s.copy(ctx, command)
	case *instructions.AddCommand:
		return s.add(ctx, command)
	case *instructions.RunCommand:
		return s.run(ctx, command)
	case *instructions.WorkdirCommand:
		return s.workdir(ctx, command)
	case *instructions.ArgCommand:
		s.declare(command)
	case *instructions.MaintainerCommand:
		s.author = command.Maintainer
	case *instructions.OnbuildCommand:
		if _, err := s.file.Triggers([]string{command.Expression}); err != nil {
			return err
		}
		s.config.OnBuild = append(slices.Clone(s.config.OnBuild), command.Expression)
	case *instructions.CmdCommand, *instructions.EntrypointCommand:
		s.commandLine(command)
	default:
		s.own()
		if err := s.config.apply(command); err != nil {
			return err
		}
	}
	return s.configured(command)
}

// own makes the config's parts this stage's alone, before they are changed.
func (s *buildStage) own() {
	s.config.Env = slices.Clone(s.config.Env)
	s.config.Labels = maps.Clone(s.config.Labels)
	s.config.Volumes = maps.Clone(s.config.Volumes)
	s.config.ExposedPorts = maps.Clone(s.config.ExposedPorts)
}

func (s *buildStage) commandLine(command instructions.Command) {
	if _, ok := command.(*instructions.CmdCommand); ok {
		s.hasCmd = true
	} else if !s.hasCmd {
		s.config.Cmd = nil
	}
	_ = s.config.apply(command) // which only what exposes ports can fail
}

// variables are what words may name: the image's environment before arguments.
func (s *buildStage) variables() dockerfile.Variables {
	return append(slices.Clone(s.args), s.config.Env...)
}

// declare carries out an ARG. One that stands before the first FROM too has its value from there.
func (s *buildStage) declare(command *instructions.ArgCommand) {
	s.consume(dockerfile.Declare(&s.args, command, s.build.args, s.plan.Globals)...)
}

// configured ends an instruction that has changed the config alone.
func (s *buildStage) configured(command instructions.Command) error {
	text, err := json.Marshal(s.config)
	if err != nil {
		return err
	}
	s.next("config", string(text), strings.Join(s.args, "\n"), s.author, fmt.Sprint(command))
	record, cached := s.recallConfig(fmt.Sprint(command))
	if !cached {
		record = cache.Record{Created: s.now}
		if err := s.make(record); err != nil {
			return err
		}
	}
	return s.done(fmt.Sprint(command), record, cached, nil)
}

// label carries out the labels of the request.
func (s *buildStage) label(ctx context.Context) error {
	labels := slices.Sorted(slices.Values(s.req.Labels))
	text := "LABEL " + strings.Join(labels, " ")
	s.report.instruction(text)
	return s.report.do(ctx, text, func() error {
		s.own()
		for _, label := range labels {
			name, value, _ := strings.Cut(label, "=")
			set(&s.config.Labels, name, value)
		}
		return s.configured(instructions.NewLabelCommand("", strings.Join(labels, " "), true))
	})
}

// next makes the key that of the next step, which depends on words, and on the time of all that is made, if that is given.
func (s *buildStage) next(words ...string) {
	if !s.latest.IsZero() {
		words = append(words, s.latest.String())
	}
	s.key = cache.Key(s.key, words...)
}

// recall looks for what the step of the key has made before.
func (s *buildStage) recall() (cache.Record, bool) {
	if s.req.NoCache {
		return cache.Record{}, false
	}
	r, ok := s.cache.Get(s.key)
	return r, ok
}

// done adds a step to the image.
func (s *buildStage) done(by string, r cache.Record, cached bool, blob *ocispec.Descriptor) error {
	s.note()
	s.created = r.Created
	if !s.latest.IsZero() {
		s.created = s.now
	}
	if blob != nil {
		s.layers = append(slices.Clone(s.layers), *blob)
		s.diffIDs = append(slices.Clone(s.diffIDs), r.DiffID)
	}
	created := s.created
	s.history = append(slices.Clone(s.history), ocispec.History{
		Created: &created, CreatedBy: by, Author: s.author, EmptyLayer: blob == nil,
	})
	if !s.req.NoCache {
		s.mu.Lock()
		known := cached && !s.made[s.key]
		s.mu.Unlock()
		s.report.step(s.key, known)
	}
	s.report.cached = cached
	return s.show()
}

// show tells the ID that the image would have.
func (s *buildStage) show() error {
	raw, err := json.Marshal(s.draft())
	if err != nil {
		return err
	}
	s.report.note(" ---> " + shortID(digest.FromBytes(raw)))
	return nil
}

// draft is the config of the image.
func (s *buildStage) draft() *newConfig {
	config := s.config
	return &newConfig{
		Architecture: s.platform.Architecture, Variant: s.platform.Variant, OS: s.platform.OS, Author: s.author,
		Config: &config, Created: s.created, History: s.history,
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: append([]digest.Digest{}, s.diffIDs...)},
	}
}

// layer ends an instruction that makes a layer, of which words say all that it depends on: it takes what was made before, or
// has write make it. A layer without entries is none.
func (s *buildStage) layer(ctx context.Context, by string, write func(io.Writer) error, from sourcing, words ...string) error {
	s.next(words...)
	if !s.req.NoCache {
		end := s.crew.alone(s.key)
		defer end()
	}
	record, cached, err := s.recallLayer(by, from, write)
	if err != nil {
		return err
	}
	if cached && record.DiffID == "" {
		return s.done(by, record, true, nil)
	}
	if cached {
		if err := s.claim.Add(ctx, record.DiffID); err != nil {
			return err
		}
		blob, err := s.store.FindLayer(record.DiffID)
		if err == nil {
			return s.done(by, record, true, &blob)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	blob, diffID, err := s.writeLayer(ctx, s.claim, write)
	if err != nil {
		return err
	}
	record = cache.Record{DiffID: diffID, Created: s.now}
	if err := s.make(record); err != nil {
		return err
	}
	return s.done(by, record, false, blob)
}

// workdir makes the directory, where it is not there.
func (s *buildStage) workdir(ctx context.Context, command *instructions.WorkdirCommand) error {
	_ = s.config.apply(command)
	below, err := s.tree()
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		return copying.WriteDirectory(s.config.WorkingDir, copying.Owner{}, below, s.times(), w)
	}
	return s.layer(ctx, fmt.Sprint(command), write, byContent, "workdir", s.config.WorkingDir)
}

func (s *buildStage) times() copying.Times { return copying.Times{Now: s.now, Latest: s.latest} }

// tree is the files of the image.
func (s *buildStage) tree() (source.Tree, error) { return s.filesOf(s.diffIDs) }

// filesOf shows the files of a stack of layers.
func (e *Engine) filesOf(diffIDs []digest.Digest) (source.Tree, error) {
	img := &store.Image{}
	chainIDs := identity.ChainIDs(slices.Clone(diffIDs))
	var layers []*layer.Layer
	for i, diffID := range diffIDs {
		img.Chains = append(img.Chains, store.Chain{ChainID: chainIDs[i], DiffID: diffID})
		l, err := e.store.Layer(diffID)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	t, err := e.store.Tree(img)
	if err != nil {
		return nil, err
	}
	return source.NewImage(t, layers), nil
}
