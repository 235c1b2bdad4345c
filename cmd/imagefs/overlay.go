package main

import (
	"errors"
	"os/exec"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/runner"
	"github.com/imagefs/imagefs/fs"
)

func overlayCommand() *cli.Command {
	return &cli.Command{
		Name:            container.Helper,
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return container.Help(c.Args().Slice()) },
	}
}

func runnerCommand() *cli.Command {
	return &cli.Command{
		Name:            runner.Helper,
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return runner.Help(c.Args().Slice()) },
	}
}

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:            imagefs.Sweeper,
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return imagefs.Sweep(c.Context, c.Args().Slice()) },
	}
}

func privateCommand() *cli.Command {
	return &cli.Command{
		Name:            "private",
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return passStatus(fs.ServePrivately(c.Args().Slice())) },
	}
}

// passStatus has this process end as the one that it ran.
func passStatus(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return &silentError{exit.ExitCode()}
	}
	return err
}
