package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"
)

func rmCommand() *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "Remove one or more containers",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Description: `Examples:

   imagefs rm web
   imagefs rm $(imagefs ps -aq)`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "end what runs in a container, or has a file of it open"},
			&cli.BoolFlag{Name: "volumes", Aliases: []string{"v"}, Usage: "for docker's sake: there are no anonymous volumes"},
			rootFlag(),
		},
		Action: rm,
	}
}

func rm(c *cli.Context) error {
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
		if err := engine.RemoveContainer(c.Context, word, c.Bool("force")); err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Println(word)
	}
	return errors.Join(append(failed, s.Close())...)
}
