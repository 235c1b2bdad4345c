package control

import (
	"context"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// Builder is what ctl/build needs.
type Builder interface {
	Build(ctx context.Context, req imagefs.BuildRequest, report imagefs.Reporter) (*store.Image, error)
}

// Build is docker's verb, of a directory or a URL.
func Build(b Builder) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.BuildRequest
		var paths imagefs.BuildPaths
		rest, err := options{
			flags: map[string]*bool{
				"--no-cache": &req.NoCache, "--pull": &req.Pull, "-q": &req.Quiet, "--quiet": &req.Quiet,
			},
			values: map[string]*string{
				"-f": &paths.Dockerfile, "--file": &paths.Dockerfile, "--target": &req.Target, "--platform": &req.Platform,
				"--network": &req.Network, "--builder": &req.Builder, "--buildkit-addr": &req.BuildKit,
			},
			lists: map[string]*[]string{
				"-t": &req.Tags, "--tag": &req.Tags, "--build-arg": &paths.Args, "--label": &req.Labels,
				"--cache-from": &req.CacheFrom, "--secret": &paths.Secrets,
			},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if paths.Context, err = one(rest, "path"); err != nil {
			return nil, err
		}
		return func(ctx context.Context, j Job) error {
			req, paths := req, paths
			paths.Open = j.Open
			files, err := req.Open(ctx, paths)
			if err != nil {
				return err
			}
			defer files.Close()
			_, err = b.Build(ctx, req, j)
			return err
		}, nil
	}
	return Verb{
		Name: "build",
		Usage: "[-d] [-f PATH] [-t NAME[:TAG]]... [--build-arg NAME=VALUE]... [--label NAME=VALUE]... [--target NAME] " +
			"[--platform PLATFORM] [--network NETWORK] [--secret id=ID[,src=FILE]]... [--cache-from IMAGE]... [--no-cache] [--pull] " +
			"[-q] [--builder imagefs|buildkit] [--buildkit-addr ADDRESS] PATH|URL",
		Paths: true, Parse: parse,
	}
}
