package control

import (
	"context"

	units "github.com/docker/go-units"

	"github.com/imagefs/imagefs"
)

// Pruner is what ctl/prune needs.
type Pruner interface {
	Prune(ctx context.Context, req imagefs.PruneRequest, report imagefs.Reporter) (reclaimed int64, err error)
	PruneBuilds(ctx context.Context, req imagefs.PruneBuildsRequest) (reclaimed int64, err error)
}

// Prune is docker's image prune or, with "builder" for its first word, builder prune. It asks nothing, with -f or
// without.
func Prune(p Pruner) Verb {
	parse := func(words []string) (Work, error) {
		if len(words) > 0 && words[0] == "builder" {
			return pruneBuilds(p, words[1:])
		}
		return pruneImages(p, words)
	}
	return Verb{
		Name: "prune", Usage: "[-d] [builder] [-a] [--filter KEY=VALUE]... [--dry-run] [--keep-storage SIZE]", Parse: parse,
	}
}

func pruneImages(p Pruner, words []string) (Work, error) {
	var req imagefs.PruneRequest
	o := options{
		flags: map[string]*bool{"-a": &req.All, "--all": &req.All, "--dry-run": &req.DryRun},
		lists: map[string]*[]string{"--filter": &req.Filters},
	}
	if err := o.parsePrune(words, &req.KeepStorage); err != nil {
		return nil, err
	}
	return func(ctx context.Context, j Job) error {
		reclaimed, err := p.Prune(ctx, req, j)
		return tellReclaimed(j, reclaimed, err)
	}, nil
}

func pruneBuilds(p Pruner, words []string) (Work, error) {
	var req imagefs.PruneBuildsRequest
	o := options{
		flags: map[string]*bool{"-a": &req.All, "--all": &req.All},
		lists: map[string]*[]string{"--filter": &req.Filters},
	}
	if err := o.parsePrune(words, &req.KeepStorage); err != nil {
		return nil, err
	}
	return func(ctx context.Context, j Job) error {
		reclaimed, err := p.PruneBuilds(ctx, req)
		return tellReclaimed(j, reclaimed, err)
	}, nil
}

// parsePrune parses the words with those options too that all prunes have.
func (o options) parsePrune(words []string, keepStorage *int64) error {
	var force bool
	var keep string
	o.flags["-f"], o.flags["--force"] = &force, &force
	o.values = map[string]*string{"--keep-storage": &keep}
	rest, err := o.parse(words)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return invalid(rest[0], "", "prune takes options only")
	}
	if keep == "" {
		return nil
	}
	if *keepStorage, err = units.RAMInBytes(keep); err != nil {
		return invalid(keep, "", "%v", err)
	}
	return nil
}

func tellReclaimed(j Job, reclaimed int64, err error) error {
	if err == nil {
		j.Line("Total reclaimed space: " + units.HumanSize(float64(reclaimed)))
	}
	return err
}
