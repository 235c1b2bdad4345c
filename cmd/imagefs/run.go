package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/runner"
	"github.com/imagefs/imagefs/fs"
	"github.com/imagefs/imagefs/store"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "Create and run a new container from an image",
		ArgsUsage: "IMAGE [COMMAND] [ARG...]",
		Description: `It is for trying an image, not for running services: nothing is started again. Where the store is not mounted, it is for
as long as the container runs, and for it alone. What runs cannot see the host, but for what --volume and --network say.

Examples:

   imagefs run --rm -it alpine:3.19 sh
   imagefs run -d --name web -p 8001:80 web:v1
   imagefs logs -f web
   imagefs stop web`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "run in the background, and print the container's ID"},
			&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "give it the standard input"},
			&cli.StringFlag{Name: "network", Aliases: []string{"net"}, Usage: "connect it to `NETWORK`: pasta (its own, with a way out), host or none"},
			&cli.StringSliceFlag{Name: "publish", Aliases: []string{"p"}, Usage: "publish a port of its network: `[[IP:]HOST:]CONTAINER[/udp]`"},
			&cli.BoolFlag{Name: "rm", Usage: "remove the container when it ends"},
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give it a terminal"},
			&cli.StringSliceFlag{Name: "volume", Aliases: []string{"v"}, Usage: "mount a directory of the host: `HOST:CONTAINER[:ro]`"},
		}, containerFlags()...),
		Action: runContainer,
	}
}

// runContainer ends with the status of what it runs, or as docker does: 125, 126 and 127.
func runContainer(c *cli.Context) error {
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	status, err := runWords(c, args)
	var exit *silentError
	switch {
	case errors.As(err, &exit):
		return exit
	case err != nil && status != exitOK:
		return &statusError{err, status}
	case err == nil && status != exitOK:
		return &silentError{status}
	}
	return err
}

func runWords(c *cli.Context, args []string) (status int, err error) {
	if c.Bool("tty") && c.Bool("interactive") && !c.Bool("detach") && !term.IsTerminal(int(os.Stdin.Fd())) {
		return exitFailed, errors.New("the input device is not a TTY")
	}
	create := imagefs.CreateRequest{Image: args[0], Name: c.String("name"), Runs: true}
	if create.Config, err = containerConfig(c, args[1:]); err != nil {
		return exitUsage, err
	}
	create.Config.Tty, create.Config.OpenStdin = c.Bool("tty"), c.Bool("interactive")
	create.Config.AttachStdin = create.Config.OpenStdin && !c.Bool("detach")
	create.Config.StdinOnce = create.Config.AttachStdin
	req, err := runRequest(c)
	if err != nil {
		return exitUsage, err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return exitUsage, err
	}
	content, err := fs.ContentOf(s.Dir())
	switch {
	case err == nil:
		engine.UseContent(content)
	case imagefs.KindOf(err) != imagefs.NotFound:
		return exitUsage, errors.Join(err, s.Close())
	case !c.Bool("detach"):
		return exitOK, errors.Join(runPrivately(s.Dir()), s.Close())
	}
	made, err := createPulled(c, engine, create, &plain{lines{out: io.Discard}})
	if err != nil {
		return exitUsage, errors.Join(err, s.Close())
	}
	req.Container = made.ID
	if c.Bool("detach") {
		status, err = runDetached(c, s, made, req, content != "")
	} else {
		status, err = runHere(c, engine, req)
	}
	if c.Bool("rm") && (!c.Bool("detach") || err != nil) {
		err = errors.Join(err, removeIfThere(engine, made))
	}
	return status, errors.Join(err, s.Close())
}

// removeIfThere removes what may have been removed.
func removeIfThere(engine *imagefs.Engine, made *container.Container) error {
	err := engine.RemoveContainer(context.Background(), made.ID, true)
	if imagefs.KindOf(err) == imagefs.NotFound {
		return nil
	}
	return err
}

func runRequest(c *cli.Context) (req imagefs.RunRequest, err error) {
	req.Network = runner.Network(c.String("network"))
	for _, word := range c.StringSlice("volume") {
		var m specs.Mount
		if m, err = imagefs.ParseVolume(word); err != nil {
			return req, err
		}
		req.Mounts = append(req.Mounts, m)
	}
	for _, word := range c.StringSlice("publish") {
		ports, err := imagefs.ParsePorts(word)
		if err != nil {
			return req, err
		}
		req.Ports = append(req.Ports, ports...)
	}
	return req, nil
}

// runHere runs with this process's input and output, and passes on the signals that it gets.
func runHere(c *cli.Context, engine *imagefs.Engine, req imagefs.RunRequest) (int, error) {
	req.Stdout, req.Stderr = os.Stdout, os.Stderr
	wanted := []os.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGQUIT}
	if c.Bool("interactive") {
		req.Stdin = os.Stdin
	}
	signals := make(chan os.Signal, 16)
	if c.Bool("interactive") && term.IsTerminal(int(os.Stdin.Fd())) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGQUIT) // the terminal sends them to what runs, too
		wanted = wanted[:4]
	}
	signal.Notify(signals, wanted...)
	defer signal.Stop(signals)
	req.Signals = signals
	return engine.Run(context.WithoutCancel(c.Context), req, &lines{out: os.Stderr})
}

// runDetached has a monitor run the container, and returns when it runs.
func runDetached(c *cli.Context, s *store.Store, made *container.Container, req imagefs.RunRequest, mounted bool) (int, error) {
	said, err := startMonitor(monitored{
		Root: s.Dir(), Request: req, Remove: c.Bool("rm"), Input: c.Bool("interactive") && !c.Bool("tty"),
	}, made, mounted)
	if err != nil {
		return exitUsage, err
	}
	for _, line := range said.Warnings {
		fmt.Fprintln(os.Stderr, line)
	}
	if said.Error != nil {
		return said.Status, said.Error.err()
	}
	fmt.Println(made.ID)
	return exitOK, nil
}
