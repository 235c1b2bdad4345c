package control

import (
	"context"

	units "github.com/docker/go-units"

	"github.com/imagefs/imagefs"
)

// Pruner is what ctl/prune needs.
type Pruner interface {
	Prune(ctx context.Context, req imagefs.PruneRequest, report imagefs.Reporter) (reclaimed int64, err error)
}

// Prune is docker's image prune. It asks nothing, with -f or without.
func Prune(p Pruner) Verb {
	parse := func(words []string) (Work, error) {
		var (
			req   imagefs.PruneRequest
			force bool
			keep  string
		)
		rest, err := options{
			flags: map[string]*bool{
				"-a": &req.All, "--all": &req.All, "--dry-run": &req.DryRun, "-f": &force, "--force": &force,
			},
			values: map[string]*string{"--keep-storage": &keep},
			lists:  map[string]*[]string{"--filter": &req.Filters},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if len(rest) > 0 {
			return nil, invalid(rest[0], "", "prune takes options only")
		}
		if keep != "" {
			if req.KeepStorage, err = units.RAMInBytes(keep); err != nil {
				return nil, invalid(keep, "", "%v", err)
			}
		}
		return func(ctx context.Context, j Job) error {
			reclaimed, err := p.Prune(ctx, req, j)
			if err == nil {
				j.Line("Total reclaimed space: " + units.HumanSize(float64(reclaimed)))
			}
			return err
		}, nil
	}
	return Verb{
		Name: "prune", Usage: "[-d] [-a] [--filter KEY=VALUE]... [--dry-run] [--keep-storage SIZE]", Parse: parse,
	}
}
