package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs"
)

func imageMountCommand() *cli.Command {
	return &cli.Command{
		Name:      "mount",
		Usage:     "Print where an image's root filesystem is mounted",
		ArgsUsage: "IMAGE [IMAGE...]",
		Description: `Every image of a store is mounted while the store is: see 'imagefs mount'.

Examples:

   ls $(imagefs image mount alpine:3.19)/etc`,
		Flags:  []cli.Flag{rootFlag()},
		Action: imageMount,
	}
}

func imageMount(c *cli.Context) error {
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	s, snap, err := openStore(c.Context, c.String("root"))
	if err != nil {
		return err
	}
	defer s.Close()
	var paths []string
	for _, word := range args {
		img, err := imagefs.Resolve(snap, word)
		if err != nil {
			return err
		}
		paths = append(paths, filepath.Join(img.ID.Encoded(), "rootfs"))
	}
	content, err := fs.ContentOf(s.Dir())
	if err != nil {
		return err
	}
	for _, path := range paths {
		fmt.Println(filepath.Join(content, path))
	}
	return nil
}
