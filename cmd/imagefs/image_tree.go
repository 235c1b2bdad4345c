package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func imageTreeCommand() *cli.Command {
	return &cli.Command{
		Name:      "tree",
		Usage:     "Print an image's layers in a tree format",
		ArgsUsage: "IMAGE",
		Description: `Prints the layers, base first, their sizes, and which images end with each of them.

Examples:

   imagefs image tree alpine:3.19`,
		Flags:  []cli.Flag{rootFlag()},
		Action: imageTree,
	}
}

func imageTree(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	s, snap, err := openStore(c.Context, c.String("root"))
	if err != nil {
		return err
	}
	defer s.Close()
	img, err := imagefs.Resolve(snap, args[0])
	if err != nil {
		return err
	}
	tree, err := imagefs.Tree(s, snap, img)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(tree.Text())
	return err
}
