package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/shlex"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/fs"
)

func createCommand() *cli.Command {
	return &cli.Command{
		Name:      "create",
		Usage:     "Create a new container",
		ArgsUsage: "IMAGE [COMMAND] [ARG...]",
		Description: `The container is a writable view of the image's root filesystem, below containers/NAME of a mount. Nothing runs in it.

Examples:

   imagefs create --name web alpine:3.19
   echo hello > ~/images/containers/web/rootfs/etc/motd
   imagefs diff web
   imagefs commit web web:v1`,
		Flags:  containerFlags(),
		Action: create,
	}
}

// containerFlags are those of the commands that make a container.
func containerFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "call the container `NAME`"},
		&cli.StringFlag{Name: "entrypoint", Usage: "run `COMMAND` instead of the image's entrypoint"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set `NAME=VALUE`, or NAME to what it is here"},
		&cli.StringSliceFlag{Name: "env-file", Usage: "set what the lines of `FILE` say"},
		&cli.StringFlag{Name: "hostname", Usage: "call the host `NAME`"},
		&cli.StringSliceFlag{Name: "label", Aliases: []string{"l"}, Usage: "set the label `KEY=VALUE`"},
		&cli.StringFlag{Name: "pull", Value: "missing", Usage: "pull the image `WHEN`: always, missing or never"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `NAME|UID[:GROUP|GID]`"},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "run in `DIR`"},
		rootFlag(),
	}, registryFlags()...)
}

func create(c *cli.Context) error {
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	req := imagefs.CreateRequest{Image: args[0], Name: c.String("name")}
	if req.Config, err = containerConfig(c, args[1:]); err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	content, err := fs.ContentOf(s.Dir())
	if err != nil && imagefs.KindOf(err) != imagefs.NotFound {
		return errors.Join(err, s.Close())
	}
	engine.UseContent(content)
	_, err = createPulled(c, engine, req, &lines{out: os.Stdout})
	return errors.Join(err, s.Close())
}

// containerConfig is what the options say.
func containerConfig(c *cli.Context, command []string) (imagefs.ContainerConfig, error) {
	config := imagefs.ContainerConfig{
		Cmd: command, Hostname: c.String("hostname"), User: c.String("user"), WorkingDir: c.String("workdir"),
	}
	pairs, err := envFiles(c.StringSlice("env-file"))
	if err != nil {
		return config, err
	}
	for _, pair := range append(pairs, c.StringSlice("env")...) {
		if !strings.Contains(pair, "=") {
			value, ok := os.LookupEnv(pair)
			if !ok {
				continue
			}
			pair += "=" + value
		}
		config.Env = append(config.Env, pair)
	}
	for _, pair := range c.StringSlice("label") {
		if config.Labels == nil {
			config.Labels = map[string]string{}
		}
		key, value, _ := strings.Cut(pair, "=")
		config.Labels[key] = value
	}
	if c.IsSet("entrypoint") {
		words, err := shlex.Split(c.String("entrypoint"))
		config.Entrypoint = append([]string{}, words...)
		return config, err
	}
	return config, nil
}

// envFiles are the lines of files: NAME=VALUE, or NAME.
func envFiles(files []string) (pairs []string, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
			if line != "" && line[0] != '#' {
				pairs = append(pairs, line)
			}
		}
	}
	return pairs, nil
}

// createPulled creates, and pulls the image before as --pull says.
func createPulled(c *cli.Context, engine *imagefs.Engine, req imagefs.CreateRequest, report imagefs.Reporter) (*container.Container, error) {
	when := c.String("pull")
	if !slices.Contains([]string{"always", "missing", "never"}, when) {
		return nil, fmt.Errorf("invalid pull option: '%s': must be one of \"always\", \"missing\" or \"never\"", when)
	}
	pull := func() error {
		_, err := engine.Pull(c.Context, imagefs.PullRequest{Ref: req.Image}, &lines{out: os.Stderr})
		return err
	}
	if when == "always" {
		if err := pull(); err != nil {
			return nil, err
		}
	}
	made, err := engine.Create(c.Context, req, report)
	if when != "missing" || !isMissingImage(err, req.Image) {
		return made, err
	}
	if named, err := reference.ParseNormalizedNamed(req.Image); err == nil {
		fmt.Fprintf(os.Stderr, "Unable to find image '%s' locally\n", reference.FamiliarString(reference.TagNameOnly(named)))
	}
	if err := pull(); err != nil {
		return nil, err
	}
	return engine.Create(c.Context, req, report)
}

func isMissingImage(err error, image string) bool {
	var e *imagefs.Error
	return errors.As(err, &e) && e.Kind == imagefs.NotFound && e.Subject == image
}
