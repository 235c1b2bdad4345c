package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/imagefs/imagefs"
)

func saveCommand() *cli.Command {
	return &cli.Command{
		Name:      "save",
		Usage:     "Save one or more images to a tar archive (streamed to STDOUT by default)",
		ArgsUsage: "IMAGE [IMAGE...]",
		Description: `Examples:

   imagefs save -o web.tar web:v1 web:v2
   imagefs save -o web.tar.zst web                            all its tags, compressed
   imagefs save --not-in web:v1 web:v2 > update.tar           for a machine that has web:v1
   imagefs save --format oci-archive alpine | ssh HOST imagefs load`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, compressed if it ends in .gz, .tgz or .zst"},
			&cli.StringFlag{Name: "format", Usage: "`FORMAT` of the archive: docker-archive or oci-archive", Value: "docker-archive"},
			&cli.StringSliceFlag{Name: "not-in", Usage: "leave out the layers that `IMAGE` has"},
			rootFlag(),
		},
		Action: save,
	}
}

func save(c *cli.Context) error {
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	output := c.String("output")
	if output == "" && term.IsTerminal(int(os.Stdout.Fd())) {
		return errors.New("cowardly refusing to save to a terminal. Use the -o flag or redirect")
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	req := imagefs.SaveRequest{Refs: args, Format: c.String("format"), NotIn: c.StringSlice("not-in")}
	if output == "" {
		err = engine.Save(c.Context, req, os.Stdout)
	} else {
		err = saveTo(c.Context, engine, req, output)
	}
	return errors.Join(err, s.Close())
}
