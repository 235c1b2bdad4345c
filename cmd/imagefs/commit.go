package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func commitCommand() *cli.Command {
	return &cli.Command{
		Name:      "commit",
		Usage:     "Create a new image from a container's changes",
		ArgsUsage: "CONTAINER [REPOSITORY[:TAG]]",
		Description: `Examples:

   imagefs commit web web:v1
   imagefs commit -a me -m "with a motd" -c 'CMD ["sh"]' -c 'ENV A=b' web web:v2`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "author", Aliases: []string{"a"}, Usage: "set the image's author to `TEXT`"},
			&cli.StringSliceFlag{Name: "change", Aliases: []string{"c"}, Usage: "apply a Dockerfile's `INSTRUCTION` to the image"},
			&cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "set the comment to `TEXT`"},
			&cli.BoolFlag{Name: "pause", Aliases: []string{"p"}, Usage: "for docker's sake: what runs in the container goes on"},
			rootFlag(),
		},
		Action: commit,
	}
}

func commit(c *cli.Context) error {
	args, err := wordsBetween(c, 1, 2)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	req := imagefs.CommitRequest{
		Container: args[0], Author: c.String("author"), Message: c.String("message"), Changes: c.StringSlice("change"),
	}
	if len(args) > 1 {
		req.Ref = args[1]
	}
	_, err = engine.Commit(c.Context, req, &lines{out: os.Stdout})
	return errors.Join(err, s.Close())
}
