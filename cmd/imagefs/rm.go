package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
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
	return eachContainer(c, func(engine *imagefs.Engine, word string) error {
		return engine.RemoveContainer(c.Context, word, c.Bool("force"))
	})
}

// eachContainer carries out a verb on each word, and prints those on which it succeeds. What fails does not keep the others
// from being tried.
func eachContainer(c *cli.Context, verb func(engine *imagefs.Engine, word string) error) error {
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
		if err := verb(engine, word); err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Println(word)
	}
	return errors.Join(append(failed, s.Close())...)
}
