package main

import (
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs/fs"
)

func mountCommand() *cli.Command {
	return &cli.Command{
		Name:      "mount",
		Usage:     "Mount images as files",
		ArgsUsage: "DIR",
		Description: `Mounts on DIR, which must exist, and runs until 'imagefs umount DIR', Ctrl-C or SIGTERM.

Examples:

   imagefs mount -d ~/images
   imagefs mount --root /srv/images --insecure-registry registry.lan:5000 /mnt`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "go on in the background, and return once it is mounted"},
			&cli.StringFlag{Name: "log", Usage: "append what a detached mount has to say to `FILE`"},
			&cli.BoolFlag{Name: "allow-other", Usage: "let other users read, by the files' modes"},
			&cli.StringFlag{Name: "content", Usage: "mount the images themselves on `DIR` (default: in /run/imagefs or $XDG_RUNTIME_DIR/imagefs)"},
			searchFlag(),
			rootFlag(),
			&cli.IntFlag{Name: readyFlag, Value: -1, Hidden: true},
		}, registryFlags()...),
		Action: mount,
	}
}

func mount(c *cli.Context) error {
	config, err := mountConfig(c)
	if err != nil {
		return err
	}
	if c.Bool("detach") {
		return detach(c.Context, config, c.String("log"))
	}
	if fd := c.Int(readyFlag); fd >= 0 {
		return mountDetached(c.Context, config, fd)
	}
	return hold(c.Context, config, func() { log.Printf("mounted on %s", config.Mountpoint) })
}

func mountConfig(c *cli.Context) (fs.MountConfig, error) {
	args, err := words(c, 1, 1)
	if err != nil {
		return fs.MountConfig{}, err
	}
	config := fs.MountConfig{
		AllowOther: c.Bool("allow-other"),
		Insecure:   listOf(c, "insecure-registry"),
		Mirrors:    listOf(c, "registry-mirror"),
		SearchURL:  c.String("search-url"),
	}
	var wrong error
	if config.Root, wrong = rootDir(c.String("root")); wrong != nil {
		err = errors.Join(err, wrong)
	}
	if config.Mountpoint, wrong = filepath.Abs(args[0]); wrong != nil {
		err = errors.Join(err, wrong)
	}
	if content := c.String("content"); content != "" {
		if config.Content, wrong = filepath.Abs(content); wrong != nil {
			err = errors.Join(err, wrong)
		}
	}
	return config, err
}

// hold mounts; that the user ended the mount is no error.
func hold(ctx context.Context, config fs.MountConfig, ready func()) error {
	err := fs.Mount(ctx, config, ready)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// mountDetached is the child's side of [detach]: it says on descriptor fd that it is ready, or why it is not.
func mountDetached(ctx context.Context, config fs.MountConfig, fd int) error {
	pipe := os.NewFile(uintptr(fd), "ready")
	if pipe == nil {
		return errors.New("--" + readyFlag + " is not a descriptor")
	}
	closeOnExec(fd)
	err := hold(ctx, config, func() {
		pipe.WriteString(readyWord) // a parent that is gone does not matter
		pipe.Close()
	})
	if err != nil {
		complain(pipe, err) // in vain, and harmless, once the pipe is closed
		log.Print(err)
		return &silentError{exitFailed}
	}
	return nil
}
