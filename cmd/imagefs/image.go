package main

import (
	"github.com/urfave/cli/v2"
)

// imageCommand is docker's management command: the image commands under one name, and those that have no other.
func imageCommand() *cli.Command {
	return &cli.Command{
		Name:      "image",
		Usage:     "Manage images",
		ArgsUsage: "COMMAND",
		Subcommands: []*cli.Command{
			buildCommand(), imageDiffCommand(), historyCommand(), importCommand(), imageInspectCommand(), loadCommand(),
			named(imagesCommand(), "ls", "list"), imageMountCommand(), pruneCommand(), pullCommand(), pushCommand(),
			named(rmiCommand(), "rm", "rmi", "remove"), saveCommand(), tagCommand(), imageTreeCommand(),
		},
		Action: imageHelp,
	}
}

func named(command *cli.Command, name string, aliases ...string) *cli.Command {
	command.Name, command.Aliases = name, aliases
	return command
}

// imageHelp is what docker answers where there is no such command, too.
func imageHelp(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowSubcommandHelp(c)
	}
	c.App.Writer = c.App.ErrWriter
	if err := cli.ShowSubcommandHelp(c); err != nil {
		return err
	}
	return &silentError{exitFailed}
}
