package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "Build an image from a Dockerfile",
		ArgsUsage: "PATH | URL | -",
		Description: `Examples:

   imagefs build -t web:v1 -f Dockerfile.httpd .
   imagefs build --build-arg VERSION=3 --target release .
   tar -c . | imagefs build -t web -
   imagefs build --output type=oci,dest=web.tar .`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "`PATH` of the Dockerfile, or -"},
			&cli.StringSliceFlag{Name: "tag", Aliases: []string{"t"}, Usage: "give the image this `NAME[:TAG]`"},
			&cli.StringSliceFlag{Name: "build-arg", Usage: "set a variable of ARG: `NAME[=VALUE]`"},
			&cli.StringSliceFlag{Name: "label", Usage: "give the image a label: `NAME=VALUE`"},
			&cli.StringFlag{Name: "target", Usage: "build the stage `NAME`"},
			&cli.StringFlag{Name: "platform", Usage: "build for `OS/ARCH[/VARIANT]`"},
			&cli.BoolFlag{Name: "no-cache", Usage: "carry out every step anew"},
			&cli.BoolFlag{Name: "pull", Usage: "pull bases, though they are there"},
			&cli.StringFlag{Name: "iidfile", Usage: "write the image's ID to `FILE`"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the image's ID only"},
			rootFlag(),
		},
		Action: build,
	}
}

func build(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	req := imagefs.BuildRequest{
		Tags: c.StringSlice("tag"), Args: buildArgs(c.StringSlice("build-arg")), Labels: c.StringSlice("label"),
		Target: c.String("target"), Platform: c.String("platform"),
		NoCache: c.Bool("no-cache"), Pull: c.Bool("pull"), Quiet: c.Bool("quiet"),
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		epoch, err := imagefs.ParseEpoch(text)
		if err != nil {
			return err
		}
		req.Epoch = &epoch
	}
	files, err := req.Open(c.Context, imagefs.BuildPaths{
		Context: args[0], Dockerfile: c.String("file"), Open: os.Open, Stdin: os.Stdin,
	})
	if err != nil {
		return err
	}
	defer files.Close()
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	reporter := newQuietReporter(false)
	img, err := engine.Build(c.Context, req, reporter)
	reporter.end(err)
	if file := c.String("iidfile"); err == nil && file != "" {
		err = os.WriteFile(file, []byte(img.ID.String()), 0o666)
	}
	return errors.Join(err, s.Close())
}

// buildArgs gives those that have no value the one of the environment, or leaves them out.
func buildArgs(words []string) (args []string) {
	for _, word := range words {
		if strings.Contains(word, "=") {
			args = append(args, word)
		} else if value, ok := os.LookupEnv(word); ok {
			args = append(args, fmt.Sprintf("%s=%s", word, value))
		}
	}
	return args
}
