package dockerfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Scratch is the name of the base that has nothing.
const Scratch = "scratch"

// Stage is a stage that a build carries out.
type Stage struct {
	instructions.Stage
	Index int
	// Base is the stage it goes on from; nil if that is an image.
	Base *Stage
	// Image is the image it goes on from, or Scratch; "" if that is a stage.
	Image string
	// Platform is the one that FROM asks for, or "".
	Platform string

	needs []*Stage
}

// Plan is what is to be carried out.
type Plan struct {
	Stages []*Stage // those that are needed, in the order of the file; the last one is the target
	// Globals are the arguments before the first FROM, and those that say what is built for what.
	Globals Variables

	all []*Stage
}

// NewPlan finds the stages that target ("" for the last one; its name or number) needs. given are the build's arguments,
// platforms those that every build knows, as TARGETPLATFORM. The error is an [*Error], unless it is of target.
func (f *File) NewPlan(target string, given, platforms Variables) (*Plan, error) {
	p := &Plan{}
	for _, pair := range platforms {
		name, value, _ := strings.Cut(pair, "=")
		p.Globals.Set(name, value)
	}
	for _, arg := range f.Args {
		if err := f.Expand(&arg, p.Globals); err != nil {
			return nil, f.At(arg.Location(), err)
		}
		Declare(&p.Globals, &arg, given, p.Globals)
	}
	for i := range f.Stages {
		s, err := f.stage(p, i)
		if err != nil {
			return nil, f.At(f.Stages[i].Location, err)
		}
		p.all = append(p.all, s)
	}
	last := p.all[len(p.all)-1]
	if target != "" {
		if last = p.Find(target, len(p.all)); last == nil {
			return nil, fmt.Errorf("failed to reach build target %s in Dockerfile", target)
		}
	}
	p.keep(last)
	return p, nil
}

// stage finds out what a stage is based on and what it copies from.
func (f *File) stage(p *Plan, i int) (*Stage, error) {
	s := &Stage{Stage: f.Stages[i], Index: i}
	platform := &words{s.BaseName, s.Stage.Platform}
	if err := f.expandWords(platform, p.Globals); err != nil {
		return nil, err
	}
	name := platform[0]
	if name == "" {
		return nil, fmt.Errorf("base name (%s) should not be blank", s.BaseName)
	}
	s.Platform = platform[1]
	if s.Base = p.byName(name); s.Base == nil {
		s.Image = name
	} else {
		s.needs = append(s.needs, s.Base)
	}
	for _, command := range s.Commands {
		needs, err := p.Needs(command, i)
		if err != nil {
			return nil, err
		}
		s.needs = append(s.needs, needs...)
	}
	return s, nil
}

// Needs are the stages before the one of number before that an instruction takes files from. Other names are images'.
func (p *Plan) Needs(command instructions.Command, before int) (needs []*Stage, err error) {
	for _, from := range Froms(command) {
		if other := p.Find(from, before); other != nil {
			needs = append(needs, other)
		} else if _, err := strconv.Atoi(from); err == nil { // which is no image's name, though it may begin an ID
			return nil, fmt.Errorf("invalid from flag value %s: index out of bounds", from)
		}
	}
	return needs, nil
}

type words [2]string

func (f *File) expandWords(w *words, env Variables) error {
	command := &instructions.VolumeCommand{Volumes: w[:]} // which is expanded word by word
	return f.Expand(command, env)
}

// Froms are the stages or images that an instruction takes files from.
func Froms(command instructions.Command) (names []string) {
	switch c := command.(type) {
	case *instructions.CopyCommand:
		if c.From != "" {
			names = append(names, c.From)
		}
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			if m != nil && m.From != "" {
				names = append(names, m.From)
			}
		}
	}
	return names
}

// Find returns the stage before the one of number before that has this name or number, or nil.
func (p *Plan) Find(name string, before int) *Stage {
	for _, s := range p.all[:min(before, len(p.all))] {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			return s
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < min(before, len(p.all)) {
		return p.all[i]
	}
	return nil
}

// byName returns the last stage so far of that name, which a FROM means; a number is no name here.
func (p *Plan) byName(name string) (found *Stage) {
	for _, s := range p.all {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			found = s
		}
	}
	return found
}

// keep leaves the stages that last needs.
func (p *Plan) keep(last *Stage) {
	needed := map[*Stage]bool{}
	var need func(s *Stage)
	need = func(s *Stage) {
		if needed[s] {
			return
		}
		needed[s] = true
		for _, other := range s.needs {
			need(other)
		}
	}
	need(last)
	for _, s := range p.all[:last.Index+1] {
		if needed[s] {
			p.Stages = append(p.Stages, s)
		}
	}
}

// Target is the stage that is asked for.
func (p *Plan) Target() *Stage { return p.Stages[len(p.Stages)-1] }

// Steps is how many instructions the plan has, those before the first FROM among them.
func (p *Plan) Steps(f *File) int {
	n := len(f.Args)
	for _, s := range p.Stages {
		n += s.Steps()
	}
	return n
}

// Steps is how many instructions the stage has, its FROM among them.
func (s *Stage) Steps() int { return 1 + len(s.Commands) }

// Location is where a stage's FROM stands.
func (s *Stage) Location() []parser.Range { return s.Stage.Location }
