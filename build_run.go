package imagefs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/builder/runner"
)

// Runs tells whether a build may run processes here: whether a RUN is among its instructions. Then it needs a content tree:
// see [Engine.UseContent].
func (e *Engine) Runs(req BuildRequest) bool {
	b, err := e.newBuild(req, silent{})
	if err != nil || b.usesBuildKit() {
		return false
	}
	return slices.ContainsFunc(b.plan.Stages, func(s *dockerfile.Stage) bool {
		return slices.ContainsFunc(s.Commands, func(c instructions.Command) bool {
			_, ok := c.(*instructions.RunCommand)
			return ok
		})
	})
}

// run carries out RUN: in a working container of the image so far, whose changes are the layer.
func (s *buildStage) run(ctx context.Context, command *instructions.RunCommand) error {
	line, script, err := commandOf(command)
	if err != nil {
		return err
	}
	line = s.config.commandLine(instructions.ShellDependantCmdLine{CmdLine: line, PrependShell: command.PrependShell})
	network, err := s.network(command)
	if err != nil {
		return err
	}
	mounts, err := s.mounts(ctx, command)
	if err != nil {
		return err
	}
	if script != nil {
		mounts = append(mounts, *script)
	}
	var declared []string
	for _, pair := range s.args {
		if name, _, _ := strings.Cut(pair, "="); !dockerfile.IsProxy(name) {
			declared = append(declared, pair)
		}
	}
	by := "RUN "
	if len(declared) > 0 {
		by += fmt.Sprintf("|%d %s ", len(declared), strings.Join(declared, " "))
	}
	by += strings.Join(line, " ")
	p := process{
		buildStage: s, mounts: mounts,
		Spec: runner.Spec{
			Args: line, Cwd: s.config.WorkingDir, User: s.config.User, Network: network,
			Env: slices.Concat(s.proxies(), s.config.Env, declared),
		},
	}
	words := append([]string{"run", string(network)}, line...)
	for _, m := range mounts {
		words = append(words, m.key)
	}
	from := byInstruction
	if len(mounts) > 0 {
		from = never
	}
	return s.layer(ctx, by, func(w io.Writer) error { return p.run(ctx, w) }, from, words...)
}

// commandOf is what a RUN runs, without a shell, and, where that is a heredoc with an interpreter of its own, the file.
func commandOf(command *instructions.RunCommand) ([]string, *runMount, error) {
	if len(command.Files) == 0 {
		return command.CmdLine, nil, nil
	}
	if len(command.CmdLine) != 1 || !command.PrependShell {
		return nil, nil, fmt.Errorf("parsing produced an invalid run command: %v", command.CmdLine)
	}
	line, first := command.CmdLine[0], command.Files[0]
	if heredoc, err := parser.ParseHeredoc(line); err == nil && heredoc != nil {
		data := first.Data
		if first.Chomp {
			data = parser.ChompHeredocContent(data)
		}
		if !strings.HasPrefix(data, "#!") {
			return []string{data}, nil, nil
		}
		m, err := scriptMount(first.Name, data)
		if err != nil {
			return nil, nil, err
		}
		return []string{m.target}, m, nil
	}
	for _, file := range command.Files {
		line += "\n" + file.Data + file.Name
	}
	return []string{line}, nil, nil
}

// scriptMount is a heredoc as a program. Its name is the Dockerfile's, and no path on the host.
func scriptMount(name, text string) (*runMount, error) {
	if name == "." || name == ".." || strings.Contains(name, "/") {
		return nil, invalid(name, "invalid heredoc name %q: it is to be a file's", name)
	}
	target := "/dev/pipes/" + name
	return &runMount{key: target + "\n" + text, target: target, make: func(_ context.Context, dir string) (specs.Mount, error) {
		path := filepath.Join(dir, "script")
		err := os.WriteFile(path, []byte(text), 0o755)
		return runner.Bind(path, target, true), err
	}}, nil
}

