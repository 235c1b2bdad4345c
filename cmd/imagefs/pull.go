package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "Pull an image or a repository from a registry",
		ArgsUsage: "NAME[:TAG|@DIGEST]",
		Description: `Examples:

   imagefs pull alpine:3.19
   imagefs pull --platform linux/arm64 alpine
   imagefs pull --all-platforms ghcr.io/project/image:v1
   imagefs pull 127.0.0.1:5000/image@sha256:b490f108…`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "all-tags", Aliases: []string{"a"}, Usage: "download all tagged images in the repository"},
			&cli.StringFlag{Name: "platform", Usage: "download for `OS/ARCH[/VARIANT]` instead of for this machine"},
			&cli.BoolFlag{Name: "all-platforms", Usage: "download for all platforms there are"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only the name"},
			trustFlag(),
			rootFlag(),
		}, registryFlags()...),
		Action: pull,
	}
}

func pull(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	reporter := newReporter(c.Bool("quiet"))
	_, err = engine.Pull(c.Context, imagefs.PullRequest{
		Ref:          args[0],
		Platform:     c.String("platform"),
		AllPlatforms: c.Bool("all-platforms"),
		AllTags:      c.Bool("all-tags"),
	}, reporter)
	reporter.end(err)
	return errors.Join(err, s.Close())
}
