package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/imagefs/imagefs"
)

func loadCommand() *cli.Command {
	return &cli.Command{
		Name:      "load",
		Usage:     "Load an image from a tar archive or STDIN",
		ArgsUsage: " ",
		Description: `Takes what 'docker save', 'podman save', 'skopeo copy' and 'imagefs save' write: a docker or an OCI archive, which may
be compressed with gzip, zstd or xz, or the directory of an OCI layout.

Examples:

   imagefs load -i web.tar.gz
   curl https://example.org/web.tar.zst | imagefs load
   imagefs load -i layout/`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "input", Aliases: []string{"i"}, Usage: "read `FILE`, or a directory, instead of STDIN"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "draw no bars"},
			rootFlag(),
		},
		Action: load,
	}
}

func load(c *cli.Context) error {
	if _, err := words(c, 0, 0); err != nil {
		return err
	}
	input := c.String("input")
	if input == "" && term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("requested load from stdin, but stdin is empty")
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	reporter := newQuietReporter(c.Bool("quiet"))
	if input == "" {
		err = loadStdin(c.Context, engine, reporter)
	} else {
		err = loadFile(c.Context, engine, input, reporter)
	}
	reporter.end(err)
	return errors.Join(err, s.Close())
}

// loadStdin reads a file at once that is stdin from its start; the rest of one, or a pipe, is a stream.
func loadStdin(ctx context.Context, engine *imagefs.Engine, reporter imagefs.Reporter) error {
	if offset, err := os.Stdin.Seek(0, io.SeekCurrent); err == nil && offset == 0 {
		_, err := engine.LoadFile(ctx, os.Stdin, reporter)
		return err
	}
	_, err := engine.Load(ctx, os.Stdin, reporter)
	return err
}

func loadFile(ctx context.Context, engine *imagefs.Engine, path string, reporter imagefs.Reporter) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = engine.LoadFile(ctx, f, reporter)
	return err
}