// proxies are the arguments that need no ARG.
func (s *buildStage) proxies() (pairs []string) {
	for _, pair := range s.build.args {
		if name, _, _ := strings.Cut(pair, "="); dockerfile.IsProxy(name) {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

func (s *buildStage) network(command *instructions.RunCommand) (runner.Network, error) {
	asked := string(instructions.GetNetwork(command))
	if asked == string(instructions.NetworkDefault) {
		asked = s.req.Network
	}
	switch asked {
	case "", "default", "bridge":
		if runner.HasPasta() {
			return runner.Pasta, nil
		}
		s.report.Line("[Warning] there is no pasta here (package passt): RUN has no network; --network host gives it the host's")
		return runner.None, nil
	case "none":
		return runner.None, nil
	case "host":
		if s.req.Network == "host" {
			return runner.Host, nil
		}
		return "", &Error{
			Kind: Denied, Subject: "--network=host", Err: errors.New("network.host is not allowed"), Hint: "build with --network host",
		}
	}
	return "", invalid(asked, "invalid network: %s", asked)
}

// process is a RUN's.
type process struct {
	*buildStage
	runner.Spec
	mounts []runMount
}

// run runs the process, and writes the layer of what it has changed.
func (p *process) run(ctx context.Context, to io.Writer) error {
	if !container.MayMount() {
		return &Error{
			Kind: Denied, Subject: "RUN", Err: errors.New("RUN needs working containers, which are overlay file systems that this user may not mount"),
			Hint: "run imagefs, or its mount, as root",
		}
	}
	if p.content == "" {
		return &Error{
			Kind: Denied, Subject: "RUN", Err: fmt.Errorf("RUN needs the store to be mounted: %w", container.ErrNotMounted),
			Hint: "imagefs mount -d DIR",
		}
	}
	if err := p.checkRunc(func(warning string) { p.report.Line("[Warning] " + warning) }); err != nil {
		return err
	}
	below, err := p.tree()
	if err != nil {
		return err
	}
	site, err := p.newSite()
	if err != nil {
		return err
	}
	if err = p.inside(ctx, site); err == nil {
		err = trimLayer(to, below, p.targets(), p.latest, func(w io.Writer) error { return site.container.WriteLayer(ctx, w) })
	}
	if site.container != nil {
		p.report.note("Removing intermediate container " + site.id[:12])
	}
	return errors.Join(err, site.remove(context.WithoutCancel(ctx)))
}

func (p *process) inside(ctx context.Context, site *site) error {
	unlock, err := p.lockMounts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	p.ID, p.Dir, p.Hostname, p.Hold = site.id, site.dir, site.id[:12], site.place.lock
	out := &lineWriter{line: p.report.Line}
	p.Stdout, p.Stderr = out, out
	waiting, err := runner.Start(p.Spec) // which comes up while the rest is made
	if err != nil {
		return err
	}
	if err := p.furnish(ctx, site); err != nil {
		waiting.Close()
		return err
	}
	p.report.note(" ---> Running in " + site.id[:12])
	code, err := waiting.Run(ctx, p.Spec)
	out.end()
	var failed *runner.Error
	switch {
	case errors.As(err, &failed) && failed.Mount != 0:
		return cannotMount(site.container, failed.Mount)
	case errors.As(err, &failed):
		return &Error{Kind: Invalid, Subject: "RUN", Err: failed}
	case err != nil:
		return err
	case code != 0:
		return &Error{
			Kind: Internal, Subject: "RUN",
			//lint:ignore ST1005 docker's words
			Err: fmt.Errorf("The command '%s' returned a non-zero code: %d", strings.Join(p.Args, " "), code),
		}
	}
	return nil
}

// furnish makes what the process sees.
func (p *process) furnish(ctx context.Context, site *site) error {
	if err := site.makeContainer(ctx, p.buildStage); err != nil {
		return err
	}
	p.Rootfs, p.Overlay = site.container.Rootfs(), site.container.Overlay(p.content)
	for _, m := range p.mounts {
		if m.env != "" {
			p.Env = append(p.Env, m.env)
			continue
		}
		dir, err := site.mkdir()
		if err != nil {
			return err
		}
		made, err := m.make(ctx, dir)
		if err != nil {
			return err
		}
		p.Mounts = append(p.Mounts, made)
	}
	return nil
}

func (p *process) targets() (all []string) {
	for _, m := range p.mounts {
		all = append(all, m.target)
	}
	return all
}

// lineWriter passes lines on.
type lineWriter struct {
	line func(string)
	mu   sync.Mutex // guards rest
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.line(string(w.rest[:i]))
		w.rest = w.rest[i+1:]
	}
}

func (w *lineWriter) end() {
	if len(w.rest) > 0 {
		w.line(string(w.rest))
	}
}
