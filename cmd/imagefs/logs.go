package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "Fetch the logs of a container",
		ArgsUsage: "CONTAINER",
		Description: `Of a container that was run with -d; what is run in the foreground is not kept.

Examples:

   imagefs logs web
   imagefs logs -f --tail 10 web`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the container ends"},
			&cli.StringFlag{Name: "tail", Aliases: []string{"n"}, Value: "all", Usage: "show the last `N` lines of what is there"},
			&cli.BoolFlag{Name: "timestamps", Aliases: []string{"t"}, Usage: "show when each line was written"},
			rootFlag(),
		},
		Action: logs,
	}
}

func logs(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	req := imagefs.LogsRequest{Container: args[0], Follow: c.Bool("follow"), Tail: -1, Timestamps: c.Bool("timestamps")}
	if tail := c.String("tail"); tail != "all" {
		if req.Tail, err = strconv.Atoi(tail); err != nil {
			return fmt.Errorf("invalid value for 'tail': %s is not a number, nor \"all\"", tail)
		}
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	return errors.Join(engine.Logs(c.Context, req, os.Stdout, os.Stderr), s.Close())
}
