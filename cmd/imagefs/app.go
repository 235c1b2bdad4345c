package main

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/urfave/cli/v2"
)

func newApp() *cli.App {
	app := &cli.App{
		Name:     "imagefs",
		HelpName: "imagefs",
		Version:  version(),
		Usage:    "container images as files",
		Description: `imagefs mounts container images as files: what docker's image commands do becomes cat, ls, grep and cp.

   imagefs mount -d ~/images                                  mount, in the background
   echo alpine:3.19 > ~/images/ctl/pull                       docker pull alpine:3.19
   cat ~/images/docker.io/library/alpine/3.19/inspect.json    docker inspect alpine:3.19
   ls ~/images/docker.io/library/alpine/3.19/rootfs           its files
   imagefs umount ~/images

The commands below work with or without a mount.`,
		DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{
			mountCommand(), umountCommand(), upgradeCommand(), serveCommand(), tellCommand(),
			imageCommand(), imagesCommand(), pullCommand(), pushCommand(), tagCommand(), rmiCommand(),
			buildCommand(), builderCommand(), saveCommand(), loadCommand(), importCommand(), inspectCommand(), historyCommand(),
			searchCommand(), loginCommand(), logoutCommand(), eventsCommand(),
			createCommand(), runCommand(), psCommand(), logsCommand(), stopCommand(),
			diffCommand(), commitCommand(), cpCommand(), rmCommand(),
			overlayCommand(), runnerCommand(), sweepCommand(), monitorCommand(), privateCommand(),
			versionCommand(), completionCommand(),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				const text = "imagefs: '%s' is not an imagefs command.\nSee 'imagefs --help'"
				return &usageError{fmt.Sprintf(text, c.Args().First()), exitFailed}
			}
			return cli.ShowAppHelp(c)
		},
		OnUsageError:   badUsage,
		ExitErrHandler: func(*cli.Context, error) {}, // main reports
	}
	finish(app.Commands)
	return app
}

// finish sets what all commands have alike.
func finish(commands []*cli.Command) {
	for _, command := range commands {
		command.HideHelpCommand = true
		command.OnUsageError = badUsage
		for _, flag := range command.Flags {
			if flag, ok := flag.(*cli.BoolFlag); ok {
				flag.DisableDefaultText = true
			}
		}
		if slices.Contains(brief, command.Name) {
			command.Before = collectLittle
		}
		finish(command.Subcommands)
	}
}

// brief are the commands that read the store, do little, and end: they leave most of their garbage to the system. With a
// thousand images a third of their time was the collector's.
var brief = []string{"images", "ls", "tag", "rmi", "rm", "inspect", "history"}

func collectLittle(*cli.Context) error {
	debug.SetGCPercent(400)
	return nil
}

func badUsage(c *cli.Context, err error, _ bool) error {
	command := c.App.Name
	if c.Command != nil && c.Command.HelpName != "" {
		command = c.Command.HelpName
	}
	return badOption(command, "%v", err)
}
