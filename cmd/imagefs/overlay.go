package main

import (
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs/builder/container"
)

func overlayCommand() *cli.Command {
	return &cli.Command{
		Name:            container.Helper,
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return container.Help(c.Args().Slice()) },
	}
}
