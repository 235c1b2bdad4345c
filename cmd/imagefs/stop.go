package main

import (
	"errors"
	"fmt"

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
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	var failed []error
	for _, word := range args {
		req := imagefs.StopRequest{Container: word}
		if c.IsSet("timeout") {
			seconds := c.Int("timeout")
			req.Timeout = &seconds
		}
		if err := engine.Stop(c.Context, req); err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Println(word)
	}
	return errors.Join(append(failed, s.Close())...)
}
