package main

import (
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func stopCommand() *cli.Command {
	return &cli.Command{
		Name:      "stop",
		Usage:     "Stop one or more running containers",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Description: `By the signal that the image asks for, which is SIGTERM unless it says so, and if that does not help by SIGKILL.

Examples:

   imagefs stop web
   imagefs stop -t 1 $(imagefs ps -q)`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "timeout", Aliases: []string{"t", "time"}, Value: 10, Usage: "wait `SECONDS` before killing it; -1 for ever"},
			rootFlag(),
		},
		Action: stop,
	}
}

func stop(c *cli.Context) error {
	return eachContainer(c, func(engine *imagefs.Engine, word string) error {
		req := imagefs.StopRequest{Container: word}
		if c.IsSet("timeout") {
			seconds := c.Int("timeout")
			req.Timeout = &seconds
		}
		return engine.Stop(c.Context, req)
	})
}
