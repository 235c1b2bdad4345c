package main

import (
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func tagCommand() *cli.Command {
	return &cli.Command{
		Name:      "tag",
		Usage:     "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
		ArgsUsage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
		Description: `Examples:

   imagefs tag alpine:3.19 registry.lan:5000/alpine:3.19
   imagefs tag 81e7034c8b70 golang:old`,
		Flags:  []cli.Flag{rootFlag()},
		Action: tag,
	}
}

func tag(c *cli.Context) error {
	args, err := words(c, 2, 2)
	if err != nil {
		return err
	}
	if _, err := reference.ParseNormalizedNamed(args[1]); err != nil {
		const text = "Error parsing reference: %q is not a valid repository/tag: %w"
		return &imagefs.Error{Kind: imagefs.Invalid, Subject: args[1], Err: fmt.Errorf(text, args[1], err)}
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	return errors.Join(engine.Tag(c.Context, args[0], args[1]), s.Close())
}
