package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/fs"
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
			&cli.StringSliceFlag{Name: "cache-from", Usage: "take steps that are the same from `IMAGE`, which is pulled if it is not there"},
			&cli.BoolFlag{Name: "pull", Usage: "pull bases, though they are there"},
			&cli.StringSliceFlag{Name: "secret", Usage: "let RUN mount a secret: `id=ID[,src=FILE|,env=NAME]`"},
			&cli.StringFlag{Name: "network", Usage: "RUN's `NETWORK`: default, none or host"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write it to `type=oci|docker|tar|local,dest=PATH` too"},
			&cli.StringFlag{Name: "iidfile", Usage: "write the image's ID to `FILE`"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the image's ID only"},
			&cli.StringFlag{Name: "builder", Usage: "imagefs, or `buildkit`: a BuildKit daemon, through buildctl"},
			&cli.StringFlag{Name: "buildkit-addr", Usage: "the daemon's `ADDRESS`: tcp://HOST:PORT or unix://PATH"},
			&cli.StringFlag{Name: "progress", Value: "auto", EnvVars: []string{"BUILDKIT_PROGRESS"}, Usage: "`MODE` of the output: auto, plain, tty or rawjson"},
			&cli.BoolFlag{Name: "rm", Usage: "for docker's sake: no intermediate container stays"},
			&cli.BoolFlag{Name: "force-rm", Usage: "for docker's sake: no intermediate container stays"},
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
		Tags: c.StringSlice("tag"), Labels: c.StringSlice("label"),
		Target: c.String("target"), Platform: c.String("platform"),
		CacheFrom: c.StringSlice("cache-from"), NoCache: c.Bool("no-cache"), Pull: c.Bool("pull"), Quiet: c.Bool("quiet"),
		Network: c.String("network"), Builder: c.String("builder"), BuildKit: c.String("buildkit-addr"),
	}
	output, out, err := outputOf(c)
	if err != nil {
		return err
	}
	newReporter, err := buildReporter(c.String("progress"), req.Quiet, out)
	if err != nil {
		return err
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		epoch, err := imagefs.ParseEpoch(text)
		if err != nil {
			return err
		}
		req.Epoch = &epoch
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	defer s.Close()
	content, err := fs.ContentOf(s.Dir())
	if err != nil && imagefs.KindOf(err) != imagefs.NotFound {
		return err
	}
	engine.UseContent(content)
	mounts := content == "" && container.MayMount() && req.Builder != "buildkit"
	if mounts && (args[0] == "-" || c.String("file") == "-") {
		return runPrivately(s.Dir()) // what it reads cannot be read again
	}
	files, err := req.Open(c.Context, imagefs.BuildPaths{
		Context: args[0], Dockerfile: c.String("file"), Args: c.StringSlice("build-arg"), Secrets: c.StringSlice("secret"),
		Open: os.Open, Stdin: os.Stdin, Env: os.LookupEnv,
	})
	if err != nil {
		return err
	}
	defer files.Close()
	if mounts && engine.Runs(req) {
		return runPrivately(s.Dir())
	}
	reporter := newReporter()
	img, err := engine.Build(c.Context, req, reporter)
	reporter.end(err)
	if mounts && errors.Is(err, container.ErrNotMounted) {
		return runPrivately(s.Dir()) // a base's trigger has a RUN, and what was built so far is in the cache
	}
	if err == nil && output != nil {
		err = engine.Output(c.Context, img, req.Tags, *output, os.Stdout)
	}
	if file := c.String("iidfile"); err == nil && file != "" {
		err = os.WriteFile(file, []byte(img.ID.String()), 0o666)
	}
	return err
}

// outputOf is --output, nil if there is none, and where else than there a build writes.
func outputOf(c *cli.Context) (*imagefs.BuildOutput, *os.File, error) {
	text := c.String("output")
	if text == "" {
		return nil, os.Stdout, nil
	}
	o, err := imagefs.ParseBuildOutput(text)
	if o.Dest == "-" {
		return &o, os.Stderr, err
	}
	return &o, os.Stdout, err
}
