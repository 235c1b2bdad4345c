package main

import (
	"errors"
	"os"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func pushCommand() *cli.Command {
	return &cli.Command{
		Name:      "push",
		Usage:     "Push an image or a repository to a registry",
		ArgsUsage: "NAME[:TAG]",
		Description: `Examples:

   imagefs push registry.lan:5000/web:v1
   imagefs push --all-tags registry.lan:5000/web`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "all-tags", Aliases: []string{"a"}, Usage: "push all tags of the repository"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only the name"},
			trustFlag(),
			rootFlag(),
		}, registryFlags()...),
		Action: push,
	}
}

// trustFlag is there for docker's sake, whose default it is.
func trustFlag() cli.Flag {
	return &cli.BoolFlag{Name: "disable-content-trust", Value: true, Usage: "for docker's sake: signatures are not looked at"}
}

func push(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	reporter := newReporter(false)
	if c.Bool("quiet") {
		reporter = &onlyName{out: os.Stdout, name: pushedName(args[0], c.Bool("all-tags"))}
	}
	err = engine.Push(c.Context, imagefs.PushRequest{Ref: args[0], AllTags: c.Bool("all-tags")}, reporter)
	reporter.end(err)
	return errors.Join(err, s.Close())
}

// pushedName is what docker push --quiet prints; "" for what is no name.
func pushedName(word string, allTags bool) string {
	named, err := reference.ParseNormalizedNamed(word)
	if err != nil {
		return ""
	}
	if !allTags {
		named = reference.TagNameOnly(named)
	}
	return named.String()
}
