package main

import (
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs/fs"
	"github.com/imagefs/imagefs/fs/conn"
)

func umountCommand() *cli.Command {
	return &cli.Command{
		Name:      "umount",
		Usage:     "Unmount",
		ArgsUsage: "DIR",
		Description: `Examples:

   imagefs umount ~/images
   imagefs umount --abort ~/images    when it does not answer any more`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "abort", Usage: "give an error to everybody who waits for it, and unmount although it is in use"},
		},
		Action: func(c *cli.Context) error {
			dir, err := mountpoint(c)
			if err != nil {
				return err
			}
			return fs.Unmount(c.Context, dir, c.Bool("abort"))
		},
	}
}

func upgradeCommand() *cli.Command {
	return &cli.Command{
		Name:      "upgrade",
		Usage:     "Go on with this very binary, under running readers",
		ArgsUsage: "DIR",
		Description: `Replaces the server of the mount on DIR by this binary's. Nobody who reads there notices. If the new one
cannot take over, the old one stays.

Examples:

   ./imagefs-new upgrade ~/images`,
		Action: func(c *cli.Context) error {
			dir, err := mountpoint(c)
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			return fs.Upgrade(c.Context, dir, self)
		},
	}
}

// serveCommand is what the holder of a mount starts: the server behind it.
func serveCommand() *cli.Command {
	return &cli.Command{
		Name:            "serve",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			return fs.Serve(c.Context, c.Args().Slice())
		},
	}
}

// tellCommand is what a server starts to tell the kernel what it must not wait for itself.
func tellCommand() *cli.Command {
	return &cli.Command{
		Name:            "tell",
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(*cli.Context) error { return conn.Tell() },
	}
}

func mountpoint(c *cli.Context) (string, error) {
	args, err := words(c, 1, 1)
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(args[0])
	return dir, err
}
