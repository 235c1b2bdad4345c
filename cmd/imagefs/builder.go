package main

import (
	"fmt"
	"os"

	units "github.com/docker/go-units"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

// builderCommand is docker's management command.
func builderCommand() *cli.Command {
	return &cli.Command{
		Name:        "builder",
		Usage:       "Manage builds",
		ArgsUsage:   "COMMAND",
		Subcommands: []*cli.Command{builderPruneCommand(), named(buildCommand(), "build")},
		Action:      imageHelp,
	}
}

func builderPruneCommand() *cli.Command {
	return &cli.Command{
		Name:      "prune",
		Usage:     "Remove build cache",
		ArgsUsage: " ",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "remove what RUN's cache mounts hold, too"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "do not ask"},
			&cli.StringSliceFlag{Name: "filter", Usage: "until=`TIME|DURATION`: what no build has used since"},
			&cli.StringFlag{Name: "keep-storage", Usage: "keep what was used last, as long as it takes no more than `SIZE`"},
			rootFlag(),
		},
		Action: builderPrune,
	}
}

func builderPrune(c *cli.Context) error {
	if _, err := words(c, 0, 0); err != nil {
		return err
	}
	req := imagefs.PruneBuildsRequest{All: c.Bool("all"), Filters: c.StringSlice("filter")}
	var err error
	if req.KeepStorage, err = keepStorage(c); err != nil {
		return err
	}
	const warning = "WARNING! This will remove all dangling build cache."
	if !c.Bool("force") && !confirmed(os.Stdin, os.Stdout, warning) {
		fmt.Println("Total reclaimed space: 0B")
		return nil
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	defer s.Close()
	reclaimed, err := engine.PruneBuilds(c.Context, req)
	if err != nil {
		return err
	}
	fmt.Println("Total reclaimed space:", units.HumanSize(float64(reclaimed)))
	return nil
}
