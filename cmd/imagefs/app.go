package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func newApp() *cli.App {
	commands := []*cli.Command{
		mountCommand(), umountCommand(), upgradeCommand(), serveCommand(),
		pullCommand(), imagesCommand(), inspectCommand(), historyCommand(),
		versionCommand(), completionCommand(),
	}
	for _, command := range commands {
		command.HideHelpCommand = true
		command.OnUsageError = badUsage
		for _, flag := range command.Flags {
			if flag, ok := flag.(*cli.BoolFlag); ok {
				flag.DisableDefaultText = true
			}
		}
	}
	return &cli.App{
		Name:    "imagefs",
		Version: version(),
		Usage:   "container images as files",
		Description: `imagefs mounts container images as files: what docker's image commands do becomes cat, ls, grep and cp.

   imagefs mount -d ~/images                                  mount, in the background
   echo alpine:3.19 > ~/images/ctl/pull                       docker pull alpine:3.19
   cat ~/images/docker.io/library/alpine/3.19/inspect.json    docker inspect alpine:3.19
   ls ~/images/docker.io/library/alpine/3.19/rootfs           its files
   imagefs umount ~/images

The commands below work with or without a mount.`,
		UseShortOptionHandling: true,
		Commands:               commands,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{"imagefs", fmt.Errorf("unknown command: imagefs %s", c.Args().First())}
			}
			return cli.ShowAppHelp(c)
		},
		OnUsageError:   badUsage,
		ExitErrHandler: func(*cli.Context, error) {}, // main reports
	}
}

func badUsage(c *cli.Context, err error, _ bool) error {
	command := "imagefs"
	if c.Command != nil && c.Command.Name != command {
		command += " " + c.Command.Name
	}
	return &usageError{command, err}
}
