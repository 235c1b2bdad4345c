package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/imagefs/imagefs"
)

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "Download an image from a registry",
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
	reporter.end()
	return errors.Join(err, s.Close())
}

// reporter shows how a pull goes on; end is called once, after all reports.
type reporter interface {
	imagefs.Reporter
	end()
}

func newReporter(quiet bool) reporter {
	switch {
	case quiet:
		return &lastLine{out: os.Stdout}
	case hasRoom(os.Stdout):
		return &bars{out: os.Stdout}
	}
	return &lines{out: os.Stdout}
}

// hasRoom tells whether f is a terminal that knows its size; bars need some.
func hasRoom(f *os.File) bool {
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}
