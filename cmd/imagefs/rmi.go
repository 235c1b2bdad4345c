package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func rmiCommand() *cli.Command {
	return &cli.Command{
		Name:      "rmi",
		Usage:     "Remove one or more images",
		ArgsUsage: "IMAGE [IMAGE...]",
		Description: `Examples:

   imagefs rmi alpine:3.19                    its tag, and the image if it was the last
   imagefs rmi -f 81e7034c8b70                with all of its tags
   imagefs rmi $(imagefs images -qf dangling=true)`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "remove an image with several tags, or which is in use"},
			&cli.BoolFlag{Name: "no-prune", Usage: "for docker's sake: there are no untagged parents to keep"},
			rootFlag(),
		},
		Action: rmi,
	}
}

func rmi(c *cli.Context) error {
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	err = engine.Remove(c.Context, imagefs.RemoveRequest{Refs: args, Force: c.Bool("force")}, &lines{out: os.Stdout})
	if err != nil && c.Bool("force") && onlyMissing(err) {
		err = &statusError{err, exitOK}
	}
	return errors.Join(err, s.Close())
}

// onlyMissing tells whether all the errors that err joins are images that do not exist: -f complains, and succeeds.
func onlyMissing(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			if !onlyMissing(one) {
				return false
			}
		}
		return true
	}
	return imagefs.KindOf(err) == imagefs.NotFound
}
