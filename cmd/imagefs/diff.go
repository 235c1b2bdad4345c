package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "Inspect changes to files or directories on a container's filesystem",
		ArgsUsage: "CONTAINER",
		Description: `A line for each path that was added (A), changed (C) or deleted (D). Of two images: see 'imagefs image diff'.

Examples:

   imagefs diff web`,
		Flags:  []cli.Flag{rootFlag()},
		Action: diff,
	}
}

func diff(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	changes, err := engine.Changes(c.Context, args[0])
	out := bufio.NewWriter(os.Stdout)
	for _, change := range changes {
		fmt.Fprintln(out, change)
	}
	return errors.Join(err, out.Flush(), s.Close())
}
